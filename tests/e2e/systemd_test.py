"""`--systemd-cgroup` with a real systemd, which runs in namespaces of its own, with nothing but a bus."""
import json
import os
import pathlib
import shutil
import subprocess

import pytest

import bundle as bundles
from conftest import wait_for

SYSTEMD = pathlib.Path("/lib/systemd/systemd")
UNITS = {
    "test.target": "[Unit]\nDefaultDependencies=no\nRequires=dbus.socket\n",
    "dbus.socket": "[Unit]\nDefaultDependencies=no\n[Socket]\nListenStream=/run/dbus/system_bus_socket\n",
    "dbus.service": "[Unit]\nDefaultDependencies=no\n[Service]\nType=notify\n"
                   "ExecStart=dbus-daemon --system --address=systemd: --nofork --nopidfile --systemd-activation\n",
}
# The host's files, with directories of systemd's own over those that it writes to.
BOOT = """
set -e
mount --make-rprivate /
mount -t cgroup2 cgroup2 "$1/cgroup"
umount -R /sys/fs/cgroup
mount -t tmpfs tmpfs /run
mount -t proc proc /proc
mount --move "$1/cgroup" /sys/fs/cgroup
exec env -i PATH=$PATH container=test SYSTEMD_UNIT_PATH="$1" /lib/systemd/systemd --unit=test.target \
    --log-target=console --show-status=0
"""


def cgroup2():
    for line in pathlib.Path("/proc/mounts").read_text().splitlines():
        if line.split()[2] == "cgroup2":
            return pathlib.Path(line.split()[1])
    return None


def missing():
    if not SYSTEMD.exists():
        return "systemd is not installed"
    if cgroup2() is None:
        return "version 2 of control groups is not mounted"
    return bundles.need("busctl", "systemctl", "dbus-daemon", "nsenter")


pytestmark = pytest.mark.skipif(bool(missing()), reason=str(missing()))


