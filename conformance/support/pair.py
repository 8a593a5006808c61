"""A Leveret with its data on disk and a real RabbitMQ beside it, for tests that carry messages from one to the other."""

import base64
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GUEST = "Basic " + base64.b64encode(b"guest:guest").decode()


def is_free(port):
    with socket.socket() as s:
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def answers(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


def free_base():
    """A port that is free, together with those that a RabbitMQ on it needs, and some for ours."""
    while True:
        base = random.randrange(20100, 22600, 10)
        if all(is_free(base + offset) for offset in (0, 1, 2, 3, 10000, 10001, 10003, 20000)):
            return base


def until(what, holds, seconds=60):
    """Waits for the thing, with a deadline; the thing itself is the result."""
    end = time.monotonic() + seconds
    while True:
        found = holds()
        if found:
            return found
        if time.monotonic() > end:
            sys.exit(f"never: {what}")
        time.sleep(0.05)


class Api:
    """An HTTP API."""

    def __init__(self, port):
        self.port = port

    def ask(self, method, path, body=None):
        """Status and answer."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"authorization": GUEST, "content-type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            text = error.read()
            try:
                return error.code, json.loads(text)
            except ValueError:
                return error.code, None

    def get(self, path):
        status, answer = self.ask("GET", path)
        if status != 200:
            sys.exit(f"GET {path}: {status} {answer}")
        return answer

    def do(self, method, path, body=None):
        status, answer = self.ask(method, path, body)
        if status not in (200, 201, 204):
            sys.exit(f"{method} {path}: {status} {answer}")


def quoted(name):
    return urllib.parse.quote(name, safe="")


class Pair:
    def __init__(self, label, theirs=True):
        """`theirs`: whether a RabbitMQ is started as well."""
        self.has_theirs = theirs
        self.scratch = tempfile.mkdtemp(prefix=f"leveret-{label}.")
        self.base = free_base()
        self.leveret = self.build()
        self.process = None
        self.ours_port = self.base + 3
        self.theirs_port = self.base
        self.ours_url = f"amqp://guest:guest@127.0.0.1:{self.ours_port}"
        self.theirs_url = f"amqp://guest:guest@127.0.0.1:{self.theirs_port}"
        self.ours = Api(self.ours_port + 10000)
        self.theirs = Api(self.theirs_port + 10000)
        self.environment = {
            **os.environ,
            "AMQP_PORT": str(self.base),
            "AMQPS_PORT": str(self.base + 1),
            "PROM_PORT": str(self.base + 2),
            "MGMT_PORT": str(self.base + 10000),
            "PLUGINS": "rabbitmq_shovel,rabbitmq_shovel_management",
        }

    @staticmethod
    def build():
        # A binary that is there already.
        found = os.environ.get("LEVERET")
        if found:
            return found
        command = ["cargo", "build", "-p", "leveret-server", "--message-format=json"]
        out = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout
        for line in out.splitlines():
            message = json.loads(line)
            if message.get("target", {}).get("name") == "leveret" and message.get("executable"):
                found = message["executable"]
        if not found:
            sys.exit("cargo built no leveret")
        return found

    def __enter__(self):
        self.start_leveret()
        if self.has_theirs:
            subprocess.run([f"{ROOT}/conformance/start-rabbitmq"], env=self.environment, check=True, stdout=subprocess.DEVNULL)
        return self

    def __exit__(self, kind, error, _):
        self.kill_leveret()
        if self.has_theirs:
            subprocess.run([f"{ROOT}/conformance/start-rabbitmq", "stop"], env=self.environment, check=False)
        if error is None or (isinstance(error, SystemExit) and not error.code):
            shutil.rmtree(self.scratch, ignore_errors=True)
        else:
            print(f"== FAILED; files in {self.scratch}", file=sys.stderr)

    def start_leveret(self):
        log = open(f"{self.scratch}/leveret.log", "ab")
        self.process = subprocess.Popen(
            [self.leveret, "serve", "--amqp", f"127.0.0.1:{self.ours_port}", "--management",
             f"127.0.0.1:{self.ours_port + 10000}", "--data", f"{self.scratch}/data"],
            stdout=log, stderr=log, stdin=subprocess.DEVNULL,
        )
        until("Leveret answers", lambda: answers(self.ours_port + 10000))

    def kill_leveret(self):
        """As kill -9 does."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def run(self, *arguments, given=None, check=True):
        """A command of leveret; what it wrote to stdout."""
        done = subprocess.run([self.leveret, *arguments], input=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if check and done.returncode != 0:
            sys.exit(f"leveret {' '.join(arguments)}: {done.returncode}\n{done.stdout.decode()}{done.stderr.decode()}")
        return done.stdout

    def publish(self, url, messages):
        lines = "".join(json.dumps(message) + "\n" for message in messages)
        self.run("publish", "--url", url, "--json-lines", "--quiet", given=lines.encode())

    def take(self, url, queue, vhost="/"):
        """Everything in a queue, in order."""
        out = self.run("consume", queue, "--url", url, "-V", vhost, "--idle", "1s", "--json", "--quiet", "--prefetch", "1000")
        return [json.loads(line) for line in out.splitlines()]
