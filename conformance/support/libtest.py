"""libtest.py FOLDER EXPECTED ATTEMPTS THREADS PROGRAM...: run test programs that `cargo test --no-run` made, in FOLDER.

What fails is tried again by itself, up to ATTEMPTS times in all, for suites whose authors say that statistics come late; not what the file
EXPECTED has among those that fail. Prints a line PASS|FAIL|SKIP<TAB>name for each test; what the tests say goes to stderr.
"""
import os
import re
import subprocess
import sys

VERDICTS = {"ok": "PASS", "ignored": "SKIP"}


def run(folder, program, threads, names=()):
    command = [program, f"--test-threads={threads}", *(["--exact", *names] if names else [])]
    done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", env={**os.environ, "CARGO_MANIFEST_DIR": folder})
    sys.stderr.write(done.stdout)
    found = re.findall(r"^test (\S+)(?: - should panic)? \.\.\. (ok|FAILED|ignored)?", done.stdout, re.M)
    return {name: VERDICTS.get(verdict, "FAIL") for name, verdict in found}


def main():
    folder, expected, attempts, threads, *programs = sys.argv[1:]
    lines = open(expected).read().splitlines() if os.path.exists(expected) else []
    known = {line.split()[1] for line in lines if line.startswith(("fails ", "lacks "))}
    for program in programs:
        verdicts = run(folder, program, threads)
        for _ in range(int(attempts) - 1):
            failed = sorted(name for name, verdict in verdicts.items() if verdict == "FAIL" and name not in known)
            if not failed:
                break
            verdicts.update(run(folder, program, 1, failed))
        for name, verdict in verdicts.items():
            print(f"{verdict}\t{name}", flush=True)


main()
