"""Files in and out of containers: cp, diff, commit, export, and hostile containers that try to lead
them elsewhere."""
import io
import os
import subprocess
import tarfile
import time

import pytest
from conftest import docker_client, wait_for


def tools(engine):
    return [engine.brig] + ([engine.docker] if docker_client() else [])


@pytest.fixture(params=["running", "stopped", "created"])
def box(tidy, request):
    """A container with a volume, in each of the states that files can be copied in."""
    script = "mkdir -p /d/sub; echo one > /d/file; echo two > /d/sub/deep; ln -s /d/file /link; sleep 1000"
    args = ["--name", "box", "-v", "data:/vol", "busybox", "sh", "-c", script]
    if request.param == "created":
        tidy.brig("create", *args)
    else:
        tidy.brig("run", "-d", *args)
        wait_for(lambda: tidy.brig("exec", "box", "test", "-L", "/link", check=False).returncode == 0)
        if request.param == "stopped":
            tidy.brig("stop", "-t", "0", "box")
    yield request.param
    tidy.brig("rm", "-f", "box")
    tidy.brig("volume", "rm", "data")


def test_there_and_back(tidy, box, tmp_path):
    (tmp_path / "in" / "sub").mkdir(parents=True)
    (tmp_path / "in" / "a").write_text("alpha")
    (tmp_path / "in" / "sub" / "b").write_text("beta")
    (tmp_path / "in" / "a").chmod(0o750)
    for number, tool in enumerate(tools(tidy)):
        tool("cp", tmp_path / "in", f"box:/root/new{number}")
        tool("cp", tmp_path / "in", f"box:/vol/")
        tool("cp", f"{tmp_path}/in/.", "box:/tmp")
        tool("cp", tmp_path / "in" / "a", f"box:/tmp/renamed{number}")
        out = tmp_path / f"out{number}"
        out.mkdir()
        tool("cp", f"box:/root/new{number}", out)
        tool("cp", "box:/vol/in/sub", out / "fresh")
        tool("cp", f"box:/tmp/renamed{number}", out)
        tool("cp", "box:/tmp/sub/.", out)
        assert (out / f"new{number}" / "sub" / "b").read_text() == "beta"
        assert (out / f"new{number}" / "a").stat().st_mode & 0o777 == 0o750
        assert (out / "fresh" / "b").read_text() == "beta"
        assert (out / f"renamed{number}").read_text() == "alpha"
        assert (out / "b").read_text() == "beta"


def test_archives_through_pipes(tidy, box, tmp_path):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        entry = tarfile.TarInfo("packed")
        entry.size = 5
        tar.addfile(entry, io.BytesIO(b"hello"))
    for tool in tools(tidy):
        tool("cp", "-", "box:/tmp", input=buffer.getvalue())
        out = tool("cp", "box:/tmp/packed", "-", input=b"").stdout
        assert tarfile.open(fileobj=io.BytesIO(out)).extractfile("packed").read() == b"hello"


def test_what_cannot_be_copied_is_said(tidy, box, tmp_path):
    (tmp_path / "file").write_text("x")
    for tool in tools(tidy):
        done = tool("cp", "box:/no/such", tmp_path, check=False)
        assert done.returncode == 1 and "Could not find the file /no/such in container box" in done.stderr
        done = tool("cp", tmp_path / "file", "box:/no/such/", check=False)
        assert done.returncode == 1 and done.stderr.strip()
        done = tool("cp", tmp_path / "absent", "box:/tmp", check=False)
        assert done.returncode == 1 and "no such file or directory" in done.stderr
        assert tool("cp", tmp_path, "box:/etc/passwd", check=False).returncode == 1
        done = tool("cp", "box:/etc", "other:/etc", check=False)
        assert done.returncode == 1 and "copying between containers is not supported" in done.stderr
        assert tool("cp", tmp_path / "file", "nobody:/", check=False).returncode == 1


