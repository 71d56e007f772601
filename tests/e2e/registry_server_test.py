"""`brig registry serve` on loopback: our client, docker's, skopeo; TLS, passwords, garbage, kill -9."""
import base64
import hashlib
import json
import shutil
import signal
import subprocess

import pytest

from conftest import BIN, docker_client
from registries import certificate, forget, push_web, serving, users

pytestmark = pytest.mark.usefixtures("private_config")
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


@pytest.fixture(scope="module")
def registry(workspace):
    with serving(workspace / "served") as made:
        yield made


@pytest.fixture(scope="module")
def image(engine, registry):
    return push_web(engine, registry.host)


def test_push_and_pull(tidy, image, registry):
    again = tidy.brig("push", image).stdout
    assert again.count("Layer already exists") == 2
    forget(tidy, image)
    assert "Downloaded newer image" in tidy.brig("pull", image).stdout
    assert tidy.brig("run", "--rm", "--net", "none", image).stdout == "hello\n"
    other = f"{registry.host}/lib/other:2"
    tidy.brig("tag", image, other)
    assert "Mounted from lib/web" in tidy.brig("push", other).stdout
    tidy.brig("pull", "-a", f"{registry.host}/lib/other")
    forget(tidy, other)
    missing = tidy.brig("pull", f"{registry.host}/lib/web:none", check=False)
    assert missing.returncode == 1 and "manifest unknown" in missing.stderr.lower() or "not found" in missing.stderr
    # The blobs are an image layout that others read, and each is there once.
    blobs = list((registry.root / "blobs/sha256").iterdir())
    assert all(hashlib.sha256(blob.read_bytes()).hexdigest() == blob.name for blob in blobs)


@pytest.mark.skipif(not docker_client(), reason="needs the docker client")
def test_docker_client(tidy, image, registry):
    name = f"{registry.host}/lib/docker:1"
    tidy.docker("tag", image, name)
    assert "1: digest: sha256:" in tidy.docker("push", name).stdout
    tidy.docker("rmi", name)
    assert "Downloaded newer image" in tidy.docker("pull", name).stdout
    forget(tidy, name)


@pytest.mark.skipif(not shutil.which("skopeo"), reason="needs skopeo")
def test_skopeo(tidy, image, registry, tmp_path):
    def skopeo(*args):
        return subprocess.run(["skopeo", *args], check=True, capture_output=True, text=True).stdout
    skopeo("copy", "--src-tls-verify=false", f"docker://{image}", f"oci:{tmp_path}/layout:1")
    for kind in ("v2s2", "oci"):
        name = f"{registry.host}/skopeo/{kind}:1"
        skopeo("copy", "--dest-tls-verify=false", "--format", kind, f"oci:{tmp_path}/layout:1", f"docker://{name}")
        tidy.brig("pull", name)
        assert tidy.brig("run", "--rm", "--net", "none", name).stdout == "hello\n"
        forget(tidy, name)
    tags = json.loads(skopeo("list-tags", "--tls-verify=false", f"docker://{registry.host}/skopeo/oci"))["Tags"]
    assert tags == ["1"]
    skopeo("delete", "--tls-verify=false", f"docker://{registry.host}/skopeo/oci:1")
    tidy.brig("pull", image)


def test_an_upload_survives_kill9(registry):
    session = registry.call("POST", "/v2/killed/blobs/uploads/")[1]["Location"]
    assert registry.call("PATCH", session, b"hello ", {"Content-Range": "0-5"})[0] == 202
    registry.stop(signal.SIGKILL)
    registry.start()
    status, headers, _ = registry.call("GET", session)
    assert status == 204 and headers["Range"] == "0-5"
    digest = "sha256:" + hashlib.sha256(b"hello world").hexdigest()
    assert registry.call("PUT", f"{session}?digest={digest}", b"world")[0] == 201
    assert registry.call("GET", f"/v2/killed/blobs/{digest}", headers={"Range": "bytes=6-"})[2] == b"world"


def test_garbage_collection(registry, image):
    digest = "sha256:" + hashlib.sha256(b"garbage").hexdigest()
    assert registry.call("POST", f"/v2/gc/blobs/uploads/?digest={digest}", b"garbage")[0] == 201
    blob = registry.root / "blobs/sha256" / digest[7:]

    def gc(*options):
        return subprocess.run([BIN / "brig", "registry", "gc", "--root", registry.root, *options], check=True,
                              capture_output=True, text=True).stdout
    assert gc().startswith("0 bytes") and blob.exists()
    assert "7 bytes" in gc("--grace", "0s") or not blob.exists()
    assert registry.call("HEAD", f"/v2/gc/blobs/{digest}")[0] == 404
    assert registry.call("GET", "/v2/lib/web/manifests/1")[0] == 200


