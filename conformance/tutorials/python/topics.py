"""In a topic exchange's binding, * stands for one word and # for any number of words."""
from common import connect, same, subscriber, unique

KEYS = [
    "quick.orange.rabbit", "lazy.orange.elephant", "quick.orange.fox", "lazy.brown.fox", "lazy.pink.rabbit",
    "quick.brown.fox", "orange", "quick.orange.new.rabbit", "lazy.orange.new.rabbit", "lazy", "",
]
WANTED = {
    ("*.orange.*",): ["quick.orange.rabbit", "lazy.orange.elephant", "quick.orange.fox"],
    ("*.*.rabbit", "lazy.#"): [
        "quick.orange.rabbit", "lazy.orange.elephant", "lazy.brown.fox", "lazy.pink.rabbit", "lazy.orange.new.rabbit", "lazy"],
    ("#",): KEYS,
    ("*",): ["orange", "lazy"],
    ("#.orange.#",): [
        "quick.orange.rabbit", "lazy.orange.elephant", "quick.orange.fox", "orange", "quick.orange.new.rabbit", "lazy.orange.new.rabbit"],
}

connection = connect()
channel = connection.channel()
animals = unique("topic_animals")
channel.exchange_declare(animals, "topic", auto_delete=True)
subscribers = {bindings: subscriber(channel, animals, *bindings) for bindings in WANTED}
for key in KEYS:
    channel.basic_publish(animals, key, key.encode())
for bindings, (queue, consumer) in subscribers.items():
    channel.basic_publish("", queue, b"end")
    same(f"bindings {bindings}", consumer.until_end(), WANTED[bindings])
connection.close()
