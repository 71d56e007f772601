#!/usr/bin/env python3
"""Times brig-runtime beside the floor program and its peers, all on the same config.json: every
namespace, the default seccomp profile, masked paths, memory, process and processor limits.

    runtime_bench.py BIN_DIR [ROUNDS]

Every round runs each command once, in turn, so that a slow minute of the machine falls on all of them
alike. Printed are the medians of the wall clock and of the processor time (user and system, of the
command and everything it waited for), and the peak of resident memory of one more run. The start of
the program alone is --version less what starting a program of four instructions takes."""
import json
import os
import pathlib
import platform
import re
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import time

BIN = pathlib.Path(sys.argv[1]).resolve()
EMPTY = "spawn of nothing"
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 100
PATIENCE = 10  # seconds: youki's run misses the end of a program that is too quick, and waits for ever


def make_bundle(directory, args):
    rootfs = directory / "rootfs"
    (rootfs / "bin").mkdir(parents=True)
    for folder in ("proc", "sys", "dev", "etc", "tmp"):
        (rootfs / folder).mkdir()
    shutil.copy("/bin/busybox", rootfs / "bin/busybox")
    for applet in ("true", "sh", "sleep"):
        os.link(rootfs / "bin/busybox", rootfs / "bin" / applet)
    subprocess.run([BIN / "brig-runtime", "spec", "--docker", "--bundle", directory], check=True)
    config = json.loads((directory / "config.json").read_text())
    config["process"].update(args=args, terminal=False)
    config["ociVersion"] = "1.0.2"  # what the oldest peer accepts
    config["root"] = {"path": "rootfs"}
    assert config["linux"]["seccomp"]["syscalls"], "the default specification has a filter"
    config["linux"]["resources"].update(
        memory={"limit": 256 << 20}, pids={"limit": 512}, cpu={"shares": 512, "quota": 50000, "period": 100000})
    (directory / "config.json").write_text(json.dumps(config))
    return directory


def empty_program(path):
    """An x86-64 program of four instructions that ends at once: what starting any program costs."""
    code = bytes.fromhex("31ff" "b83c000000" "0f05")  # xor edi, edi; mov eax, 60 (exit); syscall
    base, headers = 0x400000, 64 + 56
    header = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack(
        "<HHIQQQIHHHHHH", 2, 62, 1, base + headers, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    size = headers + len(code)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, base, base, size, size, 0x1000)
    path.write_bytes(header + segment + code)
    path.chmod(0o755)
    return path


def spawn(argv):
    null = os.open(os.devnull, os.O_RDWR)
    argv = [str(word) for word in argv]
    pid = os.posix_spawnp(argv[0], argv, os.environ, file_actions=[
        (os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, null, 1)])
    os.close(null)
    return pid


def wait_for(pid):
    signal.signal(signal.SIGALRM, lambda *_: os.kill(pid, signal.SIGKILL))
    signal.alarm(PATIENCE)
    _, status, usage = os.wait4(pid, 0)
    signal.alarm(0)
    return status, usage


def timed(steps):
    """Wall clock and processor time of commands in sequence; None where one of them hangs."""
    cpu = 0
    start = time.perf_counter()
    for argv in steps:
        status, usage = wait_for(spawn(argv))
        if status == signal.SIGKILL:
            return None
        if status != 0:
            raise SystemExit(f"{' '.join(map(str, argv))}: wait status {status}")
        cpu += usage.ru_utime + usage.ru_stime
    return time.perf_counter() - start, cpu


def peak_memory(steps):
    """The largest of the commands, in kB; measured from a small process, since the kernel counts the
    memory of whoever called vfork, too."""
    peak = 0
    for argv in steps:
        with tempfile.TemporaryFile("w+") as errors:  # no pipe: a created container holds on to it
            subprocess.run(["/bin/busybox", "time", "-v", *argv], stdin=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL, stderr=errors)
            errors.seek(0)
            peak = max(peak, int(re.search(r"Maximum resident set size \(kbytes\): (\d+)", errors.read()).group(1)))
    return peak


def peers(work):
    found = {"brig-runtime": [BIN / "brig-runtime", "--root", work / "brig-state"]}
    for name in ("crun", "runc", "youki"):
        if shutil.which(name):
            found[name] = [name, "--root", work / f"{name}-state"]
        else:
            print(f"absent: {name}")
    return found


