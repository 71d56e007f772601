"""Everything that can be asked wrongly gets one clear line, the right exit code and leaves nothing."""
import io
import os
import subprocess
import tarfile

import pytest
from conftest import BIN, Engine, leftovers, wait_for


@pytest.fixture(autouse=True)
def nothing_left(engine):
    snapshots = sorted(os.listdir(engine.root / "snapshots" / "overlay"))
    containers = engine.brig("ps", "-aq").stdout
    yield
    wait_for(lambda: not leftovers(engine), 5, "nothing left behind")
    assert engine.brig("ps", "-aq").stdout == containers
    assert sorted(os.listdir(engine.root / "snapshots" / "overlay")) == snapshots


def refused(engine, *args, code=1, **options):
    done = engine.brig(*args, check=False, **options)
    assert done.returncode == code, done
    message = done.stderr if isinstance(done.stderr, str) else done.stderr.decode()
    assert message.strip(), "an error says what was wrong"
    assert "Traceback" not in message and "terminate called" not in message
    return message


def test_unknown_flag(engine):
    assert "unknown flag: --frobnicate" in refused(engine, "run", "--frobnicate", "busybox", code=125)
    assert "unknown flag: --frobnicate" in refused(engine, "ps", "--frobnicate", code=125)


def test_unknown_command(engine):
    assert "unknown command: brig frobnicate" in refused(engine, "frobnicate")


def test_unknown_image(engine):
    message = refused(engine, "run", "--rm", "no-such-image:v9", code=125)
    assert "no-such-image:v9" in message


def test_unknown_container(engine):
    for command in (["stop"], ["rm"], ["logs"], ["exec"], ["inspect"]):
        message = refused(engine, *command, "ghost", *(["true"] if command == ["exec"] else []))
        assert "ghost" in message, message
    assert "No such container: ghost" in refused(engine, "rm", "ghost")


def test_unknown_user(engine):
    assert "nobody-here" in refused(engine, "run", "--rm", "-u", "nobody-here", "busybox", "true", code=125)
    # CVE-2024-40635: an id past 2^31-1 must not wrap around to root.
    refused(engine, "run", "--rm", "-u", "4294967296", "busybox", "true", code=125)
    refused(engine, "run", "--rm", "-u", "2147483648:0", "busybox", "true", code=125)


def test_busy_name(engine):
    engine.brig("create", "--name", "taken", "busybox")
    try:
        message = refused(engine, "run", "--name", "taken", "busybox", "true", code=125)
        assert 'The container name "/taken" is already in use by container' in message
    finally:
        engine.brig("rm", "taken")


@pytest.mark.parametrize("args", [
    ["-p", "99999:80"], ["-p", "80:80:80:80"], ["-v", "relative/../path:/x:zz"], ["--memory", "lots"],
    ["--cpus", "-3"], ["--name", "../../etc"], ["--network", "nowhere"], ["--tmpfs", "not/absolute"],
    ["-e", "=x"], ["--cap-add", "CAP_NONSENSE"]])
def test_malformed_options(engine, args):
    refused(engine, "run", "--rm", *args, "busybox", "true", code=125)


def test_port_taken_twice(engine):
    engine.brig("run", "-d", "--name", "first", "-p", "127.0.0.1:38080:80", "busybox", "sleep", "100")
    try:
        message = refused(engine, "run", "--rm", "-p", "127.0.0.1:38080:80", "busybox", "true", code=125)
        assert "port is already allocated" in message
    finally:
        engine.brig("rm", "-f", "first")


@pytest.mark.parametrize("text, expected", [
    ("RUN true\n", "no build stage in current context"),
    ("FROM busybox\nRUNN true\n", "unknown instruction: RUNN"),
    ("FROM\n", "FROM requires"),
    ("", "empty"),
    ("FROM no-such-base:1\n", "no-such-base:1"),
    ("FROM busybox\nCOPY missing /x\n", "missing"),
    ("FROM busybox\nCOPY ../../etc/passwd /x\n", ""),
    ("FROM busybox\nRUN exit 3\n", "returned a non-zero code: 3"),
    ("FROM busybox\nENTRYPOINT [\"unterminated\nEXPOSE notaport\n", "")])
def test_malformed_dockerfiles(engine, tmp_path, text, expected):
    (tmp_path / "Dockerfile").write_text(text)
    # As docker: a failed RUN's status is the client's.
    assert expected in refused(engine, "build", "-t", "bad", str(tmp_path), code=3 if "exit 3" in text else 1)
    assert "bad" not in engine.brig("images", "--format", "{{.Repository}}").stdout.split()


def test_dockerfile_errors_name_file_and_line(engine, tmp_path):
    (tmp_path / "Dockerfile.web").write_text("FROM busybox\n\n# hm\nFROBNICATE x\n")
    message = refused(engine, "build", "-f", str(tmp_path / "Dockerfile.web"), str(tmp_path))
    assert "line 4" in message and "FROBNICATE" in message


def hostile_tar(*members):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for member, content in members:
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return data.getvalue()


def link(name, target, kind=tarfile.SYMTYPE):
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member, b""


