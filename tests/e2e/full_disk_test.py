"""A disk that fills up in the middle of pull, load, commit and push (of what is compressed for it): the command says so, nothing is lost or left, and
it succeeds when there is room again, without a restart and with one."""
import contextlib
import os
import shutil
import subprocess

import pytest

from conftest import Engine
from made_images import MadeImage
from registries import docker_registry as registry
from store_check import Store

pytestmark = [pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
              pytest.mark.skipif(not shutil.which("mkfs.ext4"), reason="needs mkfs.ext4"),
              pytest.mark.skipif(not shutil.which("docker-registry"), reason="needs docker-registry")]


@pytest.fixture(scope="module")
def small_disk(workspace):
    """A file system of 48 MB of its own."""
    place = workspace / "small"
    place.mkdir()
    disk = workspace / "disk"
    with open(disk, "wb") as file:
        file.truncate(48 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", disk], check=True)
    if subprocess.run(["mount", "-o", "loop", disk, place], capture_output=True).returncode:
        pytest.skip("cannot mount a loop device here")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def free_bytes(place):
    info = os.statvfs(place)
    return info.f_bavail * info.f_frsize


def fill(place, leave):
    (place / "ballast").unlink(missing_ok=True)
    with open(place / "ballast", "wb", buffering=0) as file:
        with contextlib.suppress(OSError):  # full already
            while (rest := free_bytes(place) - leave) > 0:
                file.write(bytes(min(rest, 1 << 20)))


def check_whole(engine):
    store = Store(engine.root)
    assert not store.problems()
    return store


@pytest.fixture(scope="module")
def full(small_disk, workspace):
    engine = Engine(workspace / "full")  # its log and sockets; the rest is on the small disk
    engine.root = small_disk / "root"
    with registry(workspace / "full-registry") as host:
        try:
            engine.start()
            engine.brig("image", "bootstrap", "busybox")
            engine.brig("create", "--name", "writer", "busybox")
            content = workspace / "content"
            content.write_bytes(os.urandom(3 << 20))
            engine.brig("cp", content, "writer:/content")
            image = MadeImage(41, f"{host}/full/image:1", layers=4, size=256 * 1024, packed=True)  # 8 MB unpacked
            image.write(workspace / "image.tar")
            engine.brig("load", "-i", workspace / "image.tar")
            engine.brig("push", image.name)
            engine.brig("rmi", image.name)
            engine.brig("commit", "writer", f"{host}/full/built")
            yield engine, image, {"pull": ["pull", image.name], "load": ["load", "-i", workspace / "image.tar"],
                                  "push": ["push", f"{host}/full/built"],
                                  "commit": ["commit", "writer", "full:1"]}
        finally:
            (small_disk / "ballast").unlink(missing_ok=True)
            engine.close()


@pytest.mark.parametrize("what", ["pull", "load", "commit", "push"])
@pytest.mark.parametrize("restart", [False, True])
def test_a_full_disk(full, small_disk, what, restart):
    engine, image, commands = full
    command = commands[what]
    failed = 0
    if restart:  # once after a proper end, too
        engine.stop()
        fill(small_disk, 0)
        engine.start()
    for leave in (64 << 10, 512 << 10, 2 << 20, 4 << 20, 9 << 20):
        fill(small_disk, leave)
        done = engine.brig(*command, check=False)
        if done.returncode:
            failed += 1
            assert "no space left on device" in done.stderr.lower() or "full" in done.stderr.lower(), done.stderr
            if restart:
                engine.kill9()
                fill(small_disk, 0)
                engine.start()
        check_whole(engine)
        (small_disk / "ballast").unlink()
        engine.brig(*command)
        check_whole(engine)
        engine.brig("rmi", "-f", image.name, "full:1", check=False)
        engine.brig("image", "prune", "-f")
        assert not check_whole(engine).rubbish()
    assert failed >= 3, "the disk was not full enough for the test to mean anything"
