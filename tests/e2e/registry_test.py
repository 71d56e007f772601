"""Images to and from Debian's docker-registry on loopback: plain, with passwords, with TLS."""
import base64
import contextlib
import http.server
import json
import os
import shutil
import subprocess
import threading
import urllib.parse

import pytest

from conftest import docker_client

from registries import DOCKER_REGISTRY, certificate, docker_registry, forget, image_id, push_web
from terminal import Terminal

pytestmark = [pytest.mark.skipif(not DOCKER_REGISTRY, reason="needs docker-registry"),
              pytest.mark.usefixtures("private_config")]


@pytest.fixture(scope="module")
def plain(workspace):
    with docker_registry(workspace / "registry-plain") as host:
        yield host


@pytest.fixture(scope="module")
def pushed(engine, plain):
    return push_web(engine, plain)


@pytest.fixture
def image(engine, pushed):
    """The image, and here."""
    engine.brig("pull", "-q", pushed)
    return pushed


def test_push_and_pull_again(tidy, image, plain):
    again = tidy.brig("push", image).stdout
    assert again.count("Layer already exists") == 2 and "1: digest: sha256:" in again
    before = image_id(tidy, image)
    forget(tidy, before)
    done = tidy.brig("pull", image)
    assert f"Pulling from {plain}/lib/web" in done.stdout
    assert f"Status: Downloaded newer image for {image}" in done.stdout and done.stdout.endswith(f"{image}\n")
    assert image_id(tidy, image) == before
    assert tidy.brig("run", "--rm", "--net", "none", image).stdout == "hello\n"
    assert f"Image is up to date for {image}" in tidy.brig("pull", image).stdout
    assert tidy.brig("pull", "-q", image).stdout == f"{image}\n"


def test_by_digest(tidy, image, plain):
    tidy.brig("pull", image)
    digests = json.loads(tidy.brig("image", "inspect", "--format", "{{json .RepoDigests}}", image).stdout)
    by_digest = next(d for d in digests if d.startswith(plain))
    forget(tidy, image_id(tidy, image))
    assert by_digest.split("@")[1] in tidy.brig("pull", by_digest).stdout
    assert tidy.brig("run", "--rm", "--net", "none", by_digest).stdout == "hello\n"
    # With a tag beside it, the digest decides.
    forget(tidy, image_id(tidy, by_digest))
    name, digest = by_digest.split("@")
    assert digest in tidy.brig("pull", f"{name}:none@{digest}").stdout
    assert tidy.brig("run", "--rm", "--net", "none", f"{name}:other@{digest}").stdout == "hello\n"


def test_progress(tidy, image):
    """In place on a terminal, and as lines that are all of them final elsewhere."""
    forget(tidy, image_id(tidy, image))
    plain = tidy.brig("pull", image).stdout
    assert plain.count(": Pull complete\n") == 2 and plain.count(": Pulling fs layer\n") == 2
    assert "\x1b" not in plain and "\r" not in plain and "[=" not in plain
    forget(tidy, image_id(tidy, image))
    with Terminal(tidy.command("pull", image), env=tidy.env()) as terminal:
        shown = terminal.expect("Status: Downloaded newer image")
    assert "\x1b[2K" in shown and "[==" in shown and shown.count("Pull complete") == 2
    assert shown.count("\n") <= plain.count("\n"), "a line per layer, not one per step"


def test_run_and_build_pull_what_is_missing(tidy, image, tmp_path):
    forget(tidy, image_id(tidy, image))
    done = tidy.brig("run", "--rm", "--net", "none", "--pull", "never", image, check=False)
    assert done.returncode == 125 and "No such image" in done.stderr
    done = tidy.brig("run", "--rm", "--net", "none", image)
    assert done.stdout == "hello\n" and "Unable to find image" in done.stderr and "Pull complete" in done.stderr
    forget(tidy, image_id(tidy, image))
    (tmp_path / "Dockerfile").write_text(f"FROM {image}\nRUN test -f /greeting\n")
    tidy.brig("build", "-t", "onpulled", tmp_path)
    forget(tidy, "onpulled")
    tidy.brig("run", "--rm", "--net", "none", "--pull", "always", "-q", image)


