"""Images by SSH, through an sshd of our own on loopback."""
import getpass
import os
import pathlib
import shutil
import subprocess

import pytest

from conftest import BIN, Engine, wait_for
from registries import answers, forget, free_port

SSHD = shutil.which("sshd") or "/usr/sbin/sshd"
pytestmark = pytest.mark.skipif(not os.path.exists(SSHD) or not shutil.which("ssh"),
                                reason="needs openssh-server and openssh-client")


class Sshd:
    def __init__(self, directory):
        self.dir, self.port = directory, free_port()
        directory.mkdir(mode=0o700)
        for key in ("host", "client", "reader", "writer"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", directory / key], check=True)
        self.keys = directory / "authorized_keys"
        self.allow("client")
        (directory / "sshd_config").write_text(f"""
Port {self.port}
ListenAddress 127.0.0.1
HostKey {directory}/host
PidFile {directory}/pid
AuthorizedKeysFile {self.keys}
PasswordAuthentication no
PermitRootLogin yes
StrictModes no
UsePAM no
SetEnv PATH={BIN}:/usr/bin:/bin
""")
        for key in ("client", "reader", "writer"):
            (directory / f"config-{key}").write_text(f"""
Host *
  IdentityFile {directory}/{key}
  IdentitiesOnly yes
  StrictHostKeyChecking accept-new
  UserKnownHostsFile {directory}/known_hosts
""")
        os.makedirs("/run/sshd", mode=0o755, exist_ok=True)  # what the daemon separates privileges with
        self.log = open(directory / "log", "ab")
        self.process = subprocess.Popen([SSHD, "-D", "-e", "-f", directory / "sshd_config"], stderr=self.log)
        wait_for(lambda: answers(self.port), 15, "sshd answering")

    def allow(self, key, options=""):
        line = f"{options} {(self.dir / f'{key}.pub').read_text()}".lstrip()
        with open(self.keys, "a") as keys:
            keys.write(line)

    def name(self, path):
        return f"ssh://{getpass.getuser()}@127.0.0.1:{self.port}{path}"

    def close(self):
        self.process.terminate()
        self.process.wait(10)
        self.log.close()


@pytest.fixture(scope="module")
def sshd(workspace):
    made = Sshd(workspace / "sshd")
    yield made
    made.close()


def engine_with(workspace, sshd, key):
    made = Engine(workspace / f"ssh-{key}", "--ssh-command", f"ssh -F {sshd.dir}/config-{key}")
    made.start()
    return made


@pytest.fixture(scope="module")
def engine(workspace, sshd):
    made = engine_with(workspace, sshd, "client")
    try:
        made.brig("image", "bootstrap", "busybox", "--tag", "app:1")
        yield made
    finally:
        made.close()
    assert b"AddressSanitizer" not in made.log.read_bytes() and b"runtime error:" not in made.log.read_bytes()


def sessions(sshd):
    shown = subprocess.run(["pgrep", "-ax", "ssh"], capture_output=True, text=True).stdout
    return [line for line in shown.splitlines() if str(sshd.dir) in line]


def test_push_and_pull(engine, sshd, workspace):
    root = workspace / "by-ssh"
    name = sshd.name(f"{root}/app:1")
    pushed = engine.brig("push", name).stdout
    assert "1: digest: sha256:" in pushed and "Pushed" in pushed
    assert "Layer already exists" in engine.brig("push", name).stdout
    assert (root / "repositories/app").is_dir()
    forget(engine, "app:1")
    pulled = engine.brig("pull", name).stdout
    assert "Downloaded newer image for app:1" in pulled
    assert engine.brig("run", "--rm", "--net", "none", "app:1", "echo", "hello").stdout == "hello\n"
    assert "Image is up to date" in engine.brig("pull", name).stdout
    # A name with slashes of its own.
    engine.brig("tag", "app:1", "team/app:2")
    engine.brig("push", sshd.name(f"{root}//team/app:2"))
    forget(engine, "team/app:2")
    engine.brig("pull", sshd.name(f"{root}//team/app:2"))
    assert (root / "repositories/team/app").is_dir()
    forget(engine, "team/app:2")
    wait_for(lambda: not sessions(sshd), 10, "ssh ending with its command")


def test_looking_and_removing(engine, sshd, workspace):
    root = workspace / "looked-at"
    here = sshd.name(str(root))
    for name in ("app:1", "app:2", "team/tool:1"):
        engine.brig("tag", "app:1", name)
        engine.brig("push", f"{here}//{name}")
    found = engine.brig("search", f"{here}//ool").stdout.splitlines()
    assert len(found) == 2 and found[1].split()[0] == f"{here}//team/tool"
    assert engine.brig("registry", "ls", f"{here}/").stdout.split() == [f"{here}//app", f"{here}//team/tool"]
    assert engine.brig("registry", "ls", f"{here}/app").stdout.split() == [f"{here}/app:1", f"{here}/app:2"]
    assert engine.brig("registry", "ls", f"{here}//team/tool").stdout == f"{here}//team/tool:1\n"
    assert '"schemaVersion": 2' in engine.brig("manifest", "inspect", f"{here}/app:1").stdout
    assert engine.brig("registry", "rm", f"{here}/app:1", f"{here}//team/tool:1").stdout.count("\n") == 2
    assert engine.brig("registry", "ls", f"{here}/app").stdout.split() == [f"{here}/app:2"]
    gone = engine.brig("pull", f"{here}/app:1", check=False)
    assert gone.returncode == 1 and "not found" in gone.stderr
    missing = engine.brig("registry", "rm", f"{here}/app:9", check=False)
    assert missing.returncode == 1 and len(missing.stderr.splitlines()) == 1
    forget(engine, "app:2", "team/tool:1")


def test_what_is_not_there(engine, sshd, workspace):
    done = engine.brig("pull", sshd.name(f"{workspace}/by-ssh/app:none"), check=False)
    assert done.returncode == 1 and "manifest for app:none not found" in done.stderr
    done = engine.brig("pull", f"ssh://127.0.0.1:{free_port()}/x/app", check=False)
    assert done.returncode == 1 and "Connection refused" in done.stderr and len(done.stderr.splitlines()) == 1
    for bad in ("ssh://-oProxyCommand=x/y/z", "ssh://host", "ssh://host/UPPER", "ssh://ho st/x/y"):
        done = engine.brig("pull", bad, check=False)
        assert done.returncode == 1 and "invalid name" in done.stderr, bad


def test_no_brig_there(engine, sshd, workspace):
    config = sshd.dir / "sshd_config"
    other = Sshd(workspace / "sshd-bare")
    try:
        other.process.terminate()
        other.process.wait()
        text = (other.dir / "sshd_config").read_text().replace(f"PATH={BIN}:", "PATH=")
        (other.dir / "sshd_config").write_text(text)
        shutil.copy(sshd.keys, other.keys)
        other.process = subprocess.Popen([SSHD, "-D", "-e", "-f", other.dir / "sshd_config"], stderr=other.log)
        wait_for(lambda: answers(other.port), 15, "sshd answering")
        for command in (["pull", other.name("/srv/app")], ["push", other.name("/srv/app:1")],
                        ["search", other.name("/srv//app")], ["registry", "ls", other.name("/srv/")],
                        ["registry", "rm", other.name("/srv/app:1")]):
            done = engine.brig(*command, check=False)
            assert done.returncode == 1 and "127.0.0.1 has no brig: install it there" in done.stderr, command
            assert len(done.stderr.splitlines()) == 1, done.stderr
    finally:
        other.close()


def test_keys_that_are_confined(engine, sshd, workspace):
    root = workspace / "confined"
    for repository in ("mine", "theirs"):
        engine.brig("tag", "app:1", f"{repository}:1")
        engine.brig("push", sshd.name(f"{root}/{repository}:1"))
    serve = f"brig registry serve --stdio --root {root} --repository mine"
    sshd.allow("reader", f'command="{serve} --read-only",restrict')
    sshd.allow("writer", f'command="{serve}",restrict')
    for key in ("reader", "writer"):
        other = engine_with(workspace, sshd, key)
        try:
            # The directory that the client asks for does not matter: the command is the key's own.
            other.brig("pull", sshd.name("/elsewhere/mine:1"))
            refused = other.brig("pull", sshd.name(f"{root}/theirs:1"), check=False)
            assert refused.returncode == 1 and "denied" in refused.stderr
            other.brig("tag", "mine:1", "theirs:2")
            assert other.brig("push", sshd.name(f"{root}/theirs:2"), check=False).returncode == 1
            other.brig("tag", "mine:1", "mine:2")
            pushed = other.brig("push", sshd.name(f"{root}/mine:2"), check=False)
            assert pushed.returncode == (0 if key == "writer" else 1), pushed.stderr
            if key == "reader":
                assert "read-only" in pushed.stderr or "denied" in pushed.stderr
        finally:
            other.close()
    assert not list(pathlib.Path(root, "repositories/theirs").glob("**/2@"))
    forget(engine, "mine:1", "theirs:1")
