"""Registries on loopback for the end-to-end suite, and an image to push to them."""
import contextlib
import crypt
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess

from conftest import BIN, wait_for

DOCKER_REGISTRY = shutil.which("docker-registry")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True


def certificate(directory, name="localhost"):
    """A certificate that signs itself, for `name` and loopback, and its key."""
    directory.mkdir(parents=True, exist_ok=True)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", f"/CN={name}",
                    "-addext", f"subjectAltName=DNS:{name},IP:127.0.0.1", "-keyout", directory / "key", "-out",
                    directory / "cert"], check=True, stderr=subprocess.DEVNULL)
    return directory / "cert", directory / "key"


def users(file, password, bcrypt=True):
    """An htpasswd file with one user, called `user`."""
    salt = crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16) if bcrypt else crypt.mksalt(crypt.METHOD_SHA512)
    file.write_text(f"user:{crypt.crypt(password, salt)}\n")
    return file


@contextlib.contextmanager
def docker_registry(directory, password=None, tls=None, client_authority=None):
    """Debian's docker-registry; yields its "HOST:PORT". `tls` is a certificate and its key."""
    directory.mkdir()
    port = free_port()
    config = {"version": "0.1", "log": {"level": "warn"},
              "storage": {"filesystem": {"rootdirectory": str(directory / "data")}, "delete": {"enabled": True}},
              "http": {"addr": f"127.0.0.1:{port}"}}
    if password:
        config["auth"] = {"htpasswd": {"realm": "test", "path": str(users(directory / "htpasswd", password))}}
    if tls:
        config["http"]["tls"] = {"certificate": str(tls[0]), "key": str(tls[1])}
    if client_authority:
        config["http"]["tls"]["clientcas"] = [str(client_authority)]
    (directory / "config.yml").write_text(json.dumps(config))
    with open(directory / "log", "wb") as log:
        process = subprocess.Popen([DOCKER_REGISTRY, "serve", directory / "config.yml"], stdout=log, stderr=log,
                                   env={**os.environ, "OTEL_TRACES_EXPORTER": "none"})
    try:
        wait_for(lambda: answers(port), 15, "docker-registry answering")
        yield f"127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


class Registry:
    """A `brig registry serve`."""

    def __init__(self, root, *options, address="127.0.0.1:0"):
        self.root, self.options, self.address = root, options, address
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [BIN / "brig", "registry", "serve", "--listen", self.address, "--root", self.root, *map(str, self.options)],
            stdout=subprocess.PIPE, stderr=open(f"{self.root}.log", "ab"), text=True)
        line = self.process.stdout.readline()
        assert " serves on http" in line, line
        self.url = line.split()[-1]
        self.host = self.url.split("//")[1]
        self.address = self.host  # the same one, should it start again

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(20)

    def call(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection(self.host, timeout=20)
        connection.request(method, path, body, headers or {})
        reply = connection.getresponse()
        return reply.status, dict(reply.getheaders()), reply.read()


@contextlib.contextmanager
def serving(root, *options):
    registry = Registry(root, *options)
    try:
        yield registry
    finally:
        if registry.process.poll() is None:
            assert registry.stop() == 0
        log = open(f"{root}.log").read()
        assert "AddressSanitizer" not in log and "runtime error" not in log, log


def push_web(engine, host):
    """An image of two layers, one of them stored uncompressed here, pushed as HOST/lib/web:1; prints hello."""
    name = f"{host}/lib/web:1"
    engine.brig("build", "-t", name, "-", input="FROM busybox\nRUN echo hello > /greeting\nCMD cat /greeting\n")
    engine.brig("push", name)
    return name


def image_id(engine, name):
    return engine.brig("image", "inspect", "--format", "{{.Id}}", name).stdout.strip()


def forget(engine, *names):
    for name in names:
        engine.brig("rmi", "-f", name, check=False)
