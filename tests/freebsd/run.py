#!/usr/bin/env python3
"""Runs suites in a FreeBSD guest: run.py [--bin DIR] [--table FILE] SUITE...

A suite is suites/NAME.sh, which prints "ok CAPABILITY", "not ok CAPABILITY: why" and "skip CAPABILITY: why" lines.
Exit code 77 when there is no guest to run on. --table writes what each capability's test said into a document.
"""
import argparse
import os
import pathlib
import sys
import tarfile
import tempfile
import time

import guest

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
SKIPPED = 77
BEGIN, END = "<!-- made by tests/freebsd/run.py: begin -->\n", "<!-- end -->\n"


def pack(binaries, path):
    """What the guest gets: bin/ (programs), tests/ (unit tests), suites/."""
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for file in sorted(binaries.iterdir()):
            if file.is_file() and os.access(file, os.X_OK):
                is_test = file.name.split("_")[0] in ("unit", "contract", "security", "fault")
                tar.add(file, ("tests/" if is_test else "bin/") + file.name)
        tar.add(HERE / "suites", "suites")
    os.truncate(path, (path.stat().st_size + 511) // 512 * 512)


class Results:
    def __init__(self):
        self.rows = []
        self.suite = ""

    def take(self, line):
        line = line.replace(guest.PROMPT, "")
        for word in ("not ok ", "ok ", "skip "):
            if line.startswith(word):
                what, _, why = line[len(word):].partition(": ")
                self.rows.append((self.suite, what, word.strip(), why))
                print(f"{self.suite}: {line}", flush=True)
                return

    def failed(self):
        return [row for row in self.rows if row[2] == "not ok"]


def run_suites(machine, suites, results, limit):
    broken = []
    for suite in suites:
        results.suite = suite
        before = len(results.rows)
        code = machine.run(f"cd /brig && sh suites/{suite}.sh; cd /", limit, results.take)
        if code != 0 or len(results.rows) == before:
            broken.append(f"suite {suite} ended with exit code {code} after {len(results.rows) - before} results")
    return broken


def write_table(path, version, rows):
    """The rows of suites that did not run this time stay, if they are of the same kernel."""
    names = {"ok": "pass", "not ok": "FAIL", "skip": "not shown"}
    heading = [f"On FreeBSD {version}.\n", "\n", "| capability | suite | result |\n", "|---|---|---|\n"]
    head, _, rest = path.read_text().partition(BEGIN)
    before, _, rest = rest.partition(END)
    suites = {suite for suite, *_ in rows}
    kept = [line + "\n" for line in before.splitlines()[len(heading):]
            if before.startswith(heading[0]) and line.split(" | ")[-2] not in suites]
    made = [f"| {what} | {suite} | {names[word]}{': ' + why if why else ''} |\n" for suite, what, word, why in rows]
    path.write_text(head + BEGIN + "".join(heading + kept + made) + END + rest)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=pathlib.Path, default=TOP / "build/freebsd/bin")
    parser.add_argument("--table", type=pathlib.Path)
    parser.add_argument("--log", type=pathlib.Path, help="the console's whole text")
    parser.add_argument("--limit", type=int, default=1500, help="seconds per suite")
    parser.add_argument("suites", nargs="+")
    args = parser.parse_args()
    reason = guest.missing()
    if reason is None and not args.bin.is_dir():
        reason = f"{args.bin} is not there: make freebsd"
    if reason:
        print("SKIPPED:", reason)
        return SKIPPED
    results = Results()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        tree = pathlib.Path(scratch) / "tree.tar"
        pack(args.bin, tree)
        log = open(args.log or os.devnull, "w", encoding="utf-8")
        try:
            with guest.Guest(str(tree), log) as machine:
                machine.boot(600)
                machine.bring_in()
                version = machine.output("uname -r -m")
                print(f"FreeBSD {version}, up after {time.monotonic() - started:.0f} s", flush=True)
                broken = run_suites(machine, args.suites, results, args.limit)
                machine.power_off()
        except guest.GuestError as error:
            print(error)
            return 1
    for line in broken:
        print(line)
    if args.table:
        write_table(args.table, version, results.rows)
    print(f"{len(results.rows)} results, {len(results.failed())} failed, {time.monotonic() - started:.0f} s")
    return 1 if results.failed() or broken else 0


if __name__ == "__main__":
    sys.exit(main())
