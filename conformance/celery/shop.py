"""A Celery application as a shop might have one: a task that workers here do, and tasks for workers elsewhere."""
import os

from celery import Celery

app = Celery("shop", broker=os.environ["AMQP_URL"])
app.conf.task_ignore_result = True


@app.task(name="shop.ship")
def ship(order, express=False):
    with open(os.environ["SHIPPED"], "a") as file:
        file.write(f"{order} {express}\n")
