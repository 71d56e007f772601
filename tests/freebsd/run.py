#!/usr/bin/env python3
"""Runs suites in a FreeBSD guest: run.py [--bin DIR] [--table FILE] SUITE...

A suite is suites/NAME.sh, which prints "ok CAPABILITY", "not ok CAPABILITY: why" and "skip CAPABILITY: why" lines.
Exit code 77 when there is no guest to run on. --table writes what each capability's test said into a document.
"""
import argparse
import hashlib
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.request

import guest

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
SKIPPED = 77
BEGIN, END = "<!-- made by tests/freebsd/run.py: begin -->\n", "<!-- end -->\n"


# A shell of this machine's and what it needs, for images of Linux; Debian's names.
LINUX_PROGRAMS = ["bin/dash", "bin/cat", "bin/ls", "bin/ps", "bin/df", "bin/uname",
                  "usr/bin/id", "usr/bin/head", "usr/bin/tty"]
# The shell that is made with musl: its source in Debian's pool, and that one's SHA-256.
DASH = ("dash_0.5.12.orig.tar.gz", "6a474ac46e8b0b32916c4c60df694c82058d3297d8b385b74508030ca4a8f28a")


def linux_root():
    """Files of a small Linux system by their place in it, from this machine where that is a Linux of the guest's kind."""
    if os.uname().sysname != "Linux" or os.uname().machine != "x86_64":
        return {}
    files = {}
    for program in LINUX_PROGRAMS:
        source = pathlib.Path("/") / program
        if not source.exists():
            continue
        files[program] = source
        needed = subprocess.run(["ldd", str(source)], capture_output=True, text=True, check=False).stdout
        for library in re.findall(r"(/\S+)", needed):
            files[library.lstrip("/")] = pathlib.Path(library)
    return files


def musl_shell():
    """dash linked to musl, made of Debian's source once and kept."""
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "brig"
    shell = cache / DASH[0].replace(".orig.tar.gz", "-musl")
    if shell.exists():
        return shell
    with tempfile.TemporaryDirectory() as scratch, urllib.request.urlopen(
            "http://deb.debian.org/debian/pool/main/d/dash/" + DASH[0], timeout=60) as answer:
        archive = answer.read()
        if hashlib.sha256(archive).hexdigest() != DASH[1]:
            raise OSError(DASH[0] + " is not what it was")
        subprocess.run(["tar", "-xzf", "-", "--strip-components=1"], cwd=scratch, input=archive, check=True)
        subprocess.run("./configure --host=x86_64-linux-musl CC=musl-gcc CFLAGS=-Os >/dev/null && make >/dev/null 2>&1",
                       cwd=scratch, shell=True, check=True)
        cache.mkdir(parents=True, exist_ok=True)
        shutil.copy2(scratch + "/src/dash", shell)
    return shell


def musl_root():
    """The same of musl, as Alpine's images have it: its loader, and a shell, where musl-gcc is here to make that."""
    loader = pathlib.Path("/lib/ld-musl-x86_64.so.1")
    if not loader.exists() or not shutil.which("musl-gcc"):
        return {}
    try:
        return {"lib/" + loader.name: loader, "bin/sh": musl_shell()}
    except (OSError, subprocess.CalledProcessError) as error:
        print("no shell with musl:", error)
        return {}


def pack(binaries, path):
    """What the guest gets: bin/ (programs), tests/ (unit tests), suites/, linux/ (see linux_root, musl_root),
    package/ (what freebsd-package installs)."""
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for file in sorted(binaries.iterdir()):
            if file.is_file() and os.access(file, os.X_OK):
                is_test = file.name.split("_")[0] in ("unit", "contract", "security", "fault")
                tar.add(file, ("tests/" if is_test else "bin/") + file.name)
        tar.add(HERE / "suites", "suites")
        if (binaries.parent / "package").is_dir():
            tar.add(binaries.parent / "package", "package")
        tar.dereference = True
        for place, file in linux_root().items():
            tar.add(file, "linux/root/" + place)
        for place, file in musl_root().items():
            tar.add(file, "linux/musl/" + place)
        if linux_root() and os.path.exists("/bin/busybox"):
            tar.add("/bin/busybox", "linux/busybox")
    os.truncate(path, (path.stat().st_size + 511) // 512 * 512)


class Results:
    def __init__(self):
        self.rows = []
        self.suite = ""
        self.finished = set()

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


def settings():
    """What the suites take from the environment, such as BRIG_ONLY."""
    names = ("BRIG_ONLY", "BRIG_SOAK_CYCLES", "BRIG_LISTING", "BRIG_PATIENCE", "BRIG_TAIL")
    return " ".join(f"{name}={shlex.quote(os.environ[name])}" for name in names if name in os.environ)


def run_suites(machine, suites, results, limit, note):
    """Returns what ended badly; what was shown before is noted all the same, after every suite."""
    broken = []
    for suite in suites:
        results.suite = suite
        before, started = len(results.rows), time.monotonic()
        try:
            code = machine.run(f"cd /brig && {settings()} sh suites/{suite}.sh; cd /", limit, results.take)
        except guest.GuestError as error:
            note()
            return [*broken, f"suite {suite}: {error}"]
        results.finished.add(suite)
        note()
        print(f"{suite}: {len(results.rows) - before} results in {time.monotonic() - started:.0f} s", flush=True)
        if code != 0 or len(results.rows) == before:
            broken.append(f"suite {suite} ended with exit code {code} after {len(results.rows) - before} results")
    return broken


def write_table(path, version, results):
    """What did not run this time stays, if it is of the same kernel: rows of other suites, with BRIG_ONLY of other
    checks, and of a suite that did not come to its end those that it had not reached. Rows keep their places."""
    names = {"ok": "pass", "not ok": "FAIL", "skip": "not shown"}
    heading = [f"On FreeBSD {version}.\n", "\n", "| capability | suite | result |\n", "|---|---|---|\n"]
    head, _, rest = path.read_text().partition(BEGIN)
    before, _, rest = rest.partition(END)
    made = {(what, suite): names[word] + (": " + why.strip().replace("|", "/") if why else "")
            for suite, what, word, why in results.rows}
    table = {}
    if before.startswith(heading[0]):
        for line in before.splitlines()[len(heading):]:
            what, suite, result = line.removeprefix("| ").removesuffix(" |").split(" | ", 2)
            table[what, suite] = result
    whole = set() if "BRIG_ONLY" in os.environ else results.finished
    table = {key: result for key, result in table.items() if key in made or key[1] not in whole}
    table.update(made)
    suites = list(dict.fromkeys(suite for _, suite in table))
    lines = [f"| {what} | {suite} | {result} |\n"
             for (what, suite), result in sorted(table.items(), key=lambda row: suites.index(row[0][1]))]
    path.write_text(head + BEGIN + "".join(heading + lines) + END + rest)


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

                def note():
                    if args.table:
                        write_table(args.table, version, results)
                broken = run_suites(machine, args.suites, results, args.limit, note)
                machine.power_off()
        except guest.GuestError as error:
            print(error)
            return 1
    for line in broken:
        print(line)
    print(f"{len(results.rows)} results, {len(results.failed())} failed, {time.monotonic() - started:.0f} s")
    return 1 if results.failed() or broken else 0


if __name__ == "__main__":
    sys.exit(main())
