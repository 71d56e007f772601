"""The engines and runtimes Brig is measured against: a dockerd of our own, and what crun needs of the host."""
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import time

CGROUPS = pathlib.Path("/sys/fs/cgroup")


@contextlib.contextmanager
def private_dockerd(directory, run, own_network=True):
    """A function from docker's arguments to a command line, or None where dockerd is not installed. The
    daemon has its own directories, and namespaces for its mounts and network, so that it meets no other; without a
    network of its own it reaches the host's loopback, and runs nothing."""
    if not (shutil.which("dockerd") and shutil.which("docker")):
        yield None
        return
    directory.mkdir()
    socket = f"unix://{directory}/docker.sock"

    def command(*args):
        return ["docker", "-H", socket, *map(str, args)]

    def answers():
        return subprocess.run(command("info"), capture_output=True).returncode == 0

    start = ('mount --make-rprivate / && ip link set lo up && exec dockerd -H "$0" --data-root "$1/root" '
             '--exec-root "$2" --pidfile "$1/pid"' + ("" if own_network else " --bridge none --iptables=false"))
    with open(directory / "log", "wb") as log:
        daemon = subprocess.Popen(["unshare", "--mount", *(["--net"] if own_network else []), "sh", "-c", start, socket, directory,
                                   run],
                                  stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 60
        while not answers():
            if daemon.poll() is not None or time.monotonic() > deadline:
                print(f"absent: docker (dockerd does not start: {last_line(directory / 'log')})")
                yield None
                return
            time.sleep(0.2)
        command.daemon = daemon
        yield command
        left = subprocess.run(command("ps", "-aq"), capture_output=True, text=True).stdout.split()
        if left:
            subprocess.run(command("rm", "-f", *left), capture_output=True)
    finally:
        daemon.terminate()
        try:
            daemon.wait(30)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()


def last_line(path):
    return (path.read_text(errors="replace").splitlines() or ["no word of why"])[-1]


def descendants(pid):
    """`pid` and all processes below it."""
    parents = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


@contextlib.contextmanager
def host_for_crun():
    """crun refuses a host with control groups of both versions while one of version 2 has a controller: those
    are given a hierarchy of version 1 for the time being."""
    mounted = []
    unified = CGROUPS / "unified" / "cgroup.controllers"
    with contextlib.suppress(OSError):
        for controller in unified.read_text().split():
            place = CGROUPS / controller
            place.mkdir(exist_ok=True)
            if subprocess.run(["mount", "-t", "cgroup", "-o", controller, "cgroup", place]).returncode == 0:
                mounted.append(place)
            else:
                place.rmdir()
    try:
        yield
    finally:
        for place in mounted:
            subprocess.run(["umount", place])
            with contextlib.suppress(OSError):
                place.rmdir()
