"""Docker's package for Python in front of Brig."""
import io
import tarfile
import time

import pytest

docker = pytest.importorskip("docker", reason="needs the Python package docker")


@pytest.fixture(scope="module")
def client(engine):
    made = docker.DockerClient(base_url=engine.host.replace("unix:///", "unix:////"))
    yield made
    made.close()


@pytest.fixture
def containers(client, tidy):
    return client.containers


def test_version_info_ping(client, engine):
    assert client.ping()
    assert client.version()["ApiVersion"] == "1.51"
    assert client.info()["DockerRootDir"] == str(engine.root)
    assert docker.DockerClient(base_url=engine.host, version="1.40").version()["MinAPIVersion"] == "1.40"


def test_too_new_and_too_old(engine):
    for version in ("1.24", "1.99"):
        with pytest.raises(docker.errors.APIError) as error:
            docker.DockerClient(base_url=engine.host, version=version).ping()
        assert error.value.status_code == 400


def test_run_and_output(containers):
    assert containers.run("busybox", ["echo", "hello"], remove=True) == b"hello\n"
    with pytest.raises(docker.errors.ContainerError) as error:
        containers.run("busybox", ["sh", "-c", "echo bad >&2; exit 3"], remove=True)
    assert error.value.exit_status == 3 and b"bad" in error.value.stderr
    with pytest.raises(docker.errors.ImageNotFound):
        containers.create("absent:1")
    with pytest.raises(docker.errors.APIError) as error:
        containers.run("busybox", ["nonexistent"])
    assert error.value.status_code == 400 and "executable file not found" in str(error.value)


def test_life_of_a_container(containers):
    made = containers.run("busybox", ["sh", "-c", "echo ready; sleep 1000"], detach=True, name="py", labels={"k": "v"})
    assert made.status in ("created", "running")
    assert [c.id for c in containers.list(filters={"label": "k=v"})] == [made.id]
    for line in made.logs(stream=True, follow=True):
        assert line == b"ready\n"
        break
    code, output = made.exec_run(["sh", "-c", "echo out; echo err >&2; exit 5"], demux=True)
    assert (code, output) == (5, (b"out\n", b"err\n"))
    assert any("sleep" in " ".join(row) for row in made.top()["Processes"])
    assert made.stats(stream=False)["pids_stats"]["current"] >= 1
    made.pause()
    made.reload()
    assert made.status == "paused"
    made.unpause()
    made.rename("py2")
    made.stop(timeout=0)
    assert made.wait()["StatusCode"] == 137
    made.start()
    made.kill()
    assert made.wait()["StatusCode"] == 137
    made.remove()
    with pytest.raises(docker.errors.NotFound):
        containers.get("py2")


def test_attach_socket_half_close(client, tidy):
    made = client.containers.create("busybox", ["cat"], stdin_open=True)
    raw = client.api.attach_socket(made.id, {"stdin": 1, "stdout": 1, "stream": 1})
    made.start()
    raw._sock.sendall(b"typed\n")
    raw._sock.shutdown(1)
    received = b""
    while chunk := raw._sock.recv(4096):
        received += chunk
    assert received == b"\x01\x00\x00\x00\x00\x00\x00\x06typed\n"
    assert made.wait()["StatusCode"] == 0
    raw.close()


def test_images(client, tidy):
    image = client.images.get("busybox")
    assert image.tag("py/tagged", "v1")
    assert "py/tagged:v1" in client.images.get(image.id).tags
    assert any("busybox:latest" in i.tags for i in client.images.list())
    archive = b"".join(client.images.get("py/tagged:v1").save(named="py/tagged:v1"))
    client.images.remove("py/tagged:v1")
    assert "py/tagged:v1" in client.images.load(archive)[0].tags
    client.images.remove("py/tagged:v1")
    assert isinstance(client.images.get("busybox").history(), list)
    with pytest.raises(docker.errors.ImageNotFound):
        client.images.get("absent:1")


def context(**files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    out.seek(0)
    return out


def test_build(client, tidy):
    tar = context(Dockerfile="FROM busybox\nCOPY hello /hello\nRUN echo built >> /hello\nCMD [\"cat\", \"/hello\"]\n", hello="hi\n")
    image, log = client.images.build(fileobj=tar, custom_context=True, tag="py/built")
    assert any("Step 3/4" in line.get("stream", "") for line in log)
    assert client.containers.run("py/built", remove=True) == b"hi\nbuilt\n"
    client.images.remove("py/built")
    with pytest.raises(docker.errors.BuildError, match="non-zero code: 2"):
        client.images.build(fileobj=context(Dockerfile="FROM busybox\nRUN exit 2\n"), custom_context=True)


def test_volumes_and_networks(client, tidy):
    volume = client.volumes.create("py-volume", labels={"a": "b"})
    mounts = {"py-volume": {"bind": "/data", "mode": "rw"}}
    client.containers.run("busybox", ["sh", "-c", "echo x > /data/f"], volumes=mounts, remove=True)
    assert client.containers.run("busybox", ["cat", "/data/f"], volumes=mounts, remove=True) == b"x\n"
    assert volume.id in [v.id for v in client.volumes.list()]
    volume.remove()
    assert {"bridge", "host", "none"} <= {n.name for n in client.networks.list()}
    with pytest.raises(docker.errors.APIError) as error:
        client.networks.create("later")
    assert error.value.status_code == 501


def test_events(client, tidy):
    stream = client.events(decode=True, filters={"type": "container"}, since=int(time.time()) - 1)
    client.containers.run("busybox", ["true"], remove=True, name="py-noted")
    seen = []
    for event in stream:
        if event["Actor"]["Attributes"].get("name") == "py-noted":
            seen.append(event["Action"])
        if "destroy" in seen:
            break
    stream.close()
    assert seen[0] == "create" and "start" in seen and "die" in seen


def test_bad_json_is_one_clear_line(client, engine):
    for path in ("/containers/create", "/volumes/create"):
        reply = client.api.post(client.api._url(path), data="{nonsense", headers={"Content-Type": "application/json"})
        assert reply.status_code == 400
        assert "\n" not in reply.json()["message"]
