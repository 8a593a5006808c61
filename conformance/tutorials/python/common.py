"""What the tutorial programs share: connecting, names of their own, collecting and comparing."""
import os
import sys
import time

import pika

URL = os.environ.get("AMQP_URL", "amqp://guest:guest@127.0.0.1:5672/%2f")
DEADLINE = 10  # seconds for everything that should happen at once


def connect():
    return pika.BlockingConnection(pika.URLParameters(URL))


def unique(name):
    return f"tutorial.python.{name}.{os.getpid()}.{time.time_ns()}"


def fail(text):
    sys.exit(text)


def same(what, got, want):
    if got != want:
        fail(f"{what}: got {got!r}, want {want!r}")


class Consumer:
    """A consumer whose messages are asked for one by one."""

    def __init__(self, channel, queue, no_ack=True):
        self.connection = channel.connection
        self.waiting = []
        channel.basic_consume(queue, lambda _, method, properties, body: self.waiting.append((method, properties, body.decode())), auto_ack=no_ack)

    def next(self):
        end = time.monotonic() + DEADLINE
        while not self.waiting:
            if time.monotonic() > end:
                fail(f"no message within {DEADLINE} seconds")
            self.connection.process_data_events(time_limit=1)
        return self.waiting.pop(0)

    def until_end(self):
        """Bodies up to the message "end", which the same channel publishes straight to the queue after all others."""
        bodies = []
        while (body := self.next()[2]) != "end":
            bodies.append(body)
        return bodies


def subscriber(channel, exchange, *keys):
    queue = channel.queue_declare("", exclusive=True).method.queue
    for key in keys:
        channel.queue_bind(queue, exchange, key)
    return queue, Consumer(channel, queue)
