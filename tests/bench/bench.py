#!/usr/bin/env python3
"""Times container starts of Brig and its peers, interleaved in one run, and prints them as ratios.

    bench.py BIN_DIR [ROUNDS [CONTAINERS]]

Every round runs each command once, so that a slow minute of the machine falls on all of them alike;
the median of the rounds is what counts. A peer that is not installed is named as absent. CONTAINERS
is how many run at once in the last part (0 leaves it out)."""
import contextlib
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

os.environ["BRIG_BIN"] = str(pathlib.Path(sys.argv[1]).absolute())  # before conftest looks for it
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "e2e"))
from conftest import Engine  # noqa: E402
from peers import descendants, host_for_crun, private_dockerd  # noqa: E402

BIN = pathlib.Path(sys.argv[1]).absolute()
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 100
CONTAINERS = int(sys.argv[3]) if len(sys.argv) > 3 else 200
WARM_UP = 3
IDLE_SECONDS = 12  # after which an engine has put away what it kept at hand

BUDGETS = (("brig-runtime run", "crun run", 0.5), ("brig-runtime run", "floor", 2),
           ("brig run --rm --net none", "docker run --rm --net none", 1 / 30),
           ("brig run --rm", "docker run --rm", 1 / 30), ("brig exec", "docker exec", 1 / 15))


def make_bundle(directory):
    """An OCI bundle around busybox whose process is /bin/true."""
    rootfs = directory / "rootfs"
    (rootfs / "bin").mkdir(parents=True)
    for folder in ("proc", "sys", "dev", "etc", "tmp"):
        (rootfs / folder).mkdir()
    shutil.copy("/bin/busybox", rootfs / "bin/busybox")
    for applet in ("true", "sh", "sleep"):
        os.link(rootfs / "bin/busybox", rootfs / "bin" / applet)
    subprocess.run([BIN / "brig-runtime", "spec", "--docker", "--bundle", directory], check=True)
    config = json.loads((directory / "config.json").read_text())
    config["process"]["args"] = ["/bin/true"]
    config["process"]["terminal"] = False
    config["process"].pop("rlimits", None)
    config["root"] = {"path": "rootfs"}
    config["ociVersion"] = "1.0.2"  # older peers know no later one
    (directory / "config.json").write_text(json.dumps(config))
    return directory


def in_memory():
    """Where engines keep what a reboot may take: in /run, which is not in memory on every build machine."""
    return "/dev/shm" if os.path.isdir("/dev/shm") else None


def floor_command(rootfs, work):
    places = [work / name for name in ("floor-upper", "floor-work", "floor-root")]
    for place in places:
        place.mkdir()
    return [BIN / "brig-floor", rootfs, *places, "/bin/true"]


def runtime_commands(bundle, work):
    commands = {"floor": floor_command(bundle / "rootfs", work)}
    for peer in ("crun", "runc"):
        if shutil.which(peer):
            commands[f"{peer} run"] = [peer, "--root", work / peer, "run", f"bench-{peer}"]
        else:
            print(f"absent: {peer}")
    commands["brig-runtime run"] = [BIN / "brig-runtime", "--root", work / "rt", "run", "bench-brig"]
    return commands


def brig_commands(engine):
    engine.brig("image", "bootstrap", "busybox")
    engine.brig("run", "-d", "--name", "target", "busybox", "sleep", "100000")
    return {"brig run --rm --net none": engine.command("run", "--rm", "--net", "none", "busybox", "true"),
            "brig run --rm": engine.command("run", "--rm", "busybox", "true"),
            "brig exec": engine.command("exec", "target", "true")}


def docker_commands(docker, rootfs, work):
    if docker is None:
        print("absent: docker")
        return {}
    subprocess.run(["tar", "-C", rootfs, "-cf", work / "root.tar", "."], check=True)
    for args in (("import", work / "root.tar", "bench"),
                 ("run", "-d", "--name", "target", "bench", "sleep", "100000")):
        subprocess.run(docker(*args), check=True, stdout=subprocess.DEVNULL)
    return {"docker run --rm --net none": docker("run", "--rm", "--net", "none", "bench", "true"),
            "docker run --rm": docker("run", "--rm", "bench", "true"),
            "docker exec": docker("exec", "target", "true")}


def timed(argv):
    start = time.perf_counter()
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    elapsed = time.perf_counter() - start
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, argv))} exited with {done.returncode}: {done.stderr.decode()}")
    return elapsed


