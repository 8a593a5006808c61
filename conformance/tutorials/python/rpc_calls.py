"""Both sides of remote calls: a server in a thread, and a client that has several calls under way."""
import threading

import pika
from common import connect, same, unique

FIBONACCI = [0, 1, 1, 2, 3, 5, 8, 13, 21, 34, 55]


class Server:
    """Answers requests for Fibonacci numbers on a connection of its own."""

    def __enter__(self):
        self.queue = unique("rpc")
        ready = threading.Event()
        self.thread = threading.Thread(target=self.serve, args=(ready,), daemon=True)
        self.thread.start()
        ready.wait()
        return self.queue

    def serve(self, ready):
        self.connection = connect()
        self.channel = self.connection.channel()
        self.channel.queue_declare(self.queue, auto_delete=True)
        self.channel.basic_qos(prefetch_count=1)
        self.channel.basic_consume(self.queue, self.answer)
        ready.set()
        self.channel.start_consuming()
        self.connection.close()

    @staticmethod
    def answer(channel, method, properties, body):
        answer = str(FIBONACCI[int(body)]).encode()
        channel.basic_publish("", properties.reply_to, answer, pika.BasicProperties(correlation_id=properties.correlation_id))
        channel.basic_ack(method.delivery_tag)

    def __exit__(self, *_):
        self.connection.add_callback_threadsafe(self.channel.stop_consuming)
        self.thread.join()


def call(channel, requests, reply_to, replies):
    for n in range(len(FIBONACCI)):
        channel.basic_publish("", requests, str(n).encode(), pika.BasicProperties(correlation_id=f"call {n}", reply_to=reply_to))
    for n, want in enumerate(FIBONACCI):
        _, properties, body = replies.next()
        same("reply", (properties.correlation_id, body), (f"call {n}", str(want)))
