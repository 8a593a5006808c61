#!/usr/bin/env python3
"""compare.py LEVERET-PORTS RABBITMQ-PORTS SCRATCH: types the lines of `commands` at both and compares what they say.

PORTS are AMQP:AMQPS:MGMT:CA_FILE. `leveret` is found in PATH.
"""
import os
import re
import subprocess
import sys
import time

# What may differ: names the broker or the moment makes.
DIFFERENT = [
    (r"\b[0-9a-f]{16}-\d+\b", "MESSAGE-ID"),
    (r"127\.0\.0\.1:\d+|localhost:\d+|::1:\d+", "ADDRESS"),
    (r"port-listener=\d+", "port-listener"),
    # What RabbitMQ says of a wrong password is its own affair when it comes to logs.
    (r" \(os error \d+\)", ""),
]


def at(ports, folder):
    amqp, amqps, mgmt, ca_file = ports.split(":")
    os.makedirs(folder)
    env = {k: v for k, v in os.environ.items() if not k.startswith("LEVERET_")}
    env.update(
        LEVERET_HTTP=f"http://guest:guest@127.0.0.1:{mgmt}",
        LEVERET_URL=f"amqp://guest:guest@127.0.0.1:{amqp}/",
        AMQP_PORT=amqp, AMQPS_PORT=amqps, MGMT_PORT=mgmt, CA_FILE=ca_file, XDG_CONFIG_HOME=folder,
    )
    return {"env": env, "cwd": folder}


def run(line, where):
    try:
        done = subprocess.run(["bash", "-c", line], stdin=subprocess.DEVNULL, capture_output=True, timeout=60, **where)
        code, out, err = done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
    except subprocess.TimeoutExpired:
        code, out, err = "no end", "", ""
    for pattern, word in DIFFERENT:
        out, err = re.sub(pattern, word, out), re.sub(pattern, word, err)
    return code, out, err


def same(line, where, here, there):
    """The statistics of RabbitMQ are a moment behind: a line that only looks may be asked again."""
    mark, command = (line[0], line[1:].strip()) if line[0] in "?+" else ("", line)
    for attempt in range(6):
        ours, theirs = run(command, here), run(command, there)
        if mark == "+":
            is_well = ours[0] == 0 and theirs[0] == 1 and ("is no Leveret" in theirs[2] or "unknown exchange type" in theirs[2])
            return is_well, ours, theirs
        is_same = ours[0] == theirs[0] if mark == "?" else ours == theirs
        looks = re.match(r"leveret (\S+ (list|show)|top|health|get lost)\b", command)
        if is_same or not looks:
            return is_same, ours, theirs
        time.sleep(1)
    return False, ours, theirs


def main():
    leveret, rabbitmq, scratch = sys.argv[1:]
    here, there = at(leveret, f"{scratch}/at-leveret"), at(rabbitmq, f"{scratch}/at-rabbitmq")
    lines = open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "commands")).read().splitlines()
    lines = [line for line in lines if line and not line.startswith("#")]
    bad = 0
    for line in lines:
        is_same, ours, theirs = same(line, None, here, there)
        if not is_same:
            bad += 1
            print(f"-- {line}")
            for who, (code, out, err) in (("leveret ", ours), ("rabbitmq", theirs)):
                print(f"   {who} exit {code}\n" + "".join(f"      {text}\n" for text in (out + err).splitlines()[:40]), end="")
    print(f"{len(lines)} commands, {len(lines) - bad} as they should be, {bad} not")
    return 1 if bad else 0


sys.exit(main())