def test_what_is_not_there(tidy, image, plain):
    done = tidy.brig("pull", f"{plain}/lib/web:none", check=False)
    assert done.returncode == 1
    assert f"manifest for {plain}/lib/web:none not found: manifest unknown: manifest unknown" in done.stderr
    done = tidy.brig("push", f"{plain}/not/here:1", check=False)
    assert done.returncode == 1 and f"does not exist locally with the tag: {plain}/not/here" in done.stderr
    done = tidy.brig("pull", "127.0.0.1:1/x", check=False)
    assert done.returncode == 1 and "127.0.0.1:1" in done.stderr


def test_all_tags(tidy, image, plain):
    for tag in ("2", "3"):
        tidy.brig("tag", image, f"{plain}/lib/many:{tag}")
    pushed = tidy.brig("push", "-a", f"{plain}/lib/many").stdout
    assert "2: digest" in pushed and "3: digest" in pushed and "Mounted from lib/web" in pushed or "exists" in pushed
    forget(tidy, f"{plain}/lib/many:2", f"{plain}/lib/many:3")
    tidy.brig("pull", "-a", f"{plain}/lib/many")
    for tag in ("2", "3"):
        assert image_id(tidy, f"{plain}/lib/many:{tag}") == image_id(tidy, image)
    forget(tidy, f"{plain}/lib/many:2", f"{plain}/lib/many:3")


def test_passwords(tidy, image, workspace, private_config):
    with docker_registry(workspace / "registry-auth", password="secret") as host:
        name = f"{host}/web"
        tidy.brig("tag", image, name)
        refused = tidy.brig("push", name, check=False)
        assert refused.returncode == 1 and "no basic auth credentials" in refused.stderr
        wrong = tidy.brig("login", "-u", "user", "--password-stdin", host, input="wrong\n", check=False)
        assert wrong.returncode == 1 and "unauthorized" in wrong.stderr
        assert not private_config.exists()
        done = tidy.brig("login", "-u", "user", "--password-stdin", host, input="secret\n")
        assert done.stdout == "Login Succeeded\n" and "stored unencrypted" in done.stderr
        stored = json.loads(private_config.read_text())["auths"][host]["auth"]
        assert base64.b64decode(stored) == b"user:secret"
        assert private_config.stat().st_mode & 0o777 == 0o600
        tidy.brig("push", name)
        forget(tidy, name)
        tidy.brig("pull", name)
        assert tidy.brig("logout", host).stdout == f"Removing login credentials for {host}\n"
        refused = tidy.brig("pull", name, check=False)
        assert refused.returncode == 1 and "no basic auth credentials" in refused.stderr
        forget(tidy, name)


def credential_helper(directory, name):
    """A docker-credential-NAME that keeps one login, and the file with the verbs it was asked."""
    program = directory / "bin" / f"docker-credential-{name}"
    program.parent.mkdir(exist_ok=True)
    kept, asked = directory / f"{name}.kept", directory / f"{name}.asked"
    program.write_text(f"""#!/bin/sh
echo $1 >> {asked}
case $1 in
store) cat > {kept} ;;
get) [ -f {kept} ] || {{ echo credentials not found; exit 1; }}; cat {kept} ;;
erase) rm {kept} ;;
esac
""")
    program.chmod(0o755)
    return kept, asked


