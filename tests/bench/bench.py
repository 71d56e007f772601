#!/usr/bin/env python3
"""Times container starts of Brig and its peers, interleaved in one run, and prints them as ratios.

    bench.py BIN_DIR [ROUNDS]

Every round runs each command once, so that a slow minute of the machine falls on all of them alike;
the median of the rounds is what counts. A peer that is not installed is named as absent."""
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "e2e"))
from conftest import Engine  # noqa: E402

BIN = pathlib.Path(sys.argv[1])
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 40
os.environ["BRIG_BIN"] = str(BIN)


def make_bundle(directory):
    """An OCI bundle around busybox whose process is /bin/true."""
    rootfs = directory / "rootfs"
    (rootfs / "bin").mkdir(parents=True)
    for folder in ("proc", "sys", "dev", "etc", "tmp"):
        (rootfs / folder).mkdir()
    shutil.copy("/bin/busybox", rootfs / "bin/busybox")
    for applet in ("true", "sh"):
        os.link(rootfs / "bin/busybox", rootfs / "bin" / applet)
    subprocess.run([BIN / "brig-runtime", "spec", "--docker", "--bundle", directory], check=True)
    config = json.loads((directory / "config.json").read_text())
    config["process"]["args"] = ["/bin/true"]
    config["process"]["terminal"] = False
    config["process"].pop("rlimits", None)
    config["root"] = {"path": "rootfs"}
    (directory / "config.json").write_text(json.dumps(config))
    return directory


def timed(argv):
    start = time.perf_counter()
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    elapsed = time.perf_counter() - start
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, argv))} exited with {done.returncode}: {done.stderr.decode()}")
    return elapsed


def proportional_set(pid):
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0


def docker_answers():
    return shutil.which("docker") and subprocess.run(
        ["docker", "-H", "unix:///var/run/docker.sock", "info"], capture_output=True).returncode == 0


def main():
    with tempfile.TemporaryDirectory(prefix="brig-bench-") as work:
        work = pathlib.Path(work)
        bundle = make_bundle(work / "bundle")
        os.chdir(bundle)
        engine = Engine(work / "engine").start()
        try:
            engine.brig("image", "bootstrap", "busybox")
            idle = {p: proportional_set(p) for p in [engine.process.pid, *engine.shim_pids()]}
            engine.brig("run", "-d", "--name", "target", "busybox", "sleep", "100000")
            commands = {"floor": [BIN / "brig-floor", bundle / "rootfs", "/bin/true"]}
            for peer in ("crun", "runc", "youki"):
                if shutil.which(peer):
                    commands[f"{peer} run"] = [peer, "run", f"bench-{peer}"]
                else:
                    print(f"absent: {peer}")
            commands["brig-runtime run"] = [BIN / "brig-runtime", "--root", work / "rt", "run", "bench-brig"]
            commands["brig run --rm --net none"] = engine.command("run", "--rm", "--net", "none", "busybox", "true")
            commands["brig run --rm"] = engine.command("run", "--rm", "busybox", "true")
            commands["brig exec"] = engine.command("exec", "target", "true")
            if docker_answers():
                docker = ["docker", "-H", "unix:///var/run/docker.sock"]
                subprocess.run(["tar", "-C", bundle / "rootfs", "-cf", work / "root.tar", "."], check=True)
                subprocess.run([*docker, "import", work / "root.tar", "brig-bench"], check=True)
                subprocess.run([*docker, "run", "-d", "--name", "brig-bench", "brig-bench", "/bin/busybox",
                                "sleep", "100000"], check=True)
                commands["docker run --rm --net none"] = [*docker, "run", "--rm", "--net", "none", "brig-bench", "true"]
                commands["docker run --rm"] = [*docker, "run", "--rm", "brig-bench", "true"]
                commands["docker exec"] = [*docker, "exec", "brig-bench", "true"]
            else:
                print("absent: docker (no engine answers on /var/run/docker.sock)")
            times = {name: [] for name in commands}
            for _ in range(ROUNDS + 2):
                for name, argv in commands.items():
                    times[name].append(timed(argv))
            report({name: statistics.median(values[2:]) for name, values in times.items()})
            print(f"\nmemory, idle (proportional set): brigd {idle.pop(engine.process.pid)} kB, "
                  f"brig-shim {sum(idle.values())} kB; budget 15360 kB together")
            many_containers(engine)
        finally:
            engine.close()
            if docker_answers():
                subprocess.run(["docker", "-H", "unix:///var/run/docker.sock", "rm", "-f", "brig-bench"],
                               capture_output=True)


def report(medians):
    floor = medians["floor"]
    crun = medians.get("crun run")
    print(f"\n{'command':32}{'median ms':>10}{'× floor':>9}{'× crun':>9}")
    for name, value in medians.items():
        against_crun = f"{value / crun:9.2f}" if crun else f"{'-':>9}"
        print(f"{name:32}{value * 1000:10.2f}{value / floor:9.2f}{against_crun}")
    for ours, theirs, budget in (("brig run --rm --net none", "docker run --rm --net none", 30),
                                 ("brig run --rm", "docker run --rm", 30), ("brig exec", "docker exec", 15)):
        if theirs in medians:
            print(f"{ours}: 1/{medians[theirs] / medians[ours]:.1f} of docker's (budget 1/{budget})")


def many_containers(engine, count=100):
    """What `count` running containers add to the memory of ours, each."""
    pids = [engine.process.pid, *engine.shim_pids()]
    before = sum(map(proportional_set, pids))
    for _ in range(count):
        engine.brig("run", "-d", "--net", "none", "busybox", "sleep", "100000")
    after = sum(map(proportional_set, pids))
    print(f"memory per running container over {count}: {(after - before) / count:.0f} kB; budget 300 kB")


main()
