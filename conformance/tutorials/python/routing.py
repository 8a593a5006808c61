"""A direct exchange gives a message to the queues bound with exactly its key."""
from common import connect, same, subscriber, unique

connection = connect()
channel = connection.channel()
logs = unique("direct_logs")
channel.exchange_declare(logs, "direct", auto_delete=True)
disk, errors = subscriber(channel, logs, "error")
screen, everything = subscriber(channel, logs, "info", "warning", "error")

for line in "info", "error", "debug", "warning", "error", "errors", "":
    channel.basic_publish(logs, line, line.encode())
for queue in disk, screen:
    channel.basic_publish("", queue, b"end")
same("errors", errors.until_end(), ["error", "error"])
same("all", everything.until_end(), ["info", "error", "warning", "error"])
connection.close()
