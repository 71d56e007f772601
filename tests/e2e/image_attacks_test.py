"""Attacks on engines by images, archives and the files of containers, each as it once worked on one, and shown to
lead nowhere: a canary on the host is as it was. docs/image-security.md has the table."""
import http.client
import io
import json
import lzma
import os
import shutil
import socket
import subprocess
import tarfile
import threading
import time

import pytest

from conftest import docker_client
from made_images import MadeImage, digest


@pytest.fixture
def canary(tmp_path):
    """A directory of the host that nothing may enter or change."""
    place = tmp_path / "canary"
    place.mkdir(mode=0o700)
    (place / "secret").write_text("the host's")
    yield place
    assert sorted(os.listdir(place)) == ["secret"], "something came out"
    assert (place / "secret").read_text() == "the host's"
    assert place.stat().st_mode & 0o777 == 0o700


def member(name, content=b"", kind=tarfile.REGTYPE, link="", mode=0o755):
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname, entry.mode, entry.size = kind, str(link), mode, len(content)
    return entry, content


def symlink(name, target):
    return member(name, kind=tarfile.SYMTYPE, link=target)


def tar_of(*members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for entry, content in members:
            archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def archive_of(files):
    return tar_of(*(member(name, data if isinstance(data, bytes) else json.dumps(data).encode())
                    for name, data in files.items()))


def image_of(*members, config=None, name="attack:1"):
    """What `brig load` takes: one layer of these members on nothing."""
    layer = tar_of(*members)
    document = {"architecture": "amd64", "os": "linux", "config": {"Cmd": ["/bin/true"], **(config or {})},
                "rootfs": {"type": "layers", "diff_ids": [digest(layer)]}}
    return archive_of({"config.json": document, "layer.tar": layer,
                       "manifest.json": [{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]})


def busybox():
    """Enough of a system to run in, as members."""
    return [member("bin/busybox", open("/bin/busybox", "rb").read()),
            *(symlink(f"bin/{applet}", "busybox") for applet in ("sh", "true", "cat", "ls", "id", "sleep"))]


def load(engine, archive, check=True):
    return engine.brig("load", input=archive, check=check)


@pytest.fixture
def attacked(tidy):
    yield tidy
    tidy.remove_everything()
    tidy.brig("rmi", "-f", "attack:1", "attack:2", check=False)
    assert tidy.brig("run", "--rm", "--net", "none", "busybox", "echo", "alive").stdout == "alive\n"


def refused(done):
    """By the engine, in a line: nobody fell over."""
    said = done.stderr if isinstance(done.stderr, str) else done.stderr.decode()
    assert done.returncode != 0 and said.strip() and "internal" not in said.lower(), said
    return said


def test_cve_2014_9356_links_in_the_way_of_a_build(attacked, canary, tmp_path):
    load(attacked, image_of(*busybox(), symlink("a", canary), symlink("b", "a"), symlink("up", "../../../../.." + str(canary))))
    context = tmp_path / "context"
    context.mkdir()
    (context / "file").write_text("planted")
    (context / "in.tar").write_bytes(tar_of(member("planted", b"x")))
    for place in ("/a", "/b", "/up"):
        (context / "Dockerfile").write_text(f"FROM attack:1\nWORKDIR {place}/made\nCOPY file {place}/planted\n"
                                            f"ADD in.tar {place}/\nVOLUME {place}/vol\n")
        attacked.brig("build", "-t", "attack:2", context, check=False)
        attacked.brig("run", "--rm", "--net", "none", "attack:2", check=False)
        (context / "Dockerfile").write_text(f"FROM attack:1\nCOPY --from=attack:1 {place}/secret /got\n")
        done = attacked.brig("build", "-t", "attack:2", context, check=False)
        assert done.returncode != 0, "the host's file was copied into an image"


def evil_xz(marker):
    return f"#!/bin/sh\necho ran > {marker}\nenv >> {marker}\n".encode()


def test_cve_2014_9357_and_cve_2026_41567_helpers_of_the_image_are_not_run(attacked, tmp_path):
    """Whatever the engine unpacks, it unpacks itself: no xz, unpigz or tar of the container's."""
    marker = tmp_path / "marker"
    helpers = [member(f"usr/bin/{name}", evil_xz(marker)) for name in ("xz", "unxz", "unpigz", "gzip", "tar", "zstd")]
    load(attacked, image_of(*busybox(), *helpers))
    packed = lzma.compress(tar_of(member("from-xz", b"hello")))
    context = tmp_path / "context"
    context.mkdir()
    (context / "in.tar.xz").write_bytes(packed)
    (context / "Dockerfile").write_text("FROM attack:1\nADD in.tar.xz /\nRUN cat /from-xz\n")
    assert "hello" in attacked.brig("build", "--network", "none", "-t", "attack:2", context).stdout
    attacked.brig("run", "-d", "--name", "box", "--net", "none", "attack:1", "sleep", "1000")
    for tool in [attacked.brig] + ([attacked.docker] if docker_client() else []):
        tool("cp", "-", "box:/", input=packed)
        assert b"hello" in tool("cp", "box:/from-xz", "-", input=b"").stdout
    assert not marker.exists()
    done = attacked.brig("exec", "box", "ls", str(marker), check=False)
    assert done.returncode != 0, "not in the container either"


@pytest.mark.parametrize("name", ["../../x", "/etc/hostname", "..", "a/../../../x", "blobs/sha256/../../x"])
def test_cve_2014_9358_names_in_archives_are_no_paths(attacked, name):
    document = MadeImage(1, "attack:1", layers=1)
    for manifest in ({"Config": name, "RepoTags": ["attack:1"], "Layers": []},
                     {"Config": "config.json", "RepoTags": ["attack:1"], "Layers": [name]},
                     {"Config": "config.json", "RepoTags": [name], "Layers": []}):
        refused(load(attacked, archive_of({"config.json": document.config, "manifest.json": [manifest]}), check=False))
    assert "attack" not in attacked.brig("images").stdout


@pytest.mark.parametrize("bad", ["sha256:../../../../etc/passwd", "sha256:" + "a" * 63 + "/", "../../x", "sha512:" + "a" * 128,
                                 "sha256:" + "A" * 64, ""])
def test_cve_2024_3727_digests_are_no_paths(attacked, bad):
    index = {"schemaVersion": 2, "manifests": [{"mediaType": "application/vnd.oci.image.manifest.v1+json",
                                                "digest": bad, "size": 10}]}
    refused(load(attacked, archive_of({"oci-layout": {"imageLayoutVersion": "1.0.0"}, "index.json": index}), check=False))
    refused(attacked.brig("pull", f"127.0.0.1:1/x@{bad or 'sha256:'}", check=False))


def test_cve_2023_25153_documents_have_an_end(attacked):
    big = b'{"schemaVersion": 2, "manifests": [' + b" " * (64 << 20) + b"]}"
    said = refused(load(attacked, archive_of({"oci-layout": {"imageLayoutVersion": "1.0.0"}, "index.json": big}), check=False))
    assert "bytes" in said or "larger" in said or "limit" in said, said


@pytest.mark.parametrize("volume", ["/../../../../{}", "/x/../../../..{}", "/link"])
def test_cve_2022_23648_volumes_are_filled_from_the_image_only(attacked, canary, volume):
    place = volume.format(canary)
    load(attacked, image_of(*busybox(), symlink("link", canary), config={"Volumes": {place: {}}}))
    done = attacked.brig("run", "--rm", "--net", "none", "attack:1", "sh", "-c", f"cat {canary}/secret /link/secret {place}/secret",
                         check=False)
    assert "the host's" not in done.stdout


@pytest.mark.parametrize("kind", ["fifo", "link", "directory"])
def test_cve_2024_9676_strange_user_files(attacked, canary, kind):
    os.chmod(canary, 0o700)
    strange = {"fifo": lambda name: member(name, kind=tarfile.FIFOTYPE),
               "link": lambda name: symlink(name, canary / "secret"),
               "directory": lambda name: member(name, kind=tarfile.DIRTYPE)}[kind]
    load(attacked, image_of(*busybox(), strange("etc/passwd"), strange("etc/group")))
    begun = time.monotonic()
    for user in ("nobody", "root", "5:staff", "7"):
        attacked.brig("run", "--rm", "--net", "none", "-u", user, "attack:1", "true", check=False, timeout=20)
    assert time.monotonic() - begun < 15


def test_cve_2026_47262_user_files_without_end(attacked):
    attacked.brig("run", "-d", "--name", "box", "--net", "none", "busybox", "sleep", "1000")
    attacked.brig("exec", "box", "sh", "-c", "for f in passwd group; do dd if=/dev/zero of=/etc/$f bs=1 count=1 seek=6G; done")
    before = resident_kb(attacked.process.pid)
    begun = time.monotonic()
    attacked.brig("exec", "-u", "nobody:staff", "box", "true", check=False, timeout=30)
    attacked.brig("exec", "-u", "3:4", "box", "true", check=False, timeout=30)
    assert time.monotonic() - begun < 20
    assert resident_kb(attacked.process.pid) - before < 256 << 10


def resident_kb(pid):
    return next(int(line.split()[1]) for line in open(f"/proc/{pid}/status") if line.startswith("VmHWM:"))


@pytest.mark.skipif(not shutil.which("cc"), reason="needs a C compiler")
def test_cve_2019_14271_no_library_of_the_container_is_loaded(attacked, tmp_path):
    marker = tmp_path / "marker"
    (tmp_path / "evil.c").write_text("#include <fcntl.h>\n__attribute__((constructor)) static void run(void)"
                                     f"{{ open(\"{marker}\", O_CREAT | O_WRONLY, 0600); }}\n")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", tmp_path / "evil.so", tmp_path / "evil.c"], check=True)
    evil = (tmp_path / "evil.so").read_bytes()
    names = [f"{place}/{name}" for place in ("lib", "lib64", "usr/lib", "lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu/gconv")
             for name in ("libnss_files.so.2", "libnss_compat.so.2", "libnss_dns.so.2", "UTF-7.so")]
    load(attacked, image_of(*busybox(), *(member(name, evil) for name in names), member("etc/nsswitch.conf", b"passwd: files compat\n"),
                            member("etc/passwd", b"me:x:5:5::/:/bin/sh\n")))
    attacked.brig("run", "-d", "--name", "box", "--net", "none", "-u", "me", "attack:1", "sleep", "1000")
    (tmp_path / "file").write_text("x")
    for tool in [attacked.brig] + ([attacked.docker] if docker_client() else []):
        tool("cp", tmp_path / "file", "box:/tmp", check=False)
        tool("cp", "box:/etc", tmp_path / "out")
        tool("top", "box")
        tool("exec", "-u", "me", "box", "true")
        tool("commit", "box", "attack:2")
    assert not marker.exists()


def test_cve_2019_10152_links_from_a_container_are_not_followed_on_the_host(attacked, canary, tmp_path):
    """The first copy plants a link where the second has a directory."""
    out = tmp_path / "out"
    out.mkdir()
    attacked.brig("run", "-d", "--name", "box", "--net", "none", "busybox", "sh", "-c", f"mkdir -p /d && ln -s {canary} /d/l; sleep 1000")
    time.sleep(0.3)
    for tool in [attacked.brig] + ([attacked.docker] if docker_client() else []):
        attacked.brig("exec", "box", "sh", "-c", f"rm -rf /d/l; ln -s {canary} /d/l")
        tool("cp", "box:/d", out)
        attacked.brig("exec", "box", "sh", "-c", "rm /d/l && mkdir /d/l && echo x > /d/l/planted && chmod 777 /d/l")
        tool("cp", "box:/d", out, check=False)
        assert sorted(os.listdir(canary)) == ["secret"], tool
        shutil.rmtree(out / "d")


def test_cve_2026_42306_a_volumes_place_is_swapped(attacked, canary, tmp_path):
    """The directory above a volume becomes a link to the host while files are copied to and from the volume."""
    script = f"mkdir -p /w; ln -s {canary} /evil; while :; do mv /w /s; mv /evil /w; mv /w /evil; mv /s /w; done"
    attacked.brig("run", "-d", "--name", "swap", "--net", "none", "-v", "swapped:/w/secret.d", "busybox", "sh", "-c", script)
    (tmp_path / "in").mkdir()
    (tmp_path / "in/planted").write_text("planted")
    end = time.monotonic() + 4
    while time.monotonic() < end:
        attacked.brig("cp", f"{tmp_path}/in/.", "swap:/w/secret.d", check=False)
        attacked.brig("cp", f"{tmp_path}/in/.", "swap:/w", check=False)
        assert b"the host's" not in attacked.brig("cp", "swap:/w", "-", check=False, input=b"").stdout
    attacked.brig("rm", "-f", "swap")
    attacked.brig("volume", "rm", "swapped")


def test_cve_2026_53488_labels_of_an_image_command_nothing(attacked, tmp_path):
    marker = tmp_path / "marker"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {marker}\n")
    program.chmod(0o755)
    labels = {"containerd.io/restart.loguri": f"binary://{program}", "containerd.io/restart.status": "running",
              "io.containers.autoupdate": "registry", "run": f"podman run --privileged {program}",
              "com.docker.volume.anonymous": "", "org.brig.log": f"binary://{program}"}
    load(attacked, image_of(*busybox(), config={"Labels": labels}))
    attacked.brig("run", "--name", "box", "--net", "none", "attack:1", "true")
    time.sleep(0.5)
    assert not marker.exists()
    assert attacked.brig("inspect", "-f", "{{.State.Status}} {{.HostConfig.RestartPolicy.Name}}", "box").stdout == "exited no\n"


def test_cve_2024_24557_an_image_cannot_pass_for_a_cached_step(attacked, tmp_path):
    """One that says it was made by the very instruction, on nothing, is not taken for its result."""
    context = tmp_path / "context"
    context.mkdir()
    (context / "file").write_text("honest")
    (context / "Dockerfile").write_text("FROM scratch\nCOPY file /file\nCMD [\"/file\"]\n")
    attacked.brig("build", "-t", "attack:2", context)
    history = json.loads("[" + ",".join(attacked.brig("history", "--no-trunc", "--format", "{{json .}}", "attack:2").stdout.splitlines()) + "]")
    attacked.brig("rmi", "-f", "attack:2")
    attacked.brig("image", "prune", "-f")
    layer = tar_of(member("file", b"poisoned"))
    config = {"architecture": "amd64", "os": "linux", "config": {"Cmd": ["/file"]}, "parent": "", "container_config": {
        "Cmd": ["/bin/sh", "-c", history[-1]["CreatedBy"]]}, "rootfs": {"type": "layers", "diff_ids": [digest(layer)]},
        "history": [{"created_by": history[-1]["CreatedBy"]}]}
    load(attacked, archive_of({"config.json": config, "layer.tar": layer, "manifest.json": [
        {"Config": "config.json", "RepoTags": ["attack:1"], "Layers": ["layer.tar"]}]}))
    attacked.brig("build", "-t", "attack:2", context)
    box = attacked.brig("create", "attack:2").stdout.strip()
    assert b"honest" in attacked.brig("cp", f"{box}:/file", "-", input=b"").stdout


def test_cve_2021_41091_nobody_else_walks_through_the_store(engine):
    """An unprivileged user of the host must not reach a container's setuid programs by their path."""
    for place in (engine.root / "snapshots", engine.root / "volumes", engine.root / "content/blobs/sha256", engine.root / "containers"):
        if place.exists():
            done = subprocess.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "ls", place],
                                  capture_output=True, text=True)
            assert done.returncode != 0 and "Permission denied" in done.stderr, place


