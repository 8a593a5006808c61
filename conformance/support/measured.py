"""A broker that is measured, and how figures are printed: what the measuring programs of conformance/ share."""
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RELEASE = os.path.join(os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target")), "release")
LEVERET = os.path.join(RELEASE, "leveret")


def spread(values, digits=0):
    text = [f"{v:,.{digits}f}" for v in (statistics.median(values), min(values), max(values))]
    return f"{text[0]} ({text[1]}–{text[2]})"


class Broker:
    """One of ours, on a folder that outlives its restarts; or the one at a URL."""

    def __init__(self, url, folder):
        self.process, self.url, self.data = None, url, None
        if url is None:
            with socket.socket() as s:
                s.bind(("127.0.0.1", 0))
                self.port = s.getsockname()[1]
            self.url = f"amqp://guest:guest@127.0.0.1:{self.port}/"
            self.data = tempfile.mkdtemp(prefix="measure-", dir=folder)
            self.start()

    def start(self):
        command = [LEVERET, "serve", "--amqp", f"127.0.0.1:{self.port}", "--management", "none", "--data", self.data, "--log-level", "warn"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        for _ in range(60_000):
            try:
                return socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.001)
        raise SystemExit("the broker did not start")

    def kill(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait(60)

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat") as stat:
            fields = stat.read().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self, key):
        with open(f"/proc/{self.process.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith(key)) / 1024

    def bench(self, options, seconds):
        command = [LEVERET, "bench", "--url", self.url, "--json", "--duration", f"{seconds}s", *options.split()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600)
        if done.returncode:
            raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
        return json.loads(done.stdout.strip().splitlines()[-1])

    def end(self):
        if self.process:
            self.kill()
            shutil.rmtree(self.data)


def row(*columns):
    print(" | ".join(columns), flush=True)
