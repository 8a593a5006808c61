"""Remote calls without a reply queue: the broker carries the reply straight to the channel that asked."""
import pika
from common import Consumer, connect, fail, same
from rpc_calls import Server, call

PSEUDO_QUEUE = "amq.rabbitmq.reply-to"

with Server() as requests:
    connection = connect()
    channel = connection.channel()
    call(channel, requests, PSEUDO_QUEUE, Consumer(channel, PSEUDO_QUEUE))

    # Who does not listen cannot be answered: the broker refuses the request.
    deaf = connection.channel()
    deaf.basic_publish("", requests, b"1", pika.BasicProperties(reply_to=PSEUDO_QUEUE))
    try:
        deaf.queue_declare(requests, passive=True)
        fail("a request that cannot be answered was accepted")
    except pika.exceptions.ChannelClosedByBroker as e:
        same("refusal", (e.reply_code, e.reply_text), (406, "PRECONDITION_FAILED - fast reply consumer does not exist"))
    connection.close()
