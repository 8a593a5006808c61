"""A fanout exchange gives every queue bound to it a copy, whatever the routing key."""
from common import connect, same, subscriber, unique

connection = connect()
channel = connection.channel()
logs = unique("logs")
channel.exchange_declare(logs, "fanout", auto_delete=True)
channel.basic_publish(logs, "", b"before anybody listens")
first, a = subscriber(channel, logs, "")
second, b = subscriber(channel, logs, "ignored")
left, c = subscriber(channel, logs, "")
channel.queue_unbind(left, logs, "")

lines = [f"line {i}" for i in range(5)]
for line in lines:
    channel.basic_publish(logs, line, line.encode())
for queue in first, second, left:
    channel.basic_publish("", queue, b"end")
same("first subscriber", a.until_end(), lines)
same("second subscriber", b.until_end(), lines)
same("the one that left", c.until_end(), [])
connection.close()
