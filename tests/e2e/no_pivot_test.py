"""`--no-pivot`, on what it is for: a host whose root is the kernel's initial ramfs, where pivot_root(2) fails."""
import json
import subprocess
import sys

import pytest

import bundle as bundles

pytestmark = pytest.mark.skipif(bool(bundles.missing()), reason=str(bundles.missing()))

# Beneath every mount namespace's root there is the ramfs that the kernel started with. A process gets to it by taking
# the root away; it brings the host's directories along as mounts, and leaves no trace of having been there.
ON_RAMFS = """
import ctypes, json, os, subprocess, sys
libc = ctypes.CDLL(None, use_errno=True)
def call(what, result):
    if result < 0:
        sys.exit(f"{what}: {os.strerror(ctypes.get_errno())}")
    return result
CLONE_NEWNS, AT_FDCWD, MNT_DETACH, MS_REC, MS_PRIVATE = 0x20000, -100, 2, 0x4000, 1 << 18
OPEN_TREE, MOVE_MOUNT, CLONE, RECURSIVE, EMPTY_FROM = 428, 429, 1, 0x8000, 4
call("unshare", libc.unshare(CLONE_NEWNS))
call("mount", libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None))
links = {name: os.readlink("/" + name) for name in os.listdir("/") if os.path.islink("/" + name)}
trees = {name: call("open_tree", libc.syscall(OPEN_TREE, AT_FDCWD, b"/" + name.encode(), CLONE | RECURSIVE))
         for name in os.listdir("/") if os.path.isdir("/" + name) and name not in links}
here = os.open("/proc/self/ns/mnt", os.O_RDONLY)
call("umount", libc.umount2(b"/", MNT_DETACH))
call("setns", libc.setns(here, CLONE_NEWNS))
made = []
try:
    for name, target in links.items():
        if not os.path.lexists("/" + name):
            os.symlink(target, "/" + name)
            made.append((os.unlink, "/" + name))
    for name, tree in trees.items():
        if not os.path.lexists("/" + name):
            os.mkdir("/" + name)
            made.append((os.rmdir, "/" + name))
        call("move_mount", libc.syscall(MOVE_MOUNT, tree, b"", AT_FDCWD, b"/" + name.encode(), EMPTY_FROM))
    done = subprocess.run(json.loads(sys.argv[1]), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
finally:
    for name in trees:
        libc.umount2(b"/" + name.encode(), MNT_DETACH)
    for undo, path in reversed(made):
        undo(path)
print(json.dumps([done.returncode, done.stdout, done.stderr]))
"""


def on_ramfs(command):
    done = subprocess.run([sys.executable, "-c", ON_RAMFS, json.dumps(command)], capture_output=True, text=True,
                          timeout=90)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def bundle(tmp_path):
    made = bundles.Bundle(tmp_path / "bundle", "ls", "/")
    yield made
    made.remove()


def test_a_root_that_cannot_be_taken_away_is_covered(bundle):
    run = lambda *options: on_ramfs(bundle.command("run", *options, "--bundle", bundle.dir, bundle.id))
    code, _, error = run()
    assert code == 1 and "change the root: invalid argument" in error
    code, out, error = run("--no-pivot")
    assert (code, error) == (0, "")
    assert out.split() == sorted(["bin", "dev", "etc", "proc", "run", "sys", "tmp"])


def test_elsewhere_it_changes_nothing(bundle):
    """A root that is only covered can be got at by chroot(2), so it is taken away wherever that can be."""
    bundle.change(lambda config: config["process"].update(args=["cat", "/proc/self/mountinfo"]))
    mounts = bundle.run("run", "--no-pivot", "--bundle", bundle.dir, bundle.id).stdout.splitlines()
    assert sum(line.split()[4] == "/" for line in mounts) == 1
