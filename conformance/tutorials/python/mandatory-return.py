"""A mandatory message that no queue takes comes back, and is confirmed after that."""
import pika
from common import connect, fail, same, subscriber, unique

connection = connect()
channel = connection.channel()
channel.confirm_delivery()
exchange = unique("nowhere")
channel.exchange_declare(exchange, "direct", auto_delete=True)
queue, consumer = subscriber(channel, exchange, "somewhere")


def send(key, mandatory):
    channel.basic_publish(exchange, key, f"to {key}".encode(), pika.BasicProperties(message_id=key), mandatory=mandatory)


try:
    send("anywhere", True)
    fail("a mandatory message that no queue takes did not come back")
except pika.exceptions.UnroutableError as e:
    same("returned", len(e.messages), 1)
    r = e.messages[0]
    same("why", (r.method.reply_code, r.method.reply_text), (312, "NO_ROUTE"))
    same("where", (r.method.exchange, r.method.routing_key), (exchange, "anywhere"))
    same("what", (r.properties.message_id, r.body), ("anywhere", b"to anywhere"))
send("somewhere", True)
send("anywhere", False)
channel.basic_publish("", queue, b"end")
same("delivered", consumer.until_end(), ["to somewhere"])
connection.close()