def ask(engine, method, path, body=b""):
    connection = http.client.HTTPConnection("localhost", timeout=30)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(str(engine.run_dir / "brig.sock"))
    connection.request(method, path, body or None, {"Content-Type": "application/json"})
    return connection.getresponse().status


def test_names_in_the_api_are_no_paths(attacked, canary):
    """moby 4f84bcb967 and its like: every name and id that the API takes, as a way out."""
    for text in ("..%2f..%2f..%2f..", "%2e%2e", "..%2f..%2f..%2f.." + str(canary).replace("/", "%2f"), "%2fetc", "a%00b", "a%0ab"):
        for method, path in (("GET", "/containers/{}/json"), ("GET", "/containers/{}/logs?stdout=1"), ("DELETE", "/containers/{}"),
                             ("POST", "/containers/{}/start"), ("POST", "/containers/{}/rename?name=x"),
                             ("GET", "/containers/{}/archive?path=/"), ("PUT", "/containers/{}/archive?path=/"),
                             ("GET", "/images/{}/json"), ("DELETE", "/images/{}"), ("POST", "/images/{}/tag?repo=x"),
                             ("GET", "/volumes/{}"), ("DELETE", "/volumes/{}"), ("GET", "/networks/{}"), ("GET", "/exec/{}/json"),
                             ("POST", "/exec/{}/resize?h=1&w=1"), ("GET", "/images/get?names={}"), ("POST", "/commit?container={}"),
                             ("POST", "/containers/create?name={}"), ("POST", "/images/create?fromImage={}")):
            if text == "%2fetc" and "?name" in path:
                continue  # docker's names may begin with a slash, which is no part of them
            body = b'{"Image": "busybox"}' if "create?name" in path else b""
            status = ask(attacked, method, path.format(text), body)
            assert 400 <= status < 500, f"{method} {path.format(text)}: {status}"
        for body in ({"Name": text}, {"Name": text.replace("%2f", "/").replace("%2e", ".")}):
            assert ask(attacked, "POST", "/volumes/create", json.dumps(body).encode()) == 400