def test_passwords_and_tls(tidy, image, workspace):
    directory = workspace / "secure"
    cert, key = certificate(directory)
    passwords = users(directory / "users", "secret", bcrypt=False)
    with serving(directory / "data", "--tls-cert", cert, "--tls-key", key, "--htpasswd", passwords) as made:
        assert made.url.startswith("https://")
        name = f"{made.host}/web"
        tidy.brig("tag", image, name)
        assert "no basic auth credentials" in tidy.brig("push", name, check=False).stderr
        tidy.brig("login", "-u", "user", "--password-stdin", made.host, input="secret")
        tidy.brig("push", name)
        forget(tidy, name)
        tidy.brig("pull", name)
        forget(tidy, name)


def test_exposure_is_said_in_words(tmp_path):
    done = subprocess.run([BIN / "brig", "registry", "serve", "--listen", "0.0.0.0:0", "--root", tmp_path / "r"],
                          capture_output=True, text=True)
    assert done.returncode == 1 and "--tls-cert" in done.stderr and "--insecure" in done.stderr


def test_standard_input_and_output(registry, image):
    """As SSH uses it: one connection, kept alive, that ends with its input."""
    request = b"GET /v2/lib/web/tags/list HTTP/1.1\r\nHost: x\r\n\r\n"
    done = subprocess.run([BIN / "brig", "registry", "serve", "--stdio", "--root", registry.root], input=request * 2,
                          capture_output=True, timeout=20)
    assert done.returncode == 0 and done.stdout.count(b'{"name":"lib/web","tags":["1"]}') == 2, done


def test_looking_into_a_registry(tidy, image, registry):
    host = registry.host
    tidy.brig("tag", image, f"{host}/look/a:1")
    tidy.brig("push", f"{host}/look/a:1")
    assert f"{host}/look/a" in tidy.brig("registry", "ls", host).stdout.splitlines()
    assert tidy.brig("registry", "ls", f"{host}/look/a").stdout == f"{host}/look/a:1\n"
    found = tidy.brig("search", f"{host}/loo").stdout.splitlines()
    assert found[0].split() == ["NAME", "DESCRIPTION", "STARS", "OFFICIAL"] and found[1].split()[0] == f"{host}/look/a"
    assert len(found) == 2
    for filters, lines in ((("stars=0",), 2), (("stars=1",), 1), (("stars=0", "stars=1"), 1), (("is-automated=1",), 1),
                           (("is-official=false", "is-automated=false"), 2)):
        options = [word for one in filters for word in ("--filter", one)]
        assert len(tidy.brig("search", *options, f"{host}/loo").stdout.splitlines()) == lines
    assert tidy.brig("search", "--filter", "bad=1", f"{host}/loo", check=False).stderr.endswith("invalid filter 'bad'\n")
    for nonsense in ("is-official=maybe", "stars=many"):  # whether something is found or not
        refused = tidy.brig("search", "--filter", nonsense, f"{host}/nothing-like-it", check=False)
        assert refused.returncode == 1 and f"invalid filter '{nonsense[:6]}" in refused.stderr
    inspected = json.loads(tidy.brig("manifest", "inspect", f"{host}/look/a:1").stdout)
    assert inspected["schemaVersion"] == 2 and inspected["layers"]
    assert tidy.brig("registry", "rm", f"{host}/look/a:1").stdout == f"{host}/look/a:1\n"
    gone = tidy.brig("manifest", "inspect", f"{host}/look/a:1", check=False)
    assert gone.returncode == 1
    unnamed = tidy.brig("registry", "rm", f"{host}/look/a", check=False)
    assert unnamed.returncode == 1 and "neither tag nor digest" in unnamed.stderr
    forget(tidy, f"{host}/look/a:1")


def test_images_of_one_repository(tidy, image, registry):
    """An image with several names is listed under the one that was asked for."""
    tidy.brig("tag", image, "onlythis:1")
    shown = tidy.brig("images", "--format", "{{.Repository}}:{{.Tag}}", "onlythis").stdout.split()
    assert shown == ["onlythis:1"]
    forget(tidy, "onlythis:1")


