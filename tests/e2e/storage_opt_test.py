"""--storage-opt size=: how much a container may write, where the storage driver can hold it to that (here btrfs on a
loop device), and the refusal where it cannot."""
import http.client
import json
import os
import shutil
import socket
import subprocess

import pytest

from conftest import Engine, docker_client


@pytest.mark.parametrize("option, words", [
    ("size=much", "--storage-opt size: invalid size \"much\""), ("size=0", "invalid size"), ("size=-1", "invalid size"),
    ("sighs=1g", "unknown option --storage-opt sighs"), ("size", "invalid storage option: size")])
def test_what_is_none(tidy, option, words):
    refused = tidy.brig("create", "--storage-opt", option, "busybox", check=False)
    assert refused.returncode in (1, 125) and words in refused.stderr
    assert not tidy.brig("ps", "-aq").stdout


def test_drivers_that_cannot(tidy, workspace):
    refused = tidy.brig("run", "--storage-opt", "size=1g", "busybox", check=False)
    assert refused.returncode == 125
    assert "--storage-opt size is supported only by the storage drivers btrfs and zfs, not by" in refused.stderr
    assert not tidy.brig("ps", "-aq").stdout, "nothing is left of what was refused"
    with copying(workspace / "copying") as engine:
        refused = engine.brig("create", "--storage-opt", "size=1g", "busybox", check=False)
        assert refused.returncode in (1, 125) and "not by the driver copy" in refused.stderr


class copying:
    def __init__(self, directory):
        self.engine = Engine(directory, "--snapshotter", "copy")

    def __enter__(self):
        self.engine.start().brig("image", "bootstrap", "busybox")
        return self.engine

    def __exit__(self, *ignored):
        self.engine.close()


@pytest.fixture(scope="module")
def on_btrfs(workspace):
    place, disk = workspace / "btrfs", workspace / "btrfs.disk"
    if os.geteuid() or not shutil.which("mkfs.btrfs"):
        pytest.skip("needs root and mkfs.btrfs")
    place.mkdir()
    with open(disk, "wb") as file:
        file.truncate(512 << 20)
    subprocess.run(["mkfs.btrfs", "-q", disk], check=True)
    if subprocess.run(["mount", "-o", "loop", disk, place], capture_output=True).returncode:
        pytest.skip("cannot mount btrfs on a loop device here")
    made = Engine(workspace / "limited", "--snapshotter", "btrfs")
    made.root = place / "root"
    try:
        made.start().brig("image", "bootstrap", "busybox")
        yield made
    finally:
        made.close()
        subprocess.run(["umount", "-l", place], check=True)


def write(megabytes):
    """Counts when it is written to disk, not when it is told to be."""
    return ["sh", "-c", f"dd if=/dev/urandom of=/big bs=1M count={megabytes} conv=fsync 2>&1"]


def test_a_limit_holds(on_btrfs):
    engine = on_btrfs
    small = ["run", "--name", "small", "--net", "none", "--storage-opt", "size=16m", "busybox"]
    done = engine.brig(*small, *write(48), check=False)
    assert done.returncode == 1 and "quota exceeded" in done.stdout.lower(), done
    assert json.loads(engine.brig("inspect", "-f", "{{json .HostConfig.StorageOpt}}", "small").stdout) == {"size": "16m"}
    engine.brig("run", "--rm", "--net", "none", "--storage-opt", "size=16m", "busybox", *write(8))
    # It is one container's, and not the image's or everybody's.
    engine.brig("run", "--rm", "--net", "none", "busybox", *write(48))
    engine.brig("rm", "small")
    engine.brig("run", "--rm", "--net", "none", "busybox", *write(48))


@pytest.mark.skipif(not docker_client(), reason="needs the docker client")
def test_by_dockers_client(on_btrfs):
    done = on_btrfs.docker("run", "--rm", "--net", "none", "--storage-opt", "size=16m", "busybox", *write(48), check=False)
    assert done.returncode == 1 and "quota exceeded" in done.stdout.lower(), done


def test_by_the_api(on_btrfs):
    def call(method, path, document=None):
        connection = http.client.HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(str(on_btrfs.run_dir / "brig.sock"))
        body = json.dumps(document) if document else None
        connection.request(method, path, body, {"Content-Type": "application/json"})
        reply = connection.getresponse()
        return reply.status, json.loads(reply.read() or b"null")

    def create(options):
        return call("POST", "/containers/create", {"Image": "busybox", "HostConfig": {"StorageOpt": options}})
    status, made = create({"size": "1G"})
    assert status == 201
    assert call("GET", f"/containers/{made['Id']}/json")[1]["HostConfig"]["StorageOpt"] == {"size": "1G"}
    on_btrfs.brig("rm", made["Id"])
    status, answer = create({"size": "1G", "colour": "red"})
    assert status == 400 and "unknown option --storage-opt colour" in answer["message"]