def test_cve_2017_14992_bombs_stay_small_in_memory(attacked):
    """A thousand million zeros in a megabyte, as an archive and as a layer of one: memory stays where it was."""
    before = resident_kb(attacked.process.pid)
    read, write = os.pipe()
    feeder = threading.Thread(target=feed_bomb, args=(write,))
    feeder.start()
    done = subprocess.run(attacked.command("import", "-", "attack:1"), stdin=read, capture_output=True, text=True, timeout=120)
    os.close(read)
    feeder.join()
    assert done.returncode == 0, done.stderr
    assert resident_kb(attacked.process.pid) - before < 256 << 10


def feed_bomb(descriptor):
    import gzip
    with os.fdopen(descriptor, "wb") as out, gzip.GzipFile(fileobj=out, mode="wb", compresslevel=1) as packed:
        entry, _ = member("zeros")
        entry.size = 1 << 30
        try:
            packed.write(entry.tobuf())
            for _ in range(1 << 10):
                packed.write(bytes(1 << 20))
            packed.write(bytes(1024))
        except OSError:
            pass


def test_directories_nested_without_end(attacked):
    """A container nests directories: what walks its files must neither run out of stack nor of descriptors."""
    attacked.brig("run", "-d", "--name", "deep", "--net", "none", "-v", "deep:/v", "busybox", "sleep", "1000")
    pid = attacked.brig("inspect", "-f", "{{.State.Pid}}", "deep").stdout.strip()
    for place in ("tmp", "v"):
        at = os.open(f"/proc/{pid}/root/{place}", os.O_RDONLY)
        for _ in range(3000):
            os.mkdir("d", dir_fd=at)
            below = os.open("d", os.O_RDONLY, dir_fd=at)
            os.close(at)
            at = below
        os.close(at)
    before = attacked.process.pid
    attacked.brig("ps", "-s")
    attacked.brig("system", "df", "-v")
    for command in (["diff", "deep"], ["commit", "deep", "attack:1"]):
        assert "nested deeper" in refused(attacked.brig(*command, check=False, timeout=120))
    for command in (["export", "deep"], ["cp", "deep:/tmp", "-"], ["cp", "deep:/v", "-"]):
        assert attacked.brig(*command, check=False, input=b"").returncode != 0
    attacked.brig("rm", "-f", "deep", timeout=120)
    attacked.brig("volume", "rm", "deep", timeout=120)
    assert attacked.process.poll() is None and attacked.process.pid == before
    assert not list(attacked.root.glob("snapshots/*/rm-*"))