def main():
    with tempfile.TemporaryDirectory(prefix="brig-bench-") as work:
        work = pathlib.Path(work)
        short = make_bundle(work / "short", ["/bin/true"])
        long = make_bundle(work / "long", ["/bin/sleep", "100000"])
        floor = work / "floor"
        for folder in ("upper", "work", "root"):
            (floor / folder).mkdir(parents=True)
        runtimes = peers(work)
        commands = {"floor": [[BIN / "brig-floor", short / "rootfs", floor / "upper", floor / "work",
                               floor / "root", "/bin/true"]]}
        for name, words in runtimes.items():
            commands[f"{name} run"] = [[*words, "run", "-b", short, f"bench-{name}"]]
        for name, words in runtimes.items():
            commands[f"{name} create+start+delete"] = [
                [*words, "create", "-b", short, f"benchc-{name}"], [*words, "start", f"benchc-{name}"],
                [*words, "delete", "-f", f"benchc-{name}"]]
        targets = {}
        try:
            for name, words in runtimes.items():
                targets[name] = [*words, "delete", "-f", f"bencht-{name}"]
                timed([[*words, "run", "-d", "-b", long, f"bencht-{name}"]])
                commands[f"{name} exec"] = [[*words, "exec", f"bencht-{name}", "/bin/true"]]
            for name, words in runtimes.items():
                commands[f"{name} --version"] = [[*words, "--version"]]
            if platform.machine() == "x86_64":
                commands[EMPTY] = [[empty_program(work / "empty")]]
            results = {name: [] for name in commands}
            for _ in range(ROUNDS + 3):
                for name, steps in commands.items():
                    results[name].append(timed(steps))
                    if results[name][-1] is None and name.endswith(" run"):
                        runtime = name.split()[0]
                        subprocess.run([*runtimes[runtime], "delete", "-f", f"bench-{runtime}"], capture_output=True)
                    shutil.rmtree(floor / "upper")  # the floor makes its mount points anew
                    (floor / "upper").mkdir()
            peaks = {}
            for name, steps in commands.items():
                if name == "floor":
                    shutil.rmtree(floor / "upper")
                    (floor / "upper").mkdir()
                peaks[name] = peak_memory(steps)
            for name, values in results.items():
                if None in values:
                    print(f"{name}: hung {values.count(None)} times of {len(values)}, which are left out")
            report({name: [value for value in values[3:] if value] for name, values in results.items()}, peaks)
        finally:
            for argv in targets.values():
                subprocess.run(argv, capture_output=True)


def report(results, peaks):
    def median(name, index):
        return statistics.median(value[index] for value in results[name])

    print(f"{'command':36}{'wall ms':>9}{'× floor':>9}{'× crun':>8}{'cpu ms':>9}{'× crun':>8}{'peak kB':>9}")
    for name in results:
        peer = "crun " + name.split(" ", 1)[-1]
        wall, cpu = median(name, 0), median(name, 1)
        against = [f"{wall / median(peer, 0):8.2f}", f"{cpu / median(peer, 1):8.2f}"] if peer in results else [" " * 8] * 2
        print(f"{name:36}{wall * 1000:9.2f}{wall / median('floor', 0):9.2f}{against[0]}"
              f"{cpu * 1000:9.2f}{against[1]}{peaks[name]:9}")


    if EMPTY in results:
        start = min(value[0] for value in results["brig-runtime --version"])
        spawned = min(value[0] for value in results[EMPTY])
        print(f"start of brig-runtime, best --version less best spawn of nothing: "
              f"{(start - spawned) * 1000:.2f} ms")


def hide_hybrid_groups():
    """crun refuses hosts that mount both versions of control groups: all of them are measured in a
    mount namespace with version 1 alone."""
    unified = pathlib.Path("/sys/fs/cgroup/unified")
    if not unified.is_mount():
        return
    if not os.environ.get("BRIG_BENCH_NAMESPACE"):
        os.environ["BRIG_BENCH_NAMESPACE"] = "1"
        os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable, *sys.argv])
    subprocess.run(["umount", "--lazy", unified], check=True)
    print("control groups: version 1 alone, the hybrid mount is hidden")


if __name__ == "__main__":
    hide_hybrid_groups()
    main()