def test_manifest_list(tidy, image, registry):
    repository = f"{registry.host}/lib/list"
    for tag in ("amd64", "other"):
        made = tidy.brig("build", "-q", "-t", f"{repository}:{tag}", "-", input=f"FROM {image}\nLABEL for={tag}\n")
        assert made.returncode == 0
        tidy.brig("push", f"{repository}:{tag}")
    name = f"{repository}:all"
    tidy.brig("manifest", "create", name, f"{repository}:amd64", f"{repository}:other")
    assert tidy.brig("manifest", "create", name, f"{repository}:amd64", check=False).returncode == 1
    tidy.brig("manifest", "annotate", name, f"{repository}:other", "--os", "freebsd", "--arch", "arm64",
              "--variant", "v8", "--os-version", "14.3", "--os-features", "one", "--os-features", "two")
    draft = json.loads(tidy.brig("manifest", "inspect", name).stdout)
    assert [member["platform"]["os"] for member in draft["manifests"]] == ["linux", "freebsd"]
    digest = tidy.brig("manifest", "push", "-p", name).stdout.strip()
    assert digest.startswith("sha256:")
    index = json.loads(tidy.brig("manifest", "inspect", name).stdout)
    platforms = [member["platform"]["os"] for member in index["manifests"]]
    assert platforms == ["linux", "freebsd"] and index == draft
    assert index["manifests"][1]["platform"] == {"os": "freebsd", "architecture": "arm64", "variant": "v8",
                                                 "os.version": "14.3", "os.features": ["one", "two"]}
    verbose = json.loads(tidy.brig("manifest", "inspect", "-v", name).stdout)
    assert [one["Descriptor"]["digest"] for one in verbose] == [one["digest"] for one in index["manifests"]]
    assert all(base64.b64decode(one["Raw"]) and one["OCIManifest"]["layers"] for one in verbose)
    single = json.loads(tidy.brig("manifest", "inspect", "-v", f"{repository}:other").stdout)
    assert single["Descriptor"]["digest"] == index["manifests"][1]["digest"]
    tidy.brig("pull", name)
    assert tidy.brig("image", "inspect", "-f", "{{.Config.Labels.for}}", name).stdout.strip() == "amd64"
    forget(tidy, name, f"{repository}:amd64", f"{repository}:other")


def test_manifest_list_across_repositories(tidy, image, registry):
    """Members come along from other repositories of the registry, by what the list's own can have mounted."""
    members = [f"{registry.host}/across/{system}:1" for system in ("amd64", "arm64")]
    for name in members:
        tidy.brig("build", "-q", "-t", name, "-", input=f"FROM {image}\nLABEL for={name}\n")
        tidy.brig("push", name)
    name = f"{registry.host}/across/all:1"
    tidy.brig("manifest", "create", name, *members)
    tidy.brig("manifest", "annotate", name, members[1], "--arch", "arm64")
    digest = tidy.brig("manifest", "push", "-p", name).stdout.strip()
    status, _, index = registry.call("GET", f"/v2/across/all/manifests/{digest}")
    assert status == 200 and b"brig.source" not in index
    for member in json.loads(index)["manifests"]:
        status, _, manifest = registry.call("GET", f"/v2/across/all/manifests/{member['digest']}")
        assert status == 200
        for blob in [json.loads(manifest)["config"], *json.loads(manifest)["layers"]]:
            assert registry.call("HEAD", f"/v2/across/all/blobs/{blob['digest']}")[0] == 200
    forget(tidy, *members)
    tidy.brig("pull", name)
    assert tidy.brig("image", "inspect", "-f", "{{.Config.Labels.for}}", name).stdout.strip() == members[0]
    forget(tidy, name)
    refused = tidy.brig("manifest", "create", "elsewhere.test/x:1", members[0], check=False)
    assert refused.returncode == 1 and "different registry than the target image" in refused.stderr


def test_referrers(tidy, image, registry):
    status, headers, manifest = registry.call("GET", "/v2/lib/web/manifests/1", headers={"Accept": "*/*"})
    subject = {"mediaType": headers["Content-Type"], "digest": headers["Docker-Content-Digest"], "size": len(manifest)}
    empty = "sha256:" + hashlib.sha256(b"{}").hexdigest()
    registry.call("POST", f"/v2/lib/web/blobs/uploads/?digest={empty}", b"{}")
    described = {"mediaType": "application/vnd.oci.empty.v1+json", "digest": empty, "size": 2}
    referrer = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "artifactType": "text/sbom", "config": described,
                           "layers": [described], "subject": subject}).encode()
    digest = "sha256:" + hashlib.sha256(referrer).hexdigest()
    assert registry.call("PUT", f"/v2/lib/web/manifests/{digest}", referrer, {"Content-Type": MANIFEST})[0] == 201
    shown = json.loads(tidy.brig("image", "inspect", "--referrers", image).stdout)
    assert [(r["digest"], r["artifactType"]) for r in shown[0]["Referrers"]] == [(digest, "text/sbom")]


def test_build_with_credentials(tidy, image, workspace):
    with serving(workspace / "private", "--htpasswd", users(workspace / "build-users", "secret")) as made:
        name = f"{made.host}/base"
        tidy.brig("tag", image, name)
        tidy.brig("login", "-u", "user", "--password-stdin", made.host, input="secret")
        tidy.brig("push", name)
        forget(tidy, name)
        built = tidy.brig("build", "-t", "onprivate", "-", input=f"FROM {name}\nLABEL x=y\n")
        assert "Downloaded newer image" in built.stdout + built.stderr
        forget(tidy, "onprivate", name)
        tidy.brig("logout", made.host)
        refused = tidy.brig("build", "-t", "onprivate", "-", input=f"FROM {name}\nLABEL x=z\n", check=False)
        assert refused.returncode != 0
