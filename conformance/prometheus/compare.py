"""Compares pages of metrics: names, types, names of labels. compare.py FOLDER EXCEPTIONS"""

import pathlib
import re
import sys

SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$")
LABEL = re.compile(r'(\w+)="(?:[^"\\]|\\.)*"')


def read(path):
    """{name: (type, set of label names, set of label values of closed sets)}"""
    types, labels = {}, {}
    for line in path.read_text().splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            types[name] = kind
        elif line and not line.startswith("#"):
            name, text, _ = SAMPLE.match(line).groups()
            labels.setdefault(name, set()).add(tuple(sorted(LABEL.findall(text or ""))))
    return {name: (kind, labels.get(name, set())) for name, kind in types.items()}


def main(folder, exceptions):
    excused, used = [], set()
    for line in pathlib.Path(exceptions).read_text().splitlines():
        if line and not line.startswith("#"):
            what, _, reason = line.partition("  ")
            assert reason.strip(), f"no reason: {line}"
            excused.append(re.compile(what))
    faults, compared = [], 0

    def fault(text):
        for at, pattern in enumerate(excused):
            if pattern.fullmatch(text):
                used.add(at)
                return
        faults.append(text)

    for page in ["together", "per-object", "detailed"]:
        theirs = read(pathlib.Path(folder, f"rabbitmq.{page}"))
        ours = read(pathlib.Path(folder, f"leveret.{page}"))
        for name, (kind, labels) in sorted(theirs.items()):
            if name not in ours:
                fault(f"{name} missing")
                continue
            compared += 1
            if ours[name][0] != kind:
                fault(f"{name} is {ours[name][0]}, not {kind}")
            if labels and ours[name][1] and not labels & ours[name][1]:
                fault(f"{name} labels {sorted(ours[name][1])[0]} instead of {sorted(labels)[0]}")
            if labels and not ours[name][1]:
                fault(f"{name} without a sample")
        for name in sorted(set(ours) - set(theirs)):
            if not name.startswith("leveret_"):
                fault(f"{name} is not RabbitMQ's")
    for at, pattern in enumerate(excused):
        if at not in used:
            faults.append(f"exception that is none: {pattern.pattern}")
    for text in faults:
        print(text, file=sys.stderr)
    print(f"{compared} metrics on three pages are RabbitMQ's by name, type and labels; {len(used)} exceptions; {len(faults)} faults")
    return 1 if faults else 0


sys.exit(main(*sys.argv[1:]))