def interleaved(commands, rounds):
    """The median of each command's times, in seconds."""
    times = {name: [] for name in commands}
    for _ in range(WARM_UP + rounds):
        for name, argv in commands.items():
            times[name].append(timed(argv))
    return {name: statistics.median(values[WARM_UP:]) for name, values in times.items()}


def report(medians):
    crun = medians.get("crun run")
    print(f"\n{'command':32}{'median ms':>10}{'× floor':>9}{'× crun':>9}")
    for name, value in medians.items():
        against_crun = f"{value / crun:9.2f}" if crun else f"{'-':>9}"
        print(f"{name:32}{value * 1000:10.2f}{value / medians['floor']:9.2f}{against_crun}")
    print()
    for ours, theirs, budget in BUDGETS:
        if theirs not in medians:
            continue
        ratio = medians[ours] / medians[theirs]
        shown = f"1/{1 / ratio:.1f} of" if budget < 0.5 else f"{ratio:.2f} ×"
        allowed = f"1/{1 / budget:.0f}" if budget < 0.5 else f"{budget} ×"
        verdict = "kept" if ratio <= budget else "MISSED"
        print(f"{verdict:8}{ours}: {shown} {theirs} (budget {allowed})")


def memory(pids):
    """Proportional and resident set of processes together, in kB."""
    total = {"Pss:": 0, "Rss:": 0}
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                key, value, *_ = line.split()
                if key in total:
                    total[key] += int(value)
    return total["Pss:"], total["Rss:"]


def report_memory(engine, docker):
    """After all the runs above, once nothing has happened for a while."""
    time.sleep(IDLE_SECONDS)
    print("\nmemory, idle after these runs     proportional kB   resident kB")
    brigd, shim = memory([engine.process.pid]), memory(engine.shim_pids())
    rows = {"brigd": brigd, "brig-shim": shim, "brigd and brig-shim": tuple(map(sum, zip(brigd, shim)))}
    if docker is not None:
        rows["docker: dockerd and containerd"] = memory(docker_daemons(docker))
    for name, (proportional, resident) in rows.items():
        print(f"{name:32}{proportional:17}{resident:14}")
    together = rows["brigd and brig-shim"][0]
    print(f"{'kept' if together <= 15 * 1024 else 'MISSED':8}{together} kB together (budget {15 * 1024} kB)")


def docker_daemons(docker):
    def name(pid):
        return pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
    return [pid for pid in descendants(docker.daemon.pid) if name(pid) in ("dockerd", "containerd")]


def report_many(engine, work, bundle):
    """What running containers add to the memory of ours, and to the time of one more `run`."""
    commands = {"floor": [BIN / "brig-floor", bundle / "rootfs", *(work / f"floor-{p}" for p in ("upper", "work", "root")),
                          "/bin/true"],
                "run": engine.command("run", "--rm", "busybox", "true")}
    pids = [engine.process.pid, *engine.shim_pids()]
    alone, before = interleaved(commands, 40), memory(pids)[0]
    for _ in range(CONTAINERS):
        engine.brig("run", "-d", "--label", "many", "busybox", "sleep", "100000")
    time.sleep(IDLE_SECONDS)
    each = (memory(pids)[0] - before) / CONTAINERS
    among = interleaved(commands, 40)
    ratio = among["run"] / alone["run"]
    against_floor = ratio / (among["floor"] / alone["floor"])
    print(f"\n{CONTAINERS} containers running")
    print(f"{'kept' if each <= 300 else 'MISSED':8}{each:.0f} kB of ours for each (budget 300 kB)")
    print(f"{'kept' if ratio <= 1.3 else 'MISSED':8}run --rm takes {ratio:.2f} × as long as with none "
          f"({against_floor:.2f} × in units of the floor; budget 1.3 ×)")


def main():
    with contextlib.ExitStack() as stack:
        work = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="brig-bench-")))
        bundle = make_bundle(work / "bundle")
        os.chdir(bundle)
        stack.callback(os.chdir, "/")
        if shutil.which("crun"):
            stack.enter_context(host_for_crun())
        run = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="brig-bench-", dir=in_memory())))
        docker = stack.enter_context(private_dockerd(work / "docker", run / "docker"))
        engine = Engine(work / "engine")
        engine.run_dir = run / "brig"
        stack.callback(engine.close)
        engine.start()
        commands = {**runtime_commands(bundle, work), **brig_commands(engine),
                    **docker_commands(docker, bundle / "rootfs", work)}
        report(interleaved(commands, ROUNDS))
        report_memory(engine, docker)
        if CONTAINERS:
            report_many(engine, work, bundle)


main()