class Systemd:
    """systemd as the first process of new namespaces, in a control group of its own."""

    def __init__(self, directory):
        self.units = directory / "units"
        (self.units / "cgroup").mkdir(parents=True)
        for name, text in UNITS.items():
            (self.units / name).write_text(text)
        self.group = cgroup2() / f"brig-test-{os.getpid()}"
        self.group.mkdir()
        self.log = open(directory / "log", "wb")
        self.process = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--cgroup", "--uts", "--ipc", "sh", "-c", BOOT, "sh",
             str(self.units)],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
            preexec_fn=lambda: (self.group / "cgroup.procs").write_text(str(os.getpid())))
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        self.first = wait_for(lambda: children.read_text().split(), what="systemd's namespaces")[0]
        wait_for(lambda: self.run("systemctl", "is-active", "dbus.socket", check=False).stdout == "active\n",
                 what="systemd's bus")

    def run(self, *words, check=True, **options):
        # In a group of systemd's: one of outside its namespace would look like "/..".
        entered = ["nsenter", "-t", self.first, "-m", "-p", "-u", "-i", "-C", "sh", "-c",
                   'echo $$ > /sys/fs/cgroup/init.scope/cgroup.procs && exec "$@"', "sh"]
        done = subprocess.run([*entered, *map(str, words)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=60, **options)
        if check and done.returncode != 0:
            raise AssertionError(f"{words} exited with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done

    def scopes(self):
        units = self.run("systemctl", "list-units", "--type=scope", "--all", "--plain", "--no-legend").stdout
        return {line.split()[0] for line in units.splitlines()} - {"init.scope"}

    def shown(self, unit, name):
        return self.run("systemctl", "show", unit, "-P", name).stdout.strip()

    def end(self):
        self.process.kill()  # and its namespaces with it
        self.process.wait()
        self.log.close()
        wait_for(lambda: "populated 0" in (self.group / "cgroup.events").read_text(), what="the end of systemd")
        for directory, _, _ in os.walk(self.group, topdown=False):
            os.rmdir(directory)


@pytest.fixture(scope="module")
def systemd(tmp_path_factory):
    directory = tmp_path_factory.mktemp("systemd")
    made = Systemd(directory)
    yield made
    made.end()
    shutil.rmtree(directory)


class ScopedBundle(bundles.Bundle):
    def __init__(self, directory, systemd, cgroups_path, *args):
        super().__init__(directory, *args, docker=False)
        self.systemd = systemd
        # This host's version 2 may have no controllers: what systemd would be asked for has a unit test.
        self.change(lambda config: config["linux"].update(cgroupsPath=cgroups_path, resources={}))

    def call(self, *words, check=True):
        command = self.command(*words)
        # A detached container holds what it inherits.
        out = "" if words[:2] != ("run", "-d") else f" > {self.dir}/out 2>&1"
        return self.systemd.run("sh", "-c", f'exec "$@"{out}', "sh", command[0], "--systemd-cgroup", *command[1:],
                                check=check, cwd=None)

    def pid(self):
        return json.loads(self.call("state", self.id).stdout)["pid"]


@pytest.fixture
def scoped(systemd, tmp_path):
    made = []

    def make(cgroups_path, *args):
        made.append(ScopedBundle(tmp_path / f"bundle{len(made)}", systemd, cgroups_path, *args))
        return made[-1]

    yield make
    for one in made:
        one.call("delete", "--force", one.id, check=False)
    assert not systemd.scopes()


def test_a_container_is_a_delegated_scope_in_its_slice(systemd, scoped):
    bundle = scoped("brig-test.slice:brig:c1", "sleep", "100")
    bundle.call("run", "-d", "--bundle", bundle.dir, bundle.id)
    group = "/brig.slice/brig-test.slice/brig-c1.scope"
    assert [systemd.shown("brig-c1.scope", name) for name in ("ActiveState", "ControlGroup", "Delegate", "Slice")] == [
        "active", group, "yes", "brig-test.slice"]
    systemd.run("systemctl", "daemon-reload")
    bundle.call("exec", bundle.id, "true")
    assert systemd.run("cat", f"/proc/{bundle.pid()}/cgroup").stdout.splitlines()[-1] == f"0::{group}"
    bundle.call("pause", bundle.id)
    assert json.loads(bundle.call("state", bundle.id).stdout)["status"] == "paused"
    bundle.call("resume", bundle.id)
    bundle.call("delete", "--force", bundle.id)
    assert systemd.shown("brig-c1.scope", "LoadState") == "not-found"


def test_without_a_path_it_is_named_after_the_container(systemd, scoped):
    bundle = scoped("", "sleep", "100")
    bundle.call("run", "-d", "--bundle", bundle.dir, bundle.id)
    assert systemd.shown(f"brig-{bundle.id}.scope", "ControlGroup") == f"/system.slice/brig-{bundle.id}.scope"


def test_limits_that_change_are_systemds_too(systemd, scoped):
    bundle = scoped("", "sleep", "100")
    bundle.call("run", "-d", "--bundle", bundle.dir, bundle.id)
    bundle.call("update", "--pids-limit", "30", bundle.id, check=False)  # fails where there is no such controller
    assert systemd.shown(f"brig-{bundle.id}.scope", "TasksMax") == "30"


def test_the_end_of_a_container_is_its_scopes(systemd, scoped):
    bundle = scoped("", "true")
    bundle.call("run", "--bundle", bundle.dir, bundle.id)
    assert not systemd.scopes()


def test_a_failure_leaves_no_scope(systemd, scoped):
    bundle = scoped("", "no-such-program")
    assert bundle.call("run", "--bundle", bundle.dir, bundle.id, check=False).returncode == 1
    assert not systemd.scopes()


def test_paths_that_are_none_of_systemds_are_refused(scoped):
    bundle = scoped("/brig/c1", "true")
    failed = bundle.call("run", "--bundle", bundle.dir, bundle.id, check=False)
    assert failed.returncode == 1 and "slice:prefix:name" in failed.stderr
