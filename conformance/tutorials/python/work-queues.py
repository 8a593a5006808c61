"""Durable tasks for two workers, one at a time each; what a killed worker held goes to the other."""
import subprocess
import sys

import pika
from common import Consumer, connect, same, unique

TASKS = [f"task {i}" for i in range(10)]


def worker(queue):
    """A process of its own that takes a task, says which, and never finishes."""
    channel = connect().channel()
    channel.queue_declare(queue, durable=True)
    channel.basic_qos(prefetch_count=1)
    channel.basic_consume(queue, lambda *delivery: print(delivery[3].decode(), flush=True))
    channel.start_consuming()


def main():
    connection = connect()
    channel = connection.channel()
    queue = unique("tasks")
    channel.queue_declare(queue, durable=True)
    for task in TASKS:
        channel.basic_publish("", queue, task.encode(), pika.BasicProperties(delivery_mode=pika.DeliveryMode.Persistent))

    doomed = subprocess.Popen([sys.executable, __file__, "worker", queue], stdout=subprocess.PIPE, text=True)
    try:
        held = doomed.stdout.readline().strip()
        same("first task", held, TASKS[0])

        channel.basic_qos(prefetch_count=1)
        consumer = Consumer(channel, queue, no_ack=False)
        done = []
        while len(done) < len(TASKS) - 1:  # the other worker holds one and, not having settled it, gets no second
            method, properties, body = consumer.next()
            same("redelivered", method.redelivered, False)
            same("delivery mode", properties.delivery_mode, 2)
            done.append(body)
            channel.basic_ack(method.delivery_tag)
    finally:
        doomed.kill()
    method, _, body = consumer.next()
    same("task of the killed worker", (body, method.redelivered), (held, True))
    channel.basic_ack(method.delivery_tag)
    same("tasks done", sorted([*done, body]), TASKS)
    same("tasks left", channel.queue_delete(queue).method.message_count, 0)
    connection.close()


if sys.argv[1:2] == ["worker"]:
    worker(sys.argv[2])
else:
    main()
