"""How a registry is reached: by mirrors, through proxies, with certificates."""
import base64
import contextlib
import http.client
import http.server
import json
import shutil
import socket
import ssl
import threading
import urllib.parse

import pytest

from conftest import Engine
from registries import DOCKER_REGISTRY, certificate, docker_registry, forget, serving, users

pytestmark = pytest.mark.usefixtures("private_config")


@contextlib.contextmanager
def engine_with(directory, config=""):
    """An engine whose brigd.toml, with certs.d beside it, is the test's."""
    (directory / "certs.d").mkdir(parents=True)
    (directory / "brigd.toml").write_text(config)
    made = Engine(directory, "--config", directory / "brigd.toml")
    try:
        yield made.start()
    finally:
        made.close()
    log = made.log.read_text()
    assert "AddressSanitizer" not in log and "runtime error:" not in log, log


class Proxy:
    """A proxy that knows names nobody else does: all of them are on loopback."""

    def __init__(self):
        self.asked = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self.serve, args=[self.listener.accept()[0]], daemon=True).start()

    def serve(self, client):
        with client, contextlib.suppress(OSError):
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += client.recv(1) or b"\r\n\r\n"
            method, target, _ = head.decode().split("\r\n")[0].split(" ")
            self.asked.append((method, target))
            if method == "CONNECT":
                self.tunnel(client, int(target.rsplit(":")[-1]))
            else:
                self.forward(client, method, urllib.parse.urlsplit(target), head)

    @staticmethod
    def tunnel(client, port):
        with socket.create_connection(("127.0.0.1", port)) as server:
            client.sendall(b"HTTP/1.1 200 Connected\r\nProxy-Says: hello\r\n\r\n")

            def pump(source, sink):
                with contextlib.suppress(OSError):
                    while data := source.recv(65536):
                        sink.sendall(data)
                    sink.shutdown(socket.SHUT_WR)
            there = threading.Thread(target=pump, args=[client, server])
            there.start()
            pump(server, client)
            there.join()

    @staticmethod
    def forward(client, method, url, head):
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:] if line)
        connection = http.client.HTTPConnection("127.0.0.1", url.port)
        connection.request(method, url.path, headers=fields)
        reply = connection.getresponse()
        body = reply.read()
        kept = "".join(f"{name}: {value}\r\n" for name, value in reply.getheaders() if name != "Connection")
        client.sendall(f"HTTP/1.1 {reply.status} X\r\nConnection: close\r\n{kept}\r\n".encode() + body)

    def names(self):
        return {target.split("//")[-1].split("/")[0] for _, target in self.asked}

    def close(self):
        self.listener.close()


@pytest.fixture
def proxy(monkeypatch):
    made = Proxy()
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    yield made
    made.close()


def push_busybox(engine, name):
    engine.brig("tag", "busybox", name)
    engine.brig("push", name)
    forget(engine, name)


def test_mirrors(engine, workspace):
    """The registry has a password, which its mirrors are not to see."""
    with contextlib.ExitStack() as stack:
        secret = stack.enter_context(serving(workspace / "mirrored", "--htpasswd", users(workspace / "mu", "secret")))
        near = stack.enter_context(serving(workspace / "mirror"))
        empty = stack.enter_context(serving(workspace / "mirror-empty"))
        engine.brig("login", "-u", "user", "--password-stdin", secret.host, input="secret")
        web = f"{secret.host}/web"
        push_busybox(engine, web)
        push_busybox(engine, f"{near.host}/copies/web")
        other = stack.enter_context(engine_with(workspace / "mirrors", f"""
insecure-registries = ["10.0.0.0/8"]
[[registry]]
location = "{secret.host}"
[[registry.mirror]]
location = "127.0.0.1:1"
[[registry.mirror]]
location = "{empty.host}"
[[registry.mirror]]
location = "{near.host}/copies"
insecure = true
"""))
        known = json.loads(other.brig("info", "-f", "{{json .RegistryConfig.IndexConfigs}}").stdout)[secret.host]
        assert known["Mirrors"][1:] == [f"https://{empty.host}/", f"http://{near.host}/copies/"] and known["Secure"]
        networks = other.brig("info", "-f", "{{json .RegistryConfig.InsecureRegistryCIDRs}}").stdout
        assert json.loads(networks)[-1] == "10.0.0.0/8"
        secret.stop()
        assert "Downloaded newer image" in other.brig("pull", web).stdout
        assert other.brig("run", "--rm", "--net", "none", web, "echo", "hello").stdout == "hello\n"
        forget(other, web)
        secret.start()
        near.stop()
        assert "Downloaded newer image" in other.brig("pull", web).stdout
        assert f"mirror {near.host} of {secret.host} is not asked any more" in other.log.read_text()
        assert "Layer already exists" in other.brig("push", web).stdout


