"""table.py EXPECTED RESULTS BROKER SUITE...: compare results with the files in EXPECTED, print one table and every difference.

A file EXPECTED/SUITE says what RabbitMQ gets:
  passed N            tests that pass (those named below not counted)
  skipped N           tests that skip themselves
  fails NAME :: WHY   a test that fails on RabbitMQ, and so must fail here
  ours NAME :: WHY    a test of what RabbitMQ has not: skipped there, to be passed here; it counts nowhere else
  later NAME :: WHY   a test that fails on this RabbitMQ, for want of what later versions or a plugin have, and may pass here; it counts nowhere
  lacks NAME :: WHY   a test of what this broker has not: passes on RabbitMQ, and so counts there among `passed`, and fails here
  varies NAME :: WHY  a test whose result depends on the machine or on luck; it counts nowhere
Exit code 1 when anything differs.
"""
import os
import sys


def read_expected(path):
    want = {"passed": None, "skipped": None, "fails": {}, "ours": {}, "later": {}, "lacks": {}, "varies": {}}
    for line in open(path):
        line = line.rstrip("\n")
        kind, _, rest = line.partition(" ")
        if not line or line.startswith("#"):
            continue
        if kind in ("passed", "skipped"):
            want[kind] = int(rest)
        elif kind in ("fails", "ours", "later", "lacks", "varies") and " :: " in rest:
            name, _, why = rest.partition(" :: ")
            want[kind][name.strip()] = why
        else:
            sys.exit(f"{path}: cannot read {line!r}")
    return want


def read_results(path):
    with open(path) as f:
        return {name: status for status, name in (line.rstrip("\n").split("\t", 1) for line in f)}


def compare(want, got, broker):
    """The differences, as sentences."""
    status = "SKIP" if broker == "rabbitmq" else "PASS"
    for name in sorted(want["ours"]):
        if got.get(name) != status:
            yield f"{name} is to end with {status}, not {got.get(name)}"
    got = {name: status for name, status in got.items() if name not in want["ours"]}
    got = {name: status for name, status in got.items() if name not in want["varies"] and name not in want["later"]}
    if broker != "rabbitmq":
        for name in sorted(name for name in want["lacks"] if got.get(name) != "FAIL"):
            yield f"does not fail any more ({want['lacks'][name]}): {name}"
        got = {name: "PASS" if name in want["lacks"] else status for name, status in got.items()}
    failed = {name for name, status in got.items() if status == "FAIL"}
    for name in sorted(failed - want["fails"].keys()):
        yield f"fails: {name}"
    for name in sorted(want["fails"].keys() - failed):
        yield f"does not fail, though it does on RabbitMQ ({want['fails'][name]}): {name}"
    for kind, word in (("PASS", "passed"), ("SKIP", "skipped")):
        n = sum(status == kind for status in got.values())
        if n != want[word]:
            yield f"{word} {n}, RabbitMQ {want[word]}"


def main():
    expected, results, broker, *suites = sys.argv[1:]
    rows, notes, remarks = [], [], []
    for suite in suites:
        base = os.path.join(results, suite)
        counts = seconds = "-"
        want_path = os.path.join(expected, suite)
        want = read_expected(want_path) if os.path.exists(want_path) else None
        uncounted = {*want["varies"], *want["later"]} if want else set()
        if os.path.exists(base + ".broken"):
            differences = [open(base + ".broken").read().strip()]
        else:
            got = read_results(base + ".results")
            counts = "/".join(str(sum(s == k and n not in uncounted for n, s in got.items())) for k in ("PASS", "FAIL", "SKIP"))
            differences = list(compare(want, got, broker)) if want else ["no file in expected/"]
            if os.path.exists(base + ".seconds"):
                seconds = open(base + ".seconds").read().strip() + " s"
            for name in sorted(want["varies"] if want else ()):
                if got.get(name) == "FAIL":
                    remarks.append(f"{suite}: (not counted: {want['varies'][name]}) failed this time: {name}")
        theirs = "{}/{}/{}".format(want["passed"], len(want["fails"]), want["skipped"]) if want else "-"
        rows.append((suite, counts, theirs, seconds, "DIFFERS" if differences else "equal"))
        notes += [f"{suite}: {d}" for d in differences]
    head = ("suite", broker if not broker.isdigit() else "port " + broker, "RabbitMQ", "time", "verdict")
    widths = [max(len(r[i]) for r in [head, *rows]) for i in range(len(head))]
    print("\npassed/failed/skipped")
    for row in [head, tuple("-" * w for w in widths), *rows]:
        print("  ".join(cell.ljust(w) for cell, w in zip(row, widths)).rstrip())
    for note in [*remarks, *notes]:
        print(note)
    return 1 if notes else 0


sys.exit(main())