@pytest.fixture
def helpers(tmp_path, monkeypatch, private_config):
    """Makes credential helpers that can be found."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    private_config.parent.mkdir()
    return lambda name: credential_helper(tmp_path, name)


def test_credential_helper(tidy, image, workspace, private_config, helpers):
    kept, _ = helpers("test")
    private_config.write_text('{"credsStore": "test", "HttpHeaders": {"kept": "yes"}}')
    with docker_registry(workspace / "registry-helper", password="secret") as host:
        tidy.brig("login", "-u", "user", "--password-stdin", host, input="secret")
        assert "secret" not in private_config.read_text() and "kept" in private_config.read_text()
        tidy.brig("tag", image, f"{host}/web")
        tidy.brig("push", f"{host}/web")
        tidy.brig("logout", host)
        assert not kept.exists()
        forget(tidy, f"{host}/web")


def test_a_registry_with_a_helper_of_its_own(tidy, image, plain, workspace, private_config, helpers):
    """credHelpers: one registry's is asked for it, and the store of all others is not."""
    own_kept, _ = helpers("own")
    kept, asked = helpers("all")
    with docker_registry(workspace / "registry-own-helper", password="secret") as host:
        private_config.write_text(json.dumps({"credsStore": "all", "credHelpers": {host: "own"}}))
        tidy.brig("login", "-u", "user", "--password-stdin", host, input="secret")
        assert json.loads(own_kept.read_text()) == {"ServerURL": host, "Username": "user", "Secret": "secret"}
        assert "secret" not in private_config.read_text()
        tidy.brig("tag", image, f"{host}/web")
        tidy.brig("push", f"{host}/web")
        assert not asked.exists() and not kept.exists()
        tidy.brig("pull", image)  # of another registry
        assert asked.read_text() == "get\n"
        tidy.brig("logout", host)
        assert not own_kept.exists() and asked.read_text() == "get\n"
        refused = tidy.brig("push", f"{host}/web", check=False)
        assert refused.returncode == 1 and "no basic auth credentials" in refused.stderr
        forget(tidy, f"{host}/web")


