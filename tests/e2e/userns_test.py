"""An engine with userns-remap: inside, everything is as without; on the host, nothing of it is root's."""
import io
import json
import os
import pathlib
import subprocess
import tarfile

import pytest
from conftest import Engine, running, wait_for

USERS, GROUPS = 100000, 200000
ACCOUNTS = {"passwd": "root:x:0:0:root:/root:/bin/sh\nremap:x:990:990::/:/bin/false\n",
            "group": "root:x:0:\nremap:x:990:\n",
            "subuid": f"remap:{USERS}:65536\n", "subgid": f"remap:{GROUPS}:65536\n"}


def with_accounts(directory, accounts):
    """A wrapper that shows these files in /etc to what it runs, and to nobody else."""
    directory.mkdir(parents=True)
    steps = []
    for name, text in accounts.items():
        (directory / name).write_text(text)
        if not pathlib.Path("/etc", name).exists():
            pytest.skip(f"there is no /etc/{name} to put another in the place of")
        steps.append(f"mount --bind {directory / name} /etc/{name}")
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", " && ".join([*steps, 'exec "$@"']), "sh"]


@pytest.fixture(scope="module")
def mapped(workspace):
    settings = workspace / "remap.toml"
    settings.write_text('userns-remap = "remap"\n')
    with running(Engine(workspace / "mapped", "--config", settings,
                        wrapper=with_accounts(workspace / "accounts", ACCOUNTS))) as made:
        yield made


@pytest.fixture
def tidy(mapped):
    yield mapped
    mapped.remove_everything()


def inside(engine, script, *options):
    return engine.brig("run", "--rm", *options, "busybox", "sh", "-c", script).stdout


def pid_of(engine, name):
    return int(engine.brig("inspect", "-f", "{{.State.Pid}}", name).stdout)


def ids_of(pid, which):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(which):
            return [int(word) for word in line.split()[1:]]


def owners(tar):
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        return {entry.name.rstrip("/"): (entry.uid, entry.gid) for entry in archive}


def test_a_store_of_its_own(tidy):
    info = json.loads(tidy.brig("info", "--format", "{{json .}}").stdout)
    assert "name=userns" in info["SecurityOptions"]
    assert info["DockerRootDir"] == f"{tidy.root}/{USERS}.{GROUPS}"
    assert sorted(entry.name for entry in tidy.root.iterdir()) == [f"{USERS}.{GROUPS}"]


def test_root_inside_is_nobody_outside(tidy):
    tidy.brig("run", "-d", "--name", "one", "busybox", "sleep", "1000")
    pid = pid_of(tidy, "one")
    assert ids_of(pid, "Uid") == [USERS] * 4 and ids_of(pid, "Gid") == [GROUPS] * 4
    assert pathlib.Path(f"/proc/{pid}/uid_map").read_text().split() == ["0", str(USERS), "65536"]
    tidy.brig("run", "-d", "--name", "two", "-u", "1000:50", "busybox", "sleep", "1000")
    assert ids_of(pid_of(tidy, "two"), "Uid") == [USERS + 1000] * 4
    assert os.readlink(f"/proc/{pid}/ns/user") != os.readlink(f"/proc/{pid_of(tidy, 'two')}/ns/user")


