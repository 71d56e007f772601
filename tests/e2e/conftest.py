"""Fixtures of the end-to-end suite: a private engine with its own root, run directory, bridge and
table, a base image, and the check that nothing is left behind. Binaries come from $BRIG_BIN."""
import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

import pytest

SOURCE = pathlib.Path(__file__).parents[2]
BIN = pathlib.Path(os.environ.get("BRIG_BIN", SOURCE / "build/dev/bin")).absolute()
ENDPOINTS_IN_ADVANCE = 4  # brigd keeps a few ready, as descriptors of its own
CONTAINER_CGROUP = re.compile(r"[0-9a-f]{64}")


def pytest_collection_modifyitems(items):
    if os.geteuid() != 0:
        for item in items:
            item.add_marker(pytest.mark.skip(reason="needs root: containers are made for real"))


def docker_client():
    """The real docker client, or None: $BRIG_DOCKER, else the one in PATH."""
    return os.environ.get("BRIG_DOCKER") or shutil.which("docker")


def wait_for(condition, seconds=10.0, what="condition"):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        result = condition()
        if result:
            return result
        time.sleep(0.02)
    raise AssertionError(f"{what} did not come true within {seconds} s")


class Engine:
    """One brigd on its own paths; `brig` and `docker` talk to it."""

    serial = 0

    def __init__(self, base_dir, *extra, wrapper=()):
        Engine.serial += 1
        tag = f"{os.getpid() % 10000}{Engine.serial}"
        self.dir = pathlib.Path(base_dir)
        self.root = self.dir / "root"
        self.run_dir = self.dir / "run"
        self.bridge = f"brt{tag}"
        self.table = f"brigtest{tag}"
        self.subnet = f"172.{20 + Engine.serial % 10}.{os.getpid() % 250}.0/24"
        self.extra = list(extra)
        self.wrapper = list(wrapper)
        self.log = self.dir / "brigd.log"
        self.process = None
        self.dir.mkdir(parents=True, exist_ok=True)

    @property
    def host(self):
        return f"unix://{self.run_dir}/brig.sock"

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [*self.wrapper, BIN / "brigd", "--root", self.root, "--run", self.run_dir, "--bridge", self.bridge,
                 "--subnet", self.subnet, "--nft-table", self.table, *self.extra],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, env=self.env())

        def ready():
            if self.process.poll() is not None:
                raise AssertionError(f"brigd exited with {self.process.returncode}:\n{self.log.read_text()}")
            return self.brig("version", check=False).returncode == 0
        wait_for(ready, 20, "brigd answering")
        return self

    def env(self):
        return {**os.environ, "DOCKER_HOST": self.host, "BRIG_HOST": self.host, "DOCKER_BUILDKIT": "0",
                "DOCKER_CLI_HINTS": "false", "ASAN_OPTIONS": "quarantine_size_mb=1:malloc_context_size=8"}

    def command(self, *args):
        return [str(BIN / "brig"), "-H", self.host, *map(str, args)]

    def brig(self, *args, check=True, input=None, timeout=60, cwd=None):
        """Runs `brig ARGS`; stdout and stderr as text, stripped of nothing."""
        return self._run(self.command(*args), check, input, timeout, cwd)

    def docker(self, *args, check=True, input=None, timeout=60, cwd=None):
        return self._run([docker_client(), *map(str, args)], check, input, timeout, cwd)

    def _run(self, argv, check, input, timeout, cwd):
        binary = isinstance(input, bytes)
        done = subprocess.run(argv, env=self.env(), input=input, timeout=timeout, cwd=cwd,
                              stdin=subprocess.DEVNULL if input is None else None,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=not binary)
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(argv)} exited with {done.returncode}\nstdout: {done.stdout}\n"
                                 f"stderr: {done.stderr}\nbrigd: {self.log.read_text()[-4000:]}")
        return done

    def kill9(self):
        """The daemon dies without a chance to tidy up; the shim and the containers stay."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill9()
                raise AssertionError("brigd did not stop on SIGTERM")

    def remove_everything(self):
        for name in self.brig("ps", "-aq", check=False).stdout.split():
            self.brig("rm", "-f", "-v", name, check=False)

    def shim_pids(self):
        return pids_mentioning(f"{self.run_dir}", program="brig-shim")

    def close(self):
        """Stops what this engine started: containers, daemon, shim. A daemon that died is started again for it."""
        try:
            if self.process and self.process.poll() not in (None, 0):
                self.start()
            if self.process and self.process.poll() is None:
                self.remove_everything()
                self.stop()
        finally:
            for pid in self.shim_pids():
                try:
                    os.kill(pid, signal.SIGTERM)
                    wait_for(lambda: not pathlib.Path(f"/proc/{pid}").exists(), 5, "brig-shim stopping")
                except (ProcessLookupError, AssertionError):
                    if pathlib.Path(f"/proc/{pid}").exists():
                        os.kill(pid, signal.SIGKILL)
            subprocess.run(["ip", "link", "delete", self.bridge], stderr=subprocess.DEVNULL)
            for family in ("ip", "ip6"):
                subprocess.run(["nft", "delete", "table", family, self.table], stderr=subprocess.DEVNULL)


def pids_mentioning(text, program):
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if command and program in os.path.basename(command[0].decode(errors="replace")) and any(
                    text in part.decode(errors="replace") for part in command):
                found.append(int(entry.name))
    return found


def leftovers(engine):
    """What containers of `engine` left on the host: mounts, interfaces, namespaces, cgroups."""
    found = []
    for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
        if str(engine.dir) in line and "/netns/pool-" not in line and not line.split()[4].endswith("/netns"):
            found.append("mount " + line)
    found += [f"netns {entry}" for entry in (engine.run_dir / "netns").glob("*")]
    links = interfaces(engine)
    if len(links) > ENDPOINTS_IN_ADVANCE:
        found += ["interface " + line for line in links]
    tasks = engine.run_dir / "tasks"
    if tasks.is_dir():
        found += [f"task {entry}" for entry in tasks.iterdir()]
    return found


def interfaces(engine):
    shown = subprocess.run(["ip", "-o", "link", "show", "master", engine.bridge], capture_output=True, text=True)
    return shown.stdout.splitlines()


def container_cgroups():
    return {path for path, dirs, files in os.walk("/sys/fs/cgroup") if CONTAINER_CGROUP.search(path)}


@pytest.fixture(scope="session")
def workspace():
    directory = tempfile.mkdtemp(prefix="brig-e2e-")
    yield pathlib.Path(directory)
    shutil.rmtree(directory, ignore_errors=True)


@contextlib.contextmanager
def running(made):
    """Starts the engine and gives it the image `busybox`; at the end nothing of its containers may be left."""
    cgroups_before = container_cgroups()
    try:
        made.start()
        made.brig("image", "bootstrap", "busybox")
        yield made
        made.remove_everything()
        wait_for(lambda: not leftovers(made), 5, f"clean host (left: {leftovers(made)})")
        wait_for(lambda: container_cgroups() <= cgroups_before, 5, "no cgroup left behind")
        left = container_cgroups() - cgroups_before
        assert not left, f"cgroups left behind: {left}"
        made.stop()
        assert not list((made.run_dir / "netns").glob("*")) and not interfaces(made), "the pool goes with the engine"
        assert not pathlib.Path("/sys/class/net", made.bridge).exists(), "so does the bridge"
        tables = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True).stdout
        assert made.table not in tables.split(), "and the table"
    finally:
        made.close()
    if b"ERROR: AddressSanitizer" in made.log.read_bytes() or b"runtime error:" in made.log.read_bytes():
        raise AssertionError(f"sanitizer report in brigd:\n{made.log.read_text()[-8000:]}")


@pytest.fixture(scope="module")
def engine(workspace, request):
    with running(Engine(workspace / request.module.__name__)) as made:
        yield made


@pytest.fixture
def tidy(engine):
    """Removes every container a test left, so that tests do not see each other."""
    yield engine
    engine.remove_everything()


@pytest.fixture
def private_config(tmp_path, monkeypatch):
    """Where the clients of this test keep passwords."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    return tmp_path / "docker" / "config.json"
