"""Archives to and from docker, podman and skopeo: what one writes the other reads, as the same image."""
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile

import pytest

from conftest import SOURCE
from made_images import MadeImage, digest

sys.path.insert(0, str(SOURCE / "tests/bench"))
from peers import private_dockerd  # noqa: E402

NAME = "exchange/made:1"


def needs(program):
    return pytest.mark.skipif(not shutil.which(program), reason=f"needs {program}")


def run(*argv, **options):
    done = subprocess.run([str(word) for word in argv], capture_output=True, text=True, timeout=120, **options)
    assert done.returncode == 0, f"{argv}: {done.stdout}{done.stderr}"
    return done.stdout


def files_of(archive):
    with tarfile.open(archive) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar if member.isfile()}


def manifests_of(archive):
    return {entry["digest"] for entry in json.loads(files_of(archive)["index.json"])["manifests"]}


@pytest.fixture(scope="module")
def written(engine):
    made = MadeImage(7, "exchange/base:1", layers=2, packed=True)
    engine.brig("load", "-i", made.write(engine.dir / "base.tar"))
    engine.brig("create", "--name", "source", "exchange/base:1")
    (engine.dir / "greeting").write_text("hello\n")
    engine.brig("cp", engine.dir / "greeting", "source:/greeting")
    engine.brig("commit", "-c", "LABEL made=here", "source", NAME)
    engine.brig("rm", "source")
    engine.brig("save", "-o", engine.dir / "saved.tar", NAME)
    return engine.dir / "saved.tar"


@pytest.fixture
def saved(engine, written):
    """An image with three layers of which one was made here, in the store, and its archive as brig writes it."""
    engine.brig("load", "-i", written)
    return written


def image_id(engine, name=NAME):
    return engine.brig("image", "inspect", "-f", "{{.Id}}", name).stdout.strip()


def forget_and_load(engine, archive, name=NAME):
    """Loads it with nothing of it there; returns the ID it then has."""
    engine.brig("rmi", "-f", NAME, "exchange/base:1", name, check=False)
    engine.brig("image", "prune", "-f")
    loaded = engine.brig("load", "-i", archive).stdout
    assert "Loaded image" in loaded
    return image_id(engine, name)


def test_save_and_load_reproduce_digests(engine, saved, tmp_path):
    before = image_id(engine)
    assert forget_and_load(engine, saved) == before
    engine.brig("save", "-o", tmp_path / "again.tar", NAME)
    first, second = files_of(saved), files_of(tmp_path / "again.tar")
    assert first == second
    for name, data in first.items():
        if name.startswith("blobs/sha256/"):
            assert hashlib.sha256(data).hexdigest() == name.rpartition("/")[2]


@pytest.mark.parametrize("packed", [False, True])
def test_an_archive_of_docker_keeps_its_layers(engine, tmp_path, packed):
    made = MadeImage(8, "exchange/docker:1", packed=packed)
    assert forget_and_load(engine, made.write(tmp_path / "made.tar"), made.name) == made.id
    engine.brig("save", "-o", tmp_path / "saved.tar", made.name)
    files = files_of(tmp_path / "saved.tar")
    assert {f"blobs/sha256/{digest(blob)[7:]}" for blob in [made.config, *made.blobs]} <= set(files)
    once = manifests_of(tmp_path / "saved.tar")
    forget_and_load(engine, tmp_path / "saved.tar", made.name)
    engine.brig("save", "-o", tmp_path / "again.tar", made.name)
    assert manifests_of(tmp_path / "again.tar") == once
    engine.brig("rmi", made.name)


@needs("dockerd")
@needs("docker")
def test_docker(engine, saved, tmp_path):
    with private_dockerd(tmp_path / "docker", tmp_path / "exec") as docker:
        if docker is None:
            pytest.skip("dockerd does not run here")
        assert f"Loaded image: {NAME}" in run(*docker("load", "-i", saved))
        assert run(*docker("image", "inspect", "-f", "{{.Id}} {{.Config.Labels.made}}", NAME)).split() == \
            [image_id(engine), "here"]
        run(*docker("save", "-o", tmp_path / "docker.tar", NAME))
        before = image_id(engine)
        assert forget_and_load(engine, tmp_path / "docker.tar") == before
        engine.brig("create", "--name", "reads", NAME)
        engine.brig("cp", "reads:/greeting", tmp_path / "greeting")
        assert (tmp_path / "greeting").read_text() == "hello\n"
        engine.brig("rm", "reads")


