"""The broker says of each message that it has taken it: awaited one by one, per batch, and handled as they come."""
import pika
from common import DEADLINE, URL, connect, fail, same, unique

PERSISTENT = pika.BasicProperties(delivery_mode=pika.DeliveryMode.Persistent)
queue = unique("confirms")


def one_by_one(count):
    connection = connect()
    channel = connection.channel()
    channel.queue_declare(queue, durable=True)
    channel.confirm_delivery()
    for i in range(count):  # returns when the message is confirmed, raises when it is refused
        channel.basic_publish("", queue, f"message {i}".encode(), PERSISTENT)
    connection.close()


class Publisher:
    """Publishes without waiting, at most `window` messages unconfirmed; the window is one batch or slides."""

    def __init__(self, count, window, slides):
        self.count, self.window, self.slides = count, window, slides
        self.sent, self.unconfirmed, self.error = 0, set(), "not finished in time"
        connection = pika.SelectConnection(pika.URLParameters(URL), on_open_callback=self.opened, on_open_error_callback=self.not_opened)
        connection.ioloop.call_later(DEADLINE, connection.ioloop.stop)
        connection.ioloop.start()
        if self.error:
            fail(self.error)

    def not_opened(self, connection, error):
        self.error = repr(error)
        connection.ioloop.stop()

    def opened(self, connection):
        self.connection = connection
        connection.add_on_close_callback(lambda *_: connection.ioloop.stop())
        connection.channel(on_open_callback=self.select)

    def select(self, channel):
        self.channel = channel
        channel.confirm_delivery(ack_nack_callback=self.confirmed, callback=self.publish)

    def publish(self, _=None):
        while self.sent < self.count and len(self.unconfirmed) < self.window:
            self.sent += 1
            self.unconfirmed.add(self.sent)
            self.channel.basic_publish("", queue, f"message {self.sent}".encode(), PERSISTENT)

    def confirmed(self, frame):
        tag, multiple = frame.method.delivery_tag, frame.method.multiple
        tags = {t for t in self.unconfirmed if t <= tag} if multiple else {tag}
        if not isinstance(frame.method, pika.spec.Basic.Ack) or not tags or not tags <= self.unconfirmed:
            fail(f"unexpected {frame.method}, unconfirmed {sorted(self.unconfirmed)}")
        self.unconfirmed -= tags
        if self.slides or not self.unconfirmed:
            self.publish()
        if self.sent == self.count and not self.unconfirmed:
            self.error = None
            self.connection.close()


one_by_one(10)
Publisher(100, window=50, slides=False)
Publisher(500, window=100, slides=True)
connection = connect()
same("messages in the queue", connection.channel().queue_delete(queue).method.message_count, 610)
connection.close()
