"""An order that cannot be handled: tried again after 5, 15 and 30 seconds, then a dead letter.

  main.py native    the queue has the ladder: x-retry-delays
  main.py classic   a queue for each delay, with a time to live that leads back

Prints what can be observed, which is the same either way. Exit code 3: this broker has no ladder of its own."""
import os
import sys
import time

import pika

URL = os.environ.get("AMQP_URL", "amqp://guest:guest@127.0.0.1:5672/%2f")
DELAYS = [5_000, 15_000, 30_000]
NAME = f"ladder.python.{sys.argv[1]}.{os.getpid()}"
DEAD = NAME + ".dead"
SLACK = 1.0  # seconds that a retry may come late


def declare_native(channel):
    channel.queue_declare(NAME, durable=True, arguments={
        "x-retry-delays": DELAYS, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": DEAD,
    })


def declare_classic(channel):
    channel.queue_declare(NAME, durable=True)
    for delay in DELAYS:
        channel.queue_declare(f"{NAME}.{delay}", durable=True, arguments={
            "x-message-ttl": delay, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": NAME,
        })


def fail_native(channel, method, properties, body, attempt):
    channel.basic_reject(method.delivery_tag, requeue=True)


def fail_classic(channel, method, properties, body, attempt):
    # Published and confirmed first, then acknowledged: a crash in between repeats, and loses nothing.
    rung = f"{NAME}.{DELAYS[attempt - 1]}" if attempt <= len(DELAYS) else DEAD
    channel.basic_publish("", rung, body, properties, mandatory=True)
    channel.basic_ack(method.delivery_tag)


def main():
    declare, fail = {"native": (declare_native, fail_native), "classic": (declare_classic, fail_classic)}[sys.argv[1]]
    connection = pika.BlockingConnection(pika.URLParameters(URL))
    channel = connection.channel()
    channel.confirm_delivery()
    channel.basic_qos(prefetch_count=1)
    channel.queue_declare(DEAD, durable=True)
    declare(channel)
    order = pika.BasicProperties(delivery_mode=2, message_id="order-1", content_type="text/plain")
    channel.basic_publish("", NAME, b"one coffee", order, mandatory=True)
    arrivals = []

    def handle(channel, method, properties, body):
        arrivals.append(time.monotonic())
        if len(arrivals) == 2 and arrivals[1] - arrivals[0] < 1:
            sys.exit(3)
        assert (body, properties.message_id) == (b"one coffee", "order-1"), (body, properties)
        fail(channel, method, properties, body, len(arrivals))

    channel.basic_consume(NAME, handle)
    dead = None
    until = time.monotonic() + sum(DELAYS) / 1000 + 20
    while dead is None and time.monotonic() < until:
        connection.process_data_events(time_limit=0.2)
        method, properties, body = channel.basic_get(DEAD, auto_ack=True)
        dead = (properties.message_id, body.decode()) if method else None
    gaps = [later - earlier for earlier, later in zip(arrivals, arrivals[1:])]
    for gap, delay in zip(gaps, DELAYS):
        print("retried after", delay / 1000 if -0.05 <= gap - delay / 1000 <= SLACK else gap, "s")
    print("attempts", len(arrivals))
    print("dead letter", dead)
    left = [channel.queue_declare(queue, passive=True).method.message_count for queue in (NAME, DEAD)]
    print("left in the queues", left)
    for queue in [NAME, DEAD] + [f"{NAME}.{delay}" for delay in DELAYS]:
        channel.queue_delete(queue)
    connection.close()


main()
