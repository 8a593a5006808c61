"""check.py TOOLKIT: Celery and the toolkit on one broker, in both directions. A line PASS or FAIL, a tab and a name for each claim.

TOOLKIT is the program crates/leveret/examples/celery.rs. Environment: AMQP_URL, and SHIPPED, a file for what Celery's worker did.
"""
import os
import subprocess
import sys
import time

from shop import app

TOOLKIT, URL, SHIPPED = sys.argv[1], os.environ["AMQP_URL"], os.environ["SHIPPED"]
DEADLINE_SECONDS = 20


def claim(name, found, wanted):
    print("PASS" if found == wanted else "FAIL", name, sep="\t", flush=True)
    if found != wanted:
        print(f"{name}: {found!r} instead of {wanted!r}", file=sys.stderr)


def shipped():
    return sorted(open(SHIPPED).read().splitlines()) if os.path.exists(SHIPPED) else []


def until(wanted, look):
    """What is there when it is as wanted, or when the time is over."""
    end = time.monotonic() + DEADLINE_SECONDS
    while (found := look()) != wanted and time.monotonic() < end:
        time.sleep(0.05)
    return found


def toolkit(*arguments):
    return subprocess.run([TOOLKIT, *arguments], capture_output=True, text=True, timeout=DEADLINE_SECONDS)


# Celery's queue is Celery's to declare; a publisher that comes first would be told NO_ROUTE.
with app.connection_for_write() as connection:
    app.amqp.queues["celery"].bind(connection.default_channel).declare()

worker = subprocess.Popen([sys.executable, "-m", "celery", "-A", "shop", "worker", "--pool", "solo", "--loglevel", "INFO",
                           "--without-gossip", "--without-mingle"], stdout=sys.stderr)
try:
    sent = toolkit("send", "shop.ship", "1", "2", "3")
    claim("the toolkit's tasks are confirmed", (sent.returncode, sent.stderr), (0, ""))
    wanted = ["1 True", "2 False", "3 True"]
    claim("a Celery worker does them, with arguments by place and by name", until(wanted, shipped), wanted)
finally:
    worker.terminate()
    claim("the worker stops in order", worker.wait(DEADLINE_SECONDS), 0)

# The other way: the queue is declared by Celery's publisher, as Celery does it.
app.send_task("shop.forget", (10,), {"express": False}, queue="shipping")
for order in range(11, 15):
    app.send_task("shop.ship", (order,), {"express": order == 12}, queue="shipping")
for _ in "12":  # a program that was not sure, and sent it again
    app.send_task("shop.ship", (15,), {"express": False}, queue="shipping", task_id="order-15")
app.send_task("shop.ship", (16,), {"express": False}, queue="shipping")
worked = toolkit("work", "shipping", "6")
lines = sorted(worked.stdout.splitlines())
claim("the toolkit does Celery's tasks, once each, and one that failed again", lines, sorted(
    ["acked 7, duplicates 1, retried 1, dead 1"] + [
        f"order {order}, express: {str(order == 12).lower()}, attempt {2 if order == 13 else 1}" for order in range(11, 17)
    ]))
with app.connection_for_read() as connection:
    queue = connection.SimpleQueue("shipping.dead", queue_opts={"durable": True})
    dead = queue.get(timeout=5)
    claim("a task that nobody knows is a dead letter with the reason", dead.headers["x-error-reason"], "unknown-task")