def file(name, content=b"owned"):
    return tarfile.TarInfo(name), content


@pytest.mark.parametrize("members", [
    [file("../../../../../../tmp/brig-canary")],
    [link("out", "/tmp"), file("out/brig-canary")],
    [link("out", "../../../../../../../../tmp"), file("out/brig-canary")],
    [link("hard", "/etc/passwd", tarfile.LNKTYPE)],
    [link("hard", "../../../../../../../etc/passwd", tarfile.LNKTYPE)]])
def test_hostile_archives_stay_inside(engine, members):
    canary = "/tmp/brig-canary"
    before = open("/etc/passwd").read()
    done = engine.brig("import", "-", "hostile", input=hostile_tar(*members), check=False)
    try:
        assert not os.path.exists(canary)
        assert open("/etc/passwd").read() == before
        if done.returncode == 0:
            copied = engine.brig("run", "--rm", "--entrypoint", "/hard", "hostile", check=False)
            assert "root:" not in copied.stdout
    finally:
        engine.brig("rmi", "-f", "hostile", check=False)
        if os.path.exists(canary):
            os.unlink(canary)


def test_truncated_and_foreign_streams(engine):
    saved = engine.brig("save", "busybox", input=b"").stdout
    refused(engine, "load", input=saved[:len(saved) // 2])
    refused(engine, "load", input=b"this is not an archive at all, but text" * 100)
    refused(engine, "import", "-", "broken", input=b"\x1f\x8b\x08\x00broken gzip")
    assert "busybox" in engine.brig("images").stdout


def raw_request(engine, text):
    import socket
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(engine.run_dir / "brig.sock"))
        client.sendall(text)
        client.settimeout(5)
        return client.recv(65536).decode()


@pytest.mark.parametrize("body", ["{", "[]", "null", '{"Image": 5}', '{"Image":"busybox","HostConfig":[]}', "\xff\xfe"])
def test_malformed_json_is_400(engine, body):
    data = body.encode("latin-1")
    reply = raw_request(engine, b"POST /v1.44/containers/create HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                        b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(data) + data)
    assert " 400 " in reply.split("\r\n")[0] and '"message"' in reply


def test_versions_out_of_range(engine):
    for version, words in (("1.99", "too new"), ("1.12", "too old")):
        reply = raw_request(engine, f"GET /v{version}/info HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        assert " 400 " in reply.split("\r\n")[0] and words in reply


def test_endpoints_to_come_say_so(engine):
    reply = raw_request(engine, b"POST /v1.44/swarm/init HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
    assert " 501 " in reply.split("\r\n")[0] and "message" in reply
    reply = raw_request(engine, b"GET /v1.44/frobnicate HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert " 404 " in reply.split("\r\n")[0]


def test_a_second_engine_on_the_same_root_is_refused(engine):
    done = subprocess.run([engine.command()[0] + "d", "--root", engine.root, "--run", engine.dir / "other"],
                          capture_output=True, text=True, timeout=20)
    assert done.returncode != 0 and str(engine.root) in done.stderr


def test_a_storage_driver_that_the_host_lacks(workspace):
    """ZFS asked for where there is none: brigd says so in one line, and does not start."""
    done = subprocess.run([BIN / "brigd", "--root", workspace / "nozfs", "--run", workspace / "nozfs/run",
                           "--snapshotter", "zfs"], capture_output=True, text=True, timeout=20)
    assert done.returncode == 1
    assert done.stderr.startswith("brigd: ") and done.stderr.count("\n") == 1
    assert "zfs" in done.stderr and "storage driver" in done.stderr


def test_a_network_that_the_kernel_refuses(workspace):
    """Without CAP_NET_ADMIN brigd serves all the same, and says of a container what failed, on what."""
    weak = Engine(workspace / "weak", wrapper=["setpriv", "--bounding-set", "-net_admin", "--inh-caps", "-net_admin"])
    try:
        weak.start()
        weak.brig("image", "bootstrap", "busybox")
        message = refused(weak, "run", "--rm", "busybox", "true", code=125)
        assert f"create bridge {weak.bridge}: operation not permitted" in message
        assert weak.brig("ps", "-aq").stdout == "" and not leftovers(weak)
    finally:
        weak.close()


def test_full_disk(workspace):
    """A load onto a file system that fills up fails with one line, and what was there still works."""
    mount = workspace / "small"
    mount.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", mount], check=True)
    small = Engine(mount)
    try:
        small.start()
        small.brig("image", "bootstrap", "busybox")
        big = io.BytesIO()
        with tarfile.open(fileobj=big, mode="w") as archive:
            member = tarfile.TarInfo("big")
            member.size = 40 << 20
            archive.addfile(member, io.BytesIO(os.urandom(40 << 20)))
        message = refused(small, "import", "-", "big", input=big.getvalue())
        assert "no space left on device" in message
        assert small.brig("run", "--rm", "--net", "none", "busybox", "echo", "fine").stdout == "fine\n"
    finally:
        small.close()
        subprocess.run(["umount", "-l", mount])
