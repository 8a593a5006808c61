"""Lines of a file through a queue, with pika.

program publish QUEUE < file     one persistent message per line, in transactions of BATCH lines
program consume QUEUE > copy     acknowledges each line; ends at the end mark and deletes the queue
"""
import os
import sys

import pika

BATCH = 500
END_MARK = "application/x-end"  # the content type of the message after the last line


def publish(channel, queue):
    channel.tx_select()

    def send(body, content_type):
        channel.basic_publish("", queue, body, pika.BasicProperties(content_type=content_type, delivery_mode=2))

    for number, line in enumerate(sys.stdin.buffer, 1):
        send(line.removesuffix(b"\n"), "text/plain")
        if number % BATCH == 0:
            channel.tx_commit()
    send(b"", END_MARK)
    channel.tx_commit()


def consume(channel, queue):
    channel.basic_qos(prefetch_count=BATCH)
    for method, properties, body in channel.consume(queue):
        channel.basic_ack(method.delivery_tag)
        if properties.content_type == END_MARK:
            break
        sys.stdout.buffer.write(body + b"\n")
    sys.stdout.buffer.flush()
    channel.queue_delete(queue, if_empty=True)  # refused if anything were left


action, queue = sys.argv[1:]
connection = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URL"]))
channel = connection.channel()
channel.queue_declare(queue, durable=True)
{"publish": publish, "consume": consume}[action](channel, queue)
connection.close()
