"""brig-runtime in several workers at once, killed at random moments: `delete -f` converges, and no
process, mount, control group or state is left. BRIG_RUNTIME_SOAK sets the number of containers."""
import concurrent.futures
import json
import os
import pathlib
import random
import shutil
import subprocess
import time

import pytest

from conftest import BIN

ROUNDS = int(os.environ.get("BRIG_RUNTIME_SOAK", "48"))
WORKERS = 8
pytestmark = [pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
              pytest.mark.skipif(not os.path.exists("/bin/busybox"), reason="needs busybox-static")]


def make_bundle(directory, seed):
    rootfs = directory / "rootfs"
    (rootfs / "bin").mkdir(parents=True)
    shutil.copy("/bin/busybox", rootfs / "bin/busybox")
    os.link(rootfs / "bin/busybox", rootfs / "bin/sleep")
    subprocess.run([BIN / "brig-runtime", "spec", "--bundle", directory], check=True)
    config = json.loads((directory / "config.json").read_text())
    config["process"].update(args=["/bin/sleep", f"{seed}"], terminal=False)
    config["root"] = {"path": "rootfs"}
    config["linux"]["cgroupsPath"] = f"/{directory.parent.name}/{directory.name}"
    config["linux"]["resources"]["pids"] = {"limit": 100}
    (directory / "config.json").write_text(json.dumps(config))
    return directory


class Worker:
    def __init__(self, number, work, seed):
        self.random = random.Random(seed * 100 + number)
        self.bundle = make_bundle(work / f"w{number}", 770000 + number)
        self.words = [BIN / "brig-runtime", "--root", work / "state"]
        self.name = f"soak-{number}"
        self.killed = 0

    def command(self, *args, may_die=True):
        """One command, killed after a random time as often as not."""
        process = subprocess.Popen([*self.words, *args], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE)
        if may_die and self.random.random() < 0.5:
            time.sleep(self.random.random() ** 2 * 0.06)
            if process.poll() is None:
                self.killed += 1
                process.kill()
        stderr = process.stderr.read() if not may_die else b""
        return process.wait(), stderr

    def cycle(self, turn):
        name = f"{self.name}-{turn}"
        self.command("create", "-b", self.bundle, name)
        self.command("start", name)
        self.command("delete", "-f", name)
        code, stderr = self.command("delete", "-f", name, may_die=False)
        assert code == 0, stderr.decode()

    def run(self, turns):
        for turn in range(turns):
            self.cycle(turn)
        return self.killed


def left_groups(name):
    return [path for path, _, _ in os.walk("/sys/fs/cgroup") if name in path and path.rsplit("/", 1)[1] != name]


def left_processes():
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0] == b"/bin/sleep" and words[1:2] and words[1].startswith(b"77000"):
            found.append(path)
    return found


def test_killed_commands_leave_nothing(tmp_path):
    work = tmp_path / f"brig-soak-{os.getpid()}"
    work.mkdir()
    mounts = pathlib.Path("/proc/self/mountinfo").read_text().count(str(work))
    workers = [Worker(number, work, seed=7) for number in range(WORKERS)]
    try:
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            killed = sum(pool.map(lambda worker: worker.run(max(1, ROUNDS // WORKERS)), workers))
        print(f"{killed} commands killed")
        assert killed > 0
        assert [path.name for path in (work / "state").iterdir() if not path.name.startswith(".")] == []
        deadline = time.time() + 5  # what was killed itself may still be on its way out
        while (left_processes() or left_groups(work.name)) and time.time() < deadline:
            time.sleep(0.05)
        assert left_processes() == []
        assert left_groups(work.name) == []
        assert pathlib.Path("/proc/self/mountinfo").read_text().count(str(work)) == mounts
    finally:
        for path in sorted(pathlib.Path("/sys/fs/cgroup").rglob(f"{work.name}"), reverse=True):
            try:
                path.rmdir()
            except OSError:
                pass
