"""Requests with a reply queue and a correlation id, several under way at a time."""
from common import connect, subscriber
from rpc_calls import Server, call

with Server() as requests:
    connection = connect()
    channel = connection.channel()
    reply_to, replies = subscriber(channel, "")
    call(channel, requests, reply_to, replies)
    connection.close()
