"""An index of two platforms in a registry: what --platform of pull, run, create, build, save and load does with it.
The image for the other processor holds programs for this one, so that they can be told apart by running them."""
import http.client
import io
import json
import platform
import socket
import tarfile
import urllib.parse

import pytest

from conftest import docker_client

from registries import forget, serving

HERE = {"x86_64": "linux/amd64", "aarch64": "linux/arm64"}.get(platform.machine())
OTHER = {"linux/amd64": "linux/arm64", "linux/arm64": "linux/amd64"}.get(HERE)

pytestmark = [pytest.mark.skipif(not HERE, reason="needs amd64 or arm64"), pytest.mark.usefixtures("private_config")]


@pytest.fixture(scope="module")
def index(engine, workspace):
    """HOST/two:1, of which /which says for what it is."""
    with pytest.MonkeyPatch.context() as patch, serving(workspace / "registry-platforms") as registry:
        patch.setenv("DOCKER_CONFIG", str(workspace / "platforms-docker"))
        members = []
        for number, name in enumerate((HERE, OTHER)):
            engine.brig("create", "--name", "made", "busybox")
            engine.brig("cp", "-", "made:/", input=which(name))
            tar = workspace / "made.tar"
            engine.brig("export", "-o", tar, "made")
            engine.brig("rm", "made")
            members.append(f"{registry.host}/two:part{number}")
            engine.brig("import", "--platform", name, "--change", "CMD cat /which", tar, members[-1])
            engine.brig("push", members[-1])
            forget(engine, members[-1])
        name = f"{registry.host}/two:1"
        engine.brig("manifest", "create", name, *members)
        engine.brig("manifest", "push", name)
        yield name


def which(text):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        entry = tarfile.TarInfo("which")
        entry.size = len(text)
        tar.addfile(entry, io.BytesIO(text.encode()))
    return out.getvalue()


def platform_of(engine, name):
    return engine.brig("image", "inspect", "-f", "{{.Os}}/{{.Architecture}}", name).stdout.strip()


@pytest.fixture
def fresh(tidy, index):
    """The index, and nothing of it here, before and afterwards."""
    forget(tidy, index)
    yield index
    tidy.remove_everything()
    forget(tidy, index, "built", "kept")


def test_pull(tidy, fresh):
    tidy.brig("pull", fresh)
    assert platform_of(tidy, fresh) == HERE
    tidy.brig("pull", "--platform", OTHER, fresh)
    assert platform_of(tidy, fresh) == OTHER
    refused = tidy.brig("pull", "--platform", "linux/s390x", fresh, check=False)
    assert refused.returncode == 1
    assert "no matching manifest for linux/s390x in the manifest list entries" in refused.stderr


@pytest.mark.skipif(not docker_client(), reason="needs the docker client")
def test_pull_by_dockers_client(tidy, fresh):
    tidy.docker("pull", "--platform", OTHER, fresh)
    assert platform_of(tidy, fresh) == OTHER
    tidy.docker("pull", fresh)
    assert platform_of(tidy, fresh) == HERE


def test_run_and_create(tidy, fresh):
    for name in (OTHER, HERE):
        done = tidy.brig("run", "--rm", "--net", "none", "--platform", name, fresh)
        assert done.stdout == name
    # What is here is for something else, and is not to be fetched.
    refused = tidy.brig("run", "--rm", "--pull", "never", "--platform", OTHER, fresh, check=False)
    assert refused.returncode == 125 and OTHER in refused.stderr
    made = tidy.brig("create", "--platform", OTHER, fresh).stdout.strip()
    assert platform_of(tidy, tidy.brig("inspect", "-f", "{{.Image}}", made).stdout.strip()) == OTHER


def test_build(tidy, fresh, tmp_path):
    (tmp_path / "Dockerfile").write_text(f"FROM {fresh}\nRUN cp /which /built\n")
    for name in (OTHER, HERE):
        tidy.brig("build", "--platform", name, "-t", "built", tmp_path)
        assert platform_of(tidy, "built") == name
        assert tidy.brig("run", "--rm", "--net", "none", "--platform", name, "built", "cat", "/built").stdout == name


def test_save_and_load(tidy, fresh, tmp_path):
    archive = tmp_path / "kept.tar"
    tidy.brig("pull", "-q", "--platform", OTHER, fresh)
    tidy.brig("tag", fresh, "kept")
    refused = tidy.brig("save", "--platform", HERE, "-o", archive, "kept", check=False)
    assert refused.returncode == 1 and f"does not provide the specified platform ({HERE})" in refused.stderr
    tidy.brig("save", "--platform", OTHER, "-o", archive, "kept")
    assert api(tidy, "/images/kept/get", json.dumps(dict(zip(("os", "architecture"), HERE.split("/"))))) == 404
    assert api(tidy, "/images/kept/get", json.dumps(dict(zip(("os", "architecture"), OTHER.split("/"))))) == 200
    forget(tidy, "kept", fresh)
    refused = tidy.brig("load", "--platform", HERE, "-i", archive, check=False)
    assert refused.returncode == 1 and f"no image for {HERE}" in refused.stderr
    assert tidy.brig("image", "inspect", "kept", check=False).returncode == 1
    assert "Loaded image: kept:latest" in tidy.brig("load", "--platform", OTHER, "-i", archive).stdout
    assert platform_of(tidy, "kept") == OTHER


def api(engine, path, wanted):
    """The status of a request as docker's client makes it since its version 28."""
    connection = http.client.HTTPConnection("localhost")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(str(engine.run_dir / "brig.sock"))
    connection.request("GET", f"{path}?platform={urllib.parse.quote(wanted)}")
    status = connection.getresponse().status
    connection.close()
    return status
