"""results.py NAME OUTDIR FORMAT FILE...: read test reports, write NAME.results and NAME.failed, print the summary line.

Formats: junit (node's reporter), gojson (go test -json), cargo (libtest's text), lines (PASS|FAIL|SKIP<TAB>name).
Exit code 1 when there is no result at all.
"""
import json
import os
import re
import sys
import xml.etree.ElementTree as ET


def junit(path):
    try:
        root = ET.parse(path).getroot()
    except ET.ParseError:
        return
    for case in root.iter("testcase"):
        name = ".".join(x for x in (case.get("classname") or case.get("class"), case.get("name")) if x)
        kinds = {child.tag for child in case}
        if kinds & {"failure", "error"}:
            yield "FAIL", name
        else:
            yield "SKIP" if "skipped" in kinds else "PASS", name


def gojson(path):
    seen, done = {}, set()
    for line in open(path, errors="replace"):
        try:
            event = json.loads(line)
        except ValueError:
            continue
        test, action = event.get("Test"), event.get("Action")
        if not test:
            continue
        seen[test] = None
        if action in ("pass", "fail", "skip"):
            done.add(test)
            yield action.upper(), test
    for test in seen:  # begun and never ended: the program stopped in it
        if test not in done:
            yield "FAIL", test


def cargo(path):
    """libtest's text; a test that printed something has its verdict on a later line."""
    state, binary, last = {}, "", None
    for line in open(path, errors="replace"):
        if m := re.match(r"\s*Running (?:unittests )?(\S+)", line):
            binary, last = os.path.basename(m[1]).removesuffix(".rs"), None
        elif m := re.match(r"\s*Doc-tests ", line):
            binary, last = "doc", None
        elif m := re.match(r"test (.+?)(?: - should panic)? \.\.\. ?(ok|FAILED|ignored)?", line):
            last = f"{binary}::{m[1]}"
            state[last] = m[2]
        elif (m := re.search(r"(?:^|\s)(ok|FAILED)$", line)) and last and state[last] is None:
            state[last] = m[1]
    for test, verdict in state.items():
        yield {"ok": "PASS", "ignored": "SKIP"}.get(verdict, "FAIL"), test


def lines(path):
    for line in open(path, errors="replace"):
        if m := re.match(r"(PASS|FAIL|SKIP)\t(.*)", line.rstrip("\n")):
            yield m[1], m[2]


def main():
    name, out, kind, *files = sys.argv[1:]
    reader = {"junit": junit, "gojson": gojson, "cargo": cargo, "lines": lines}[kind]
    rows = {}
    for path in files:
        for status, test in reader(path) if os.path.exists(path) else ():
            test = re.sub(r"[\x00-\x20]+", " ", test.replace(os.getcwd() + "/", "")).strip()
            n, key = 1, test
            while key in rows:
                n += 1
                key = f"{test} #{n}"
            rows[key] = status
    with open(os.path.join(out, f"{name}.results"), "w") as w:
        w.writelines(f"{status}\t{test}\n" for test, status in rows.items())
    with open(os.path.join(out, f"{name}.failed"), "w") as w:
        w.writelines(f"{test}\n" for test, status in rows.items() if status == "FAIL")
    count = [sum(status == kind for status in rows.values()) for kind in ("PASS", "FAIL", "SKIP")]
    print("{}: passed {} failed {} skipped {}".format(name, *count))
    return 0 if rows else 1


sys.exit(main())