def test_what_a_container_finds_is_its_roots(tidy):
    out = inside(tidy, "stat -c '%n %u:%g' / /bin /bin/busybox /etc/hosts /etc/hostname /etc/resolv.conf /dev/shm; "
                       "id -u; touch /made && echo 127.0.0.9 nine >> /etc/hosts && echo written")
    assert out.splitlines() == [f"{name} 0:0" for name in (
        "/", "/bin", "/bin/busybox", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/dev/shm")] + ["0", "written"]


def test_what_is_the_hosts_roots_is_out_of_reach(tidy, tmp_path):
    (tmp_path / "secret").write_text("host")
    (tmp_path / "secret").chmod(0o600)
    tmp_path.chmod(0o755)
    out = inside(tidy, "cat /host/secret 2>&1; touch /host/made 2>&1; chown 0 /host/secret 2>&1; ls /host", "-v", f"{tmp_path}:/host")
    assert out.count("Permission denied") == 2 and "Operation not permitted" in out and out.endswith("\nsecret\n")
    assert (tmp_path / "secret").stat().st_uid == 0


def test_modes_that_share_with_the_host(tidy):
    for option in (("--ipc", "host"), ("--uts", "host"), ("--cgroupns", "host"), ("--read-only",), ("--init",)):
        assert inside(tidy, "id -u", *option) == "0\n", option


def test_output_can_be_opened_by_name(tidy):
    for user in ("0", "1000"):
        assert inside(tidy, "echo out > /dev/stdout; echo more > /proc/self/fd/1", "-u", user) == "out\nmore\n"
    tidy.brig("run", "-d", "--name", "one", "busybox", "sleep", "1000")
    for user in ("0", "1000"):
        assert tidy.brig("exec", "-u", user, "one", "sh", "-c", "echo out > /dev/stdout").stdout == "out\n"


def test_the_network_is_the_containers(tidy):
    out = inside(tidy, "ip -o -4 addr show eth0 | wc -l; ls /sys/class/net; cat /proc/sys/net/ipv4/ip_forward; "
                       "cat /proc/sys/net/ipv4/ip_unprivileged_port_start; ip link add d0 type dummy && echo added; "
                       "grep -c eth0 /proc/net/route; cat /etc/hosts | tail -1 | wc -w",
                 "--sysctl", "net.ipv4.ip_forward=1", "--cap-add", "NET_ADMIN")
    lines = out.splitlines()
    assert lines[0] == "1" and "eth0" in lines and lines[-1] == "2"
    assert inside(tidy, "ls /sys/class/net", "--network", "none").split() == ["lo"]


def test_published_ports(tidy):
    tidy.brig("run", "-d", "--name", "web", "-p", "127.0.0.1::80", "busybox", "sh", "-c",
              "while true; do echo -e 'HTTP/1.0 200 OK\\r\\n\\r\\nhello' | nc -l -p 80; done")
    port = tidy.brig("port", "web", "80").stdout.strip()

    def answer():
        done = subprocess.run(["curl", "-s", "-m", "2", f"http://{port}/"], capture_output=True, text=True)
        return done.stdout.strip() == "hello"
    wait_for(answer, 10, "an answer through the published port")


def test_exec_and_shared_namespaces(tidy):
    tidy.brig("run", "-d", "--name", "one", "--ipc", "shareable", "busybox", "sleep", "1000")
    assert tidy.brig("exec", "one", "sh", "-c", "id -u; touch /by-exec; stat -c %u /by-exec").stdout == "0\n0\n"
    own = tidy.brig("exec", "one", "readlink", "/proc/self/ns/net").stdout
    for option in (("--network", "container:one"), ("--pid", "container:one"), ("--ipc", "container:one")):
        kind = {"--network": "net", "--pid": "pid", "--ipc": "ipc"}[option[0]]
        own = tidy.brig("exec", "one", "readlink", f"/proc/self/ns/{kind}").stdout
        assert inside(tidy, f"readlink /proc/self/ns/{kind}; touch /made && id -u", *option) == own + "0\n"


def test_volumes_belong_to_the_root_inside(tidy):
    assert inside(tidy, "stat -c %u:%g /data; touch /data/f && echo done", "-v", "named:/data") == "0:0\ndone\n"
    place = pathlib.Path(tidy.brig("volume", "inspect", "-f", "{{.Mountpoint}}", "named").stdout.strip())
    assert (place.stat().st_uid, (place / "f").stat().st_gid) == (USERS, GROUPS)
    # Filled from the image, with the owners that this has.
    tidy.brig("run", "--name", "maker", "busybox", "sh", "-c", "mkdir -p /srv/d && touch /srv/d/f && chown -R 5:6 /srv/d")
    tidy.brig("commit", "maker", "filled")
    out = tidy.brig("run", "--rm", "-v", "fresh:/srv/d", "filled", "stat", "-c", "%u:%g", "/srv/d", "/srv/d/f").stdout
    assert out == "5:6\n5:6\n"
    tidy.brig("volume", "rm", "named", "fresh")


def test_copies_in_and_out(tidy, tmp_path):
    (tmp_path / "file").write_text("body")
    os.chown(tmp_path / "file", 7, 8)
    for name, state in (("resting", "create"), ("running", "run")):
        tidy.brig(*(["create"] if state == "create" else ["run", "-d"]), "--name", name, "-v", "/data/deep",
                  "busybox", "sleep", "1000")
        tidy.brig("cp", "-a", tmp_path / "file", f"{name}:/kept")
        tidy.brig("cp", tmp_path / "file", f"{name}:/etc/new")
        out = subprocess.run(tidy.command("cp", "-a", f"{name}:/kept", "-"), env=tidy.env(), capture_output=True)
        assert owners(out.stdout) == {"kept": (7, 8)}, out.stderr
        if state == "create":
            tidy.brig("start", name)
        shown = tidy.brig("exec", name, "stat", "-c", "%n %u:%g", "/kept", "/etc/new", "/data", "/data/deep").stdout
        assert shown == "/kept 7:8\n/etc/new 7:8\n/data 0:0\n/data/deep 0:0\n"
        assert "A /kept" in tidy.brig("diff", name).stdout
    # What is the host's own is nobody's inside, and in a copy.
    os.chown(tmp_path, 0, 0)
    tidy.brig("run", "-d", "--name", "bound", "-v", f"{tmp_path}:/host", "busybox", "sleep", "1000")
    assert tidy.brig("exec", "bound", "stat", "-c", "%u", "/host").stdout == "65534\n"
    out = subprocess.run(tidy.command("cp", "-a", "bound:/host/file", "-"), env=tidy.env(), capture_output=True)
    assert owners(out.stdout) == {"file": (65534, 65534)}


def test_export_and_commit_have_the_archives_owners(tidy, tmp_path):
    tidy.brig("run", "--name", "maker", "busybox", "sh", "-c", "echo x > /f && chown 12:34 /f && mkdir /d && rm /bin/vi")
    out = subprocess.run(tidy.command("export", "maker"), env=tidy.env(), capture_output=True)
    found = owners(out.stdout)
    assert found["f"] == (12, 34) and found["d"] == (0, 0) and found["bin/busybox"] == (0, 0)
    tidy.brig("commit", "maker", "made")
    assert tidy.brig("run", "--rm", "made", "sh", "-c", "stat -c %u:%g /f /d; ls /bin/vi 2>&1 | wc -l; id -u").stdout == \
        "12:34\n0:0\n1\n0\n"
    tidy.brig("save", "-o", tmp_path / "made.tar", "made")
    before = tidy.brig("image", "inspect", "-f", "{{.Id}} {{.RootFS.Layers}}", "made").stdout
    with tarfile.open(tmp_path / "made.tar") as archive:
        layers = json.load(archive.extractfile("manifest.json"))[0]["Layers"]
        for layer in layers:
            assert all(uid < 65536 for uid, _ in owners(archive.extractfile(layer).read()).values())
    tidy.brig("rm", "maker")
    tidy.brig("rmi", "made")
    tidy.brig("load", "-i", tmp_path / "made.tar")
    assert tidy.brig("image", "inspect", "-f", "{{.Id}} {{.RootFS.Layers}}", "made").stdout == before


DOCKERFILE = """\
FROM busybox AS first
RUN mkdir /out && echo built > /out/f && chown -R 1000:50 /out
FROM busybox
WORKDIR /srv/app
COPY plain .
COPY --chown=33:44 plain owned
ADD archive.tar /unpacked/
ADD --chown=5:6 archive.tar /given/
COPY --from=first /out /copied
COPY --from=first --chown=9 /out/f /copied/g
RUN id -u > /srv/app/uid; stat -c %u:%g /copied/f > /seen; ping -c 1 -W 2 $(ip route | sed -n 's/default via \\([^ ]*\\).*/\\1/p') > /pinged
"""
BUILT = {"/": "0:0", "/srv": "0:0", "/srv/app": "0:0", "/srv/app/plain": "0:0", "/srv/app/owned": "33:44",
         "/unpacked": "0:0", "/unpacked/a": "77:88", "/given/a": "5:6", "/copied": "1000:50", "/copied/f": "1000:50",
         "/copied/g": "9:9", "/srv/app/uid": "0:0"}


def test_builds(tidy, tmp_path):
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    (tmp_path / "plain").write_text("plain")
    with tarfile.open(tmp_path / "archive.tar", "w") as archive:
        entry = tarfile.TarInfo("a")
        entry.uid, entry.gid = 77, 88
        archive.addfile(entry)
    tidy.brig("build", "-t", "built", tmp_path)
    script = "stat -c '%n %u:%g' " + " ".join(BUILT) + "; cat /seen /srv/app/uid"
    out = tidy.brig("run", "--rm", "built", "sh", "-c", script).stdout
    assert out.splitlines() == [f"{name} {owner}" for name, owner in BUILT.items()] + ["1000:50", "0"]
    assert "Using cache" in tidy.brig("build", "-t", "built", tmp_path).stdout
    refused = tidy.brig("build", "--no-cache", "--network", "host", tmp_path, check=False)
    assert "cannot share the host's network namespace when user namespaces are enabled" in refused.stderr


def test_a_container_may_have_the_hosts_users(tidy):
    out = inside(tidy, "cat /proc/self/uid_map; stat -c %u /bin/busybox", "--userns", "host").split()
    assert out == ["0", "0", "4294967295", str(USERS)]
    for option, words in ((("--privileged",), "privileged mode is incompatible with user namespaces"),
                          (("--network", "host"), "cannot share the host's network namespace when user namespaces"),
                          (("--pid", "host"), "cannot share the host PID namespace when user namespaces")):
        refused = tidy.brig("run", "--rm", *option, "busybox", "true", check=False)
        assert refused.returncode == 125 and words in refused.stderr
        tidy.brig("run", "--rm", "--userns", "host", *option, "busybox", "true")
    tidy.brig("run", "-d", "--name", "hosts", "--userns", "host", "busybox", "sleep", "1000")
    refused = tidy.brig("run", "--rm", "--network", "container:hosts", "busybox", "true", check=False)
    assert "which has the host's users" in refused.stderr


def test_owners_beyond_the_range_are_refused(tidy, tmp_path):
    with tarfile.open(tmp_path / "far.tar", "w") as archive:
        entry = tarfile.TarInfo("far")
        entry.uid = 70000
        archive.addfile(entry)
    refused = tidy.brig("import", tmp_path / "far.tar", "far", check=False)
    assert refused.returncode != 0
    assert f"far: user 70000 has no place in the mapping 0:{USERS}:65536" in refused.stderr
    assert "far" not in tidy.brig("images").stdout


def test_the_engine_may_die(tidy):
    tidy.brig("run", "-d", "--name", "one", "-p", "127.0.0.1::80", "busybox", "sleep", "1000")
    pid = pid_of(tidy, "one")
    tidy.kill9()
    tidy.start()
    assert pid_of(tidy, "one") == pid
    assert tidy.brig("exec", "one", "id", "-u").stdout == "0\n"
    tidy.brig("restart", "-t", "0", "one")
    assert ids_of(pid_of(tidy, "one"), "Uid") == [USERS] * 4


@pytest.mark.parametrize("setting, words", [("nobody-here", "has no entry in /etc/passwd"), ("a:b:c", "Invalid user/group"),
                                            ("default", "there is no user dockremap")])
def test_settings_that_cannot_be(workspace, setting, words):
    engine = Engine(workspace / "wrong", "--userns-remap", setting)
    with pytest.raises(AssertionError, match=words):
        engine.start()
    assert not engine.root.exists() or not list(engine.root.iterdir())
