"""`brig image convert`: layers in another compression, and others read the result."""
import hashlib
import json
import shutil
import subprocess

import pytest

from registries import forget, image_id, push_web, serving

pytestmark = pytest.mark.usefixtures("private_config")
OCI = "application/vnd.oci.image"


@pytest.fixture(scope="module")
def registry(workspace):
    with serving(workspace / "convert") as made:
        yield made


@pytest.fixture(scope="module")
def image(engine, registry):
    return push_web(engine, registry.host)


def manifest(registry, tag):
    status, _, body = registry.call("GET", f"/v2/lib/web/manifests/{tag}", headers={"Accept": "*/*"})
    assert status == 200, body
    return json.loads(body)


@pytest.mark.parametrize("flag,suffix", [("--zstd", "+zstd"), ("--gzip", "+gzip"), ("--uncompressed", "")])
def test_converts_pushes_and_is_read(tidy, image, registry, tmp_path, flag, suffix):
    tag = flag[2:]
    name = f"{registry.host}/lib/web:{tag}"
    digest = tidy.brig("image", "convert", flag, image, name).stdout.strip()
    assert image_id(tidy, name) == image_id(tidy, image)
    assert digest in tidy.brig("push", name).stdout
    pushed = manifest(registry, tag)
    assert pushed["mediaType"] == f"{OCI}.manifest.v1+json"
    assert [layer["mediaType"] for layer in pushed["layers"]] == [f"{OCI}.layer.v1.tar{suffix}"] * 2
    tidy.brig("push", image)
    assert manifest(registry, "1")["layers"][0]["mediaType"].endswith("gzip"), "the source is what it was"
    forget(tidy, image_id(tidy, image))
    tidy.brig("pull", name)
    assert tidy.brig("run", "--rm", "--net", "none", name).stdout == "hello\n"
    # Where it came uncompressed, it goes so again.
    assert digest in tidy.brig("push", name).stdout
    forget(tidy, image_id(tidy, name))
    tidy.brig("pull", image)
    if shutil.which("skopeo"):
        subprocess.run(["skopeo", "copy", "--src-tls-verify=false", "--dest-decompress", f"docker://{name}",
                        f"dir:{tmp_path}/read"], check=True, capture_output=True)
        diff_ids = json.loads(tidy.brig("image", "inspect", "-f", "{{json .RootFS.Layers}}", image).stdout)
        for diff_id in diff_ids:
            assert hashlib.sha256((tmp_path / "read" / diff_id[7:]).read_bytes()).hexdigest() == diff_id[7:]


def test_docker_types_become_ocis(tidy, image, registry, tmp_path):
    if not shutil.which("skopeo"):
        pytest.skip("needs skopeo")
    docker = f"{registry.host}/lib/web:docker"
    subprocess.run(["skopeo", "copy", "--src-tls-verify=false", "--dest-tls-verify=false", "--format", "v2s2",
                    f"docker://{image}", f"docker://{docker}"], check=True, capture_output=True)
    assert "docker" in manifest(registry, "docker")["mediaType"]
    tidy.brig("pull", docker)
    name = f"{registry.host}/lib/web:oci"
    tidy.brig("image", "convert", "--oci", docker, name)
    tidy.brig("push", name)
    made = manifest(registry, "oci")
    assert made["mediaType"] == f"{OCI}.manifest.v1+json" and made["config"]["mediaType"] == f"{OCI}.config.v1+json"
    assert [layer["mediaType"] for layer in made["layers"]] == [f"{OCI}.layer.v1.tar+gzip"] * 2
    assert [layer["digest"] for layer in made["layers"]] == [
        layer["digest"] for layer in manifest(registry, "docker")["layers"]]
    forget(tidy, docker, name)


@pytest.mark.parametrize("arguments,why", [
    (["IMAGE", "x:1"], "nothing to convert to"),
    (["--gzip", "--zstd", "IMAGE", "x:1"], "only one of"),
    (["--level", "3", "--uncompressed", "IMAGE", "x:1"], "--level needs"),
    (["--level", "10", "--gzip", "IMAGE", "x:1"], "level 10 is not between 1 and 9"),
    (["--zstd", "not-here", "x:1"], "No such image: not-here"),
    (["--zstd", "IMAGE", "X:1"], "invalid reference format"),
])
def test_mistakes(tidy, image, arguments, why):
    done = tidy.brig("image", "convert", *[image if word == "IMAGE" else word for word in arguments], check=False)
    assert done.returncode == 1 and why in done.stderr, done.stderr
    assert len(done.stderr.splitlines()) == 1