class TokenServer(http.server.BaseHTTPRequestHandler):
    """A registry that has nothing, and whose tokens are bought with a password once, and then with what that gave."""

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        if url.path == "/token":
            return self.sell("GET", url.query)
        if self.headers.get("Authorization") != "Bearer good":
            realm = f'Bearer realm="http://{self.headers["Host"]}/token",service="tests"'
            return self.answer(401, {}, {"WWW-Authenticate": realm})
        if url.path == "/v2/":
            return self.answer(200, {})
        self.answer(404, {"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]})

    def do_POST(self):
        self.sell("POST", self.rfile.read(int(self.headers["Content-Length"])).decode())

    def sell(self, method, text):
        asked = dict(urllib.parse.parse_qsl(text))
        self.server.sold.append((method, asked))
        if method == "POST" and asked.get("refresh_token") == "fresh":
            return self.answer(200, {"access_token": "good"})
        if self.headers.get("Authorization") != "Basic " + base64.b64encode(b"user:secret").decode():
            return self.answer(401, {"details": "incorrect username or password"})
        self.answer(200, {"token": "good"} | ({"refresh_token": "fresh"} if asked.get("offline_token") else {}))

    def answer(self, status, document, headers={}):
        body = json.dumps(document).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def test_identity_tokens(tidy, private_config, helpers):
    """What a login gives for the password is kept instead of it, in the file or by a helper."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), TokenServer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        server.sold = []
        host = f"127.0.0.1:{server.server_port}"
        wrong = tidy.brig("login", "-u", "user", "--password-stdin", host, input="wrong", check=False)
        assert wrong.returncode == 1 and "incorrect username or password" in wrong.stderr
        kept, _ = helpers("tokens")
        for config in ({}, {"credHelpers": {host: "tokens"}}):
            private_config.write_text(json.dumps(config))
            tidy.brig("login", "-u", "user", "--password-stdin", host, input="secret")
            if config:
                assert json.loads(kept.read_text()) == {"ServerURL": host, "Username": "<token>", "Secret": "fresh"}
            else:
                entry = json.loads(private_config.read_text())["auths"][host]
                assert entry["identitytoken"] == "fresh" and base64.b64decode(entry["auth"]) == b"user:"
            server.sold.clear()
            # Who has no token is told of that, and not that there is no such image.
            pulled = tidy.brig("pull", f"{host}/lib/none", check=False)
            assert pulled.returncode == 1 and "manifest unknown" in pulled.stderr
            assert {(method, asked["grant_type"], asked["refresh_token"], asked["scope"])
                    for method, asked in server.sold} == {
                        ("POST", "refresh_token", "fresh", "repository:lib/none:pull")}
        server.shutdown()


def test_tls(tidy, image, workspace):
    # Loopback may have any certificate, as with docker.
    with docker_registry(workspace / "registry-tls", tls=certificate(workspace / "tls")) as host:
        tidy.brig("tag", image, f"{host}/web")
        tidy.brig("push", f"{host}/web")
        forget(tidy, f"{host}/web")
        tidy.brig("pull", f"{host}/web")
        forget(tidy, f"{host}/web")


@pytest.mark.skipif(not docker_client(), reason="needs the docker client")
def test_docker_client(tidy, image, plain, workspace):
    name = f"{plain}/lib/docker:1"
    tidy.docker("tag", image, name)
    assert "1: digest: sha256:" in tidy.docker("push", name).stdout
    tidy.docker("rmi", name)
    pulled = tidy.docker("pull", name).stdout
    assert f"Status: Downloaded newer image for {name}" in pulled
    missing = tidy.docker("pull", f"{plain}/lib/docker:2", check=False)
    assert missing.returncode == 1 and "manifest unknown" in missing.stderr
    with docker_registry(workspace / "registry-docker", password="secret") as host:
        assert "Login Succeeded" in tidy.docker("login", "-u", "user", "--password-stdin", host, input="secret").stdout
        bad = tidy.docker("login", "-u", "user", "--password-stdin", host, input="bad", check=False)
        assert bad.returncode == 1
        tidy.docker("tag", image, f"{host}/web")
        tidy.docker("push", f"{host}/web")
        forget(tidy, f"{host}/web")


def test_docker_py(tidy, image, plain):
    docker = pytest.importorskip("docker", reason="needs the Python package docker")
    client = docker.DockerClient(base_url=tidy.host)
    name = f"{plain}/lib/py"
    client.images.get(image).tag(name, "1")
    assert any("aux" in line for line in client.images.push(name, "1", stream=True, decode=True))
    forget(tidy, f"{name}:1")
    assert f"{name}:1" in client.images.pull(name, "1").tags
    found = client.images.get_registry_data(f"{name}:1")
    assert found.id.startswith("sha256:") and found.has_platform("linux")
    with pytest.raises(docker.errors.NotFound):
        client.images.pull(name, "none")
    client.close()


@pytest.mark.skipif(not shutil.which("skopeo"), reason="needs skopeo")
def test_skopeo(tidy, image, plain, tmp_path):
    """What Brig pushes others read, and Brig reads theirs: docker's types, OCI's, zstd."""
    def skopeo(*args):
        subprocess.run(["skopeo", *args], check=True, capture_output=True)
    skopeo("copy", "--src-tls-verify=false", f"docker://{image}", f"oci:{tmp_path}/layout:1")
    for kind, options in {"v2s2": ["--format", "v2s2"], "oci": ["--format", "oci"],
                          "zstd": ["--format", "oci", "--dest-compress-format", "zstd", "--dest-compress"]}.items():
        name = f"{plain}/lib/{kind}:1"
        skopeo("copy", "--dest-tls-verify=false", *options, f"oci:{tmp_path}/layout:1", f"docker://{name}")
        forget(tidy, image_id(tidy, image))
        tidy.brig("pull", name)
        assert tidy.brig("run", "--rm", "--net", "none", name).stdout == "hello\n"
        forget(tidy, name)
        tidy.brig("pull", image)


def test_killed_while_pulling(tidy, image):
    """Whatever the moment, the next start needs no hand and the next pull succeeds."""
    for delay in (0.0, 0.02, 0.05, 0.1, 0.2):
        forget(tidy, image_id(tidy, image))
        pull = subprocess.Popen(tidy.command("pull", image), env=tidy.env(), stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            pull.wait(delay)
        tidy.kill9()
        pull.wait(20)
        tidy.start()
        tidy.brig("pull", image)
        assert tidy.brig("run", "--rm", "--net", "none", image).stdout == "hello\n"
