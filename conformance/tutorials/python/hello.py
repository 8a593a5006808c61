"""One message through a queue, by way of the default exchange."""
import pika
from common import Consumer, connect, same, unique

connection = connect()
channel = connection.channel()
queue = unique("hello")
declared = channel.queue_declare(queue, auto_delete=True).method
same("new queue", (declared.queue, declared.message_count, declared.consumer_count), (queue, 0, 0))

headers = {"language": "Grüße", "number": 42, "large": 2**40, "list": [1, "two", None], "flag": True, "nested": {"a": {"b": "c"}}}
channel.basic_publish("", queue, b"Hello World!", pika.BasicProperties(content_type="text/plain", headers=headers))

method, properties, body = Consumer(channel, queue).next()
same("body", body, "Hello World!")
same("content type", properties.content_type, "text/plain")
same("headers", properties.headers, headers)
same("where from", (method.exchange, method.routing_key), ("", queue))
same("delivery", (method.delivery_tag, method.redelivered), (1, False))
connection.close()