def test_links_are_followed_inside_only(tidy, tmp_path):
    """CVE-2018-15664's family at rest: absolute and climbing links end at the container's root."""
    canary = tmp_path / "canary"
    canary.write_text("host")
    script = f"mkdir -p /x; ln -s /../../../../.. /x/up; ln -s {tmp_path} /x/host; sleep 1000"
    tidy.brig("run", "-d", "--name", "evil", "busybox", "sh", "-c", script)
    wait_for(lambda: tidy.brig("exec", "evil", "test", "-L", "/x/host", check=False).returncode == 0)
    (tmp_path / "mine").write_text("from outside")
    for state in ("running", "stopped"):
        done = tidy.brig("cp", tmp_path / "mine", "evil:/x/host/canary", check=False)
        assert canary.read_text() == "host", done.stderr
        tidy.brig("cp", tmp_path / "mine", "evil:/x/up/landed")
        assert not os.path.exists("/landed")
        assert tidy.brig("cp", "evil:/x/up/etc/hostname", tmp_path / "got").returncode == 0
        assert (tmp_path / "got").read_text() != open("/etc/hostname").read() or state == "stopped"
        if state == "running":
            tidy.brig("stop", "-t", "0", "evil")


def test_swapping_links_during_a_copy_does_not_help(tidy, tmp_path):
    """CVE-2018-15664: a directory becomes a link to the host between the check and the use."""
    place = tmp_path / "stash"
    place.mkdir(mode=0o700)
    (place / "secret").write_text("host's secret")
    script = (f"mkdir -p /w/stash /w/keep; cd /w; ln -s {tmp_path}/stash evil;"
              "while :; do mv stash s1; mv evil stash; mv stash evil; mv s1 stash; done")
    tidy.brig("run", "-d", "--name", "swap", "busybox", "sh", "-c", script)
    (tmp_path / "in" / "sub").mkdir(parents=True)
    (tmp_path / "in" / "planted").write_text("planted")
    (tmp_path / "in" / "sub" / "planted").write_text("planted")
    end = time.monotonic() + 5
    while time.monotonic() < end:
        tidy.brig("cp", f"{tmp_path}/in/.", "swap:/w/stash", check=False)
        out = tidy.brig("cp", "swap:/w/stash/.", "-", check=False, input=b"").stdout
        assert b"host's secret" not in out
        assert sorted(os.listdir(place)) == ["secret"], "something came out of the container"
        assert place.stat().st_mode & 0o777 == 0o700, "a mode was changed through a link"


def test_diff_commit_and_export_show_only_what_the_container_did(tidy, tmp_path):
    tidy.brig("run", "--name", "work", "-v", "/anon", "busybox", "sh", "-c",
              "echo new > /made; rm /bin/arch; echo more >> /etc/mine")
    expected = {"A /anon", "C /bin", "D /bin/arch", "C /etc", "A /etc/mine", "A /made"}
    for tool in tools(tidy):
        assert set(tool("diff", "work").stdout.splitlines()) == expected
    tidy.brig("run", "--name", "idle", "busybox", "true")
    assert tidy.brig("diff", "idle").stdout == ""
    tidy.brig("commit", "-m", "why", "-a", "me", "-c", "CMD [\"cat\", \"/made\"]", "work", "committed:1")
    assert tidy.brig("run", "--rm", "committed:1").stdout == "new\n"
    history = tidy.brig("history", "--no-trunc", "--format", "{{.CreatedBy}}|{{.Comment}}", "committed:1").stdout
    command = tidy.brig("inspect", "--format", "{{join .Config.Cmd \" \"}}", "work").stdout.strip()
    assert history.splitlines()[0] == f"{command}|why"
    assert tidy.brig("run", "--rm", "committed:1", "arch", check=False).returncode == 127
    tidy.brig("export", "-o", tmp_path / "all.tar", "work")
    names = set(tarfile.open(tmp_path / "all.tar").getnames())
    assert {"made", "etc/mine", "bin/sh"} <= names and "bin/arch" not in names
    tidy.brig("rm", "-v", "work", "idle")
    tidy.brig("rmi", "committed:1")


def test_build_steps_leave_no_mount_points(tidy, tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM busybox\nRUN true\n")
    tidy.brig("build", "-t", "steps", tmp_path)
    tidy.brig("save", "-o", tmp_path / "steps.tar", "steps")
    with tarfile.open(tmp_path / "steps.tar") as archive:
        layers = []
        for member in archive.getmembers():
            if "blobs/sha256/" in member.name:
                try:
                    layers.append(tarfile.open(fileobj=archive.extractfile(member)).getnames())
                except tarfile.ReadError:
                    pass
    assert [] in layers, f"an empty layer among {layers}"
    tidy.brig("rmi", "steps")