def test_proxies(engine, workspace, proxy, monkeypatch):
    directory = workspace / "proxied"
    cert, key = certificate(workspace / "proxied-tls", "safe.test")
    with serving(workspace / "proxied-plain") as plain, \
            serving(workspace / "proxied-safe", "--tls-cert", cert, "--tls-key", key) as safe:
        push_busybox(engine, f"{plain.host}/web")
        push_busybox(engine, f"{safe.host}/web")
        port = {"plain": plain.host.split(":")[1], "safe": safe.host.split(":")[1]}
        monkeypatch.setenv("HTTP_PROXY", f"http://{proxy.host}")
        monkeypatch.setenv("https_proxy", proxy.host)
        monkeypatch.setenv("NO_PROXY", "elsewhere.test,.direct.test")
        with engine_with(directory, f'insecure-registries = ["plain.test:{port["plain"]}"]\n') as other:
            certs = directory / "certs.d" / f"safe.test:{port['safe']}"
            certs.mkdir()
            shutil.copy(cert, certs / "ca.crt")
            assert "Downloaded newer" in other.brig("pull", f"safe.test:{port['safe']}/web").stdout
            assert proxy.names() == {f"safe.test:{port['safe']}"}
            assert {method for method, _ in proxy.asked} == {"CONNECT"}
            proxy.asked.clear()
            assert "Image is up to date" in other.brig("pull", f"safe.test:{port['safe']}/web").stdout
            other.brig("pull", f"plain.test:{port['plain']}/web")
            assert proxy.names() >= {f"plain.test:{port['plain']}"} and "GET" in dict(proxy.asked)
            proxy.asked.clear()
            other.brig("pull", f"{plain.host}/web")
            assert not proxy.asked, "loopback is never behind a proxy"
            assert other.brig("info", "-f", "{{.HttpProxy}}").stdout == f"http://{proxy.host}\n"
            refused = other.brig("pull", f"x.direct.test:{port['safe']}/web", check=False)
            assert refused.returncode == 1 and "resolve" in refused.stderr and not proxy.asked


@pytest.mark.skipif(not DOCKER_REGISTRY, reason="needs docker-registry")
def test_certificates(engine, workspace):
    """A registry that asks for a client's certificate and has one that only certs.d makes good."""
    directory = workspace / "certified"
    cert, key = certificate(workspace / "certified-server")
    mine, mine_key = certificate(workspace / "certified-client", "client")
    with docker_registry(workspace / "certified-registry", tls=(cert, key), client_authority=mine) as host, \
            engine_with(directory) as other:
        certs = directory / "certs.d" / host
        name = f"{host}/web"
        other.brig("image", "bootstrap", "busybox", "--tag", name)
        refused = other.brig("push", name, check=False)
        assert refused.returncode == 1 and "certificate" in refused.stderr
        certs.mkdir()
        shutil.copy(mine, certs / "client.cert")
        shutil.copy(mine_key, certs / "client.key")
        shutil.copy(cert, certs / "ca.crt")
        other.brig("push", name)
        forget(other, name)
        assert "Downloaded newer" in other.brig("pull", name).stdout
        # An authority that is named is the only one, for loopback too.
        shutil.copy(mine, certs / "ca.crt")
        refused = other.brig("pull", name, check=False)
        assert refused.returncode == 1 and "certificate" in refused.stderr


class Recorder(http.server.BaseHTTPRequestHandler):
    """Answers what the server's `reply` says, and remembers what it was asked."""

    def do_GET(self):
        self.server.asked.append((self.path, self.headers.get("Authorization")))
        status, headers = self.server.reply(self.path)
        self.send_response(status)
        for name, value in {"Content-Length": "0", **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    do_POST = do_HEAD = do_GET

    def log_message(self, *args):
        pass


@contextlib.contextmanager
def recording(reply, tls=None):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Recorder) as server:
        server.asked, server.reply = [], reply
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_cve_2014_5277_nothing_goes_unencrypted(engine, workspace):
    """Names that lead to loopback and are not those that may be insecure: neither a registry that has no TLS, nor one
    that sends elsewhere, for a blob or for a token, gets a request in the clear."""
    tls = certificate(workspace / "encrypted", "safe.localhost")
    with recording(lambda path: (200, {})) as plain, engine_with(workspace / "unencrypted") as other:
        there = f"plain.localhost:{plain.server_port}"
        ways = {f"http://{there}/v2/x": "redirects to", f"http://{there}/token": "wants credentials sent to"}

        def reply(path):
            if path == "/v2/" or way.endswith("/token"):
                return 401, {"WWW-Authenticate": f'Bearer realm="{way}"' if way.endswith("/token") else "Basic"}
            return 307, {"Location": way}
        with recording(reply, tls) as safe:
            host = f"safe.localhost:{safe.server_port}"
            directory = workspace / "unencrypted" / "certs.d" / host
            directory.mkdir()
            shutil.copy(tls[0], directory / "ca.crt")
            for way, words in ways.items():
                # Logins are the client's; the engine has none of its own.
                auth = base64.b64encode(b"user:secret").decode()
                config = workspace / "unencrypted-docker"
                config.mkdir(exist_ok=True)
                (config / "config.json").write_text(json.dumps({"auths": {host: {"auth": auth}}}))
                with pytest.MonkeyPatch.context() as patch:
                    patch.setenv("DOCKER_CONFIG", str(config))
                    refused = other.brig("pull", f"{host}/web", check=False)
                assert refused.returncode == 1 and words in refused.stderr, refused.stderr
                assert "without encryption" in refused.stderr
            assert safe.asked
        refused = other.brig("pull", f"{there}/web", check=False)
        assert refused.returncode == 1 and "https://" in refused.stderr
        assert not plain.asked