@needs("podman")
@pytest.mark.parametrize("form", ["docker-archive", "oci-archive"])
def test_podman(engine, saved, tmp_path, form):
    runroot = tempfile.mkdtemp(prefix="brig-pod", dir="/tmp")  # podman wants it short
    podman = ["podman", "--root", tmp_path / "root", "--runroot", runroot, "--storage-driver", "vfs"]
    assert NAME in run(*podman, "load", "-i", saved)
    assert run(*podman, "image", "inspect", "-f", "{{.Id}}", NAME).strip() == image_id(engine)[7:]
    run(*podman, "save", "--format", form, "-o", tmp_path / "podman.tar", f"docker.io/{NAME}")
    before = json.loads(engine.brig("image", "inspect", NAME).stdout)[0]["RootFS"]["Layers"]
    engine.brig("rmi", "-f", NAME, "exchange/base:1", check=False)
    engine.brig("image", "prune", "-f")
    loaded = engine.brig("load", "-i", tmp_path / "podman.tar").stdout.split()[-1]
    assert json.loads(engine.brig("image", "inspect", loaded).stdout)[0]["RootFS"]["Layers"] == before
    run(*podman, "rmi", "-af")
    shutil.rmtree(runroot, ignore_errors=True)


@needs("skopeo")
@pytest.mark.parametrize("form", ["docker-archive", "oci-archive"])
def test_skopeo(engine, saved, tmp_path, form):
    run("skopeo", "copy", f"{form}:{saved}", f"oci:{tmp_path}/layout:1")
    config = json.loads(run("skopeo", "inspect", "--config", "--raw", f"oci:{tmp_path}/layout:1"))
    assert config["config"]["Labels"] == {"made": "here"} and len(config["rootfs"]["diff_ids"]) == 3
    run("skopeo", "copy", f"oci:{tmp_path}/layout:1", f"{form}:{tmp_path}/skopeo.tar:docker.io/{NAME}")
    before = json.loads(engine.brig("image", "inspect", NAME).stdout)[0]["RootFS"]["Layers"]
    assert forget_and_load(engine, tmp_path / "skopeo.tar")
    assert json.loads(engine.brig("image", "inspect", NAME).stdout)[0]["RootFS"]["Layers"] == before
    if form == "oci-archive":  # its blobs are kept as they are
        engine.brig("save", "-o", tmp_path / "again.tar", NAME)
        assert manifests_of(tmp_path / "again.tar") == manifests_of(tmp_path / "skopeo.tar")


@needs("skopeo")
def test_the_store_is_a_layout(engine, saved, tmp_path):
    """Other tools read the store itself, by the images' names; what has no name any more is not offered."""
    engine.brig("tag", NAME, "exchange/other:2")
    store = f"oci:{engine.root}/content"
    for number, name in enumerate((NAME, "exchange/other:2")):
        run("skopeo", "copy", f"{store}:{name}", f"docker-archive:{tmp_path}/{number}.tar:{name}")
        files = files_of(tmp_path / f"{number}.tar")
        assert json.loads(files["manifest.json"])[0]["Config"].startswith(image_id(engine)[7:])
    engine.brig("rmi", "exchange/other:2")
    listed = json.loads((engine.root / "content/index.json").read_text())["manifests"]
    names = [entry["annotations"]["org.opencontainers.image.ref.name"] for entry in listed]
    assert NAME in names and "busybox:latest" in names and "exchange/other:2" not in names
    engine.kill9()
    (engine.root / "content/index.json").write_text("{}")
    engine.start()
    assert json.loads((engine.root / "content/index.json").read_text())["manifests"] == listed
