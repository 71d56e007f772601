"""Pruning in a loop while images are pulled, pushed, loaded, built and removed: nothing that is wanted goes, and
nothing that is not stays."""
import contextlib
import shutil
import threading

import pytest

from conftest import Engine
from made_images import MadeImage
from registries import docker_registry as registry
from store_check import Store

ROUNDS = 6
pytestmark = pytest.mark.skipif(not shutil.which("docker-registry"), reason="needs docker-registry")


class Workers:
    """Functions side by side; the first failure is told when all have ended."""

    def __init__(self):
        self.threads, self.failures, self.ending = [], [], threading.Event()

    def start(self, work):
        def body():
            try:
                work()
            except BaseException as error:  # told by join
                self.failures.append((work.__name__, error))
        self.threads.append(threading.Thread(target=body))
        self.threads[-1].start()

    def join(self):
        for thread in self.threads:
            thread.join()
        if self.failures:
            raise AssertionError("\n".join(f"{name}: {str(error)[-1200:]}" for name, error in self.failures))


def test_pruning_beside_everything(workspace, tmp_path):
    engine = Engine(workspace / "gc")
    with registry(workspace / "gc-registry") as host, contextlib.closing(engine.start()):
        engine.brig("image", "bootstrap", "busybox")
        engine.brig("create", "--name", "holder", "busybox")
        pulled = MadeImage(21, f"{host}/gc/pulled:1", layers=4, packed=True)
        engine.brig("load", "-i", pulled.write(tmp_path / "pulled.tar"))
        engine.brig("push", pulled.name)
        loaded = MadeImage(22, "gc/loaded:1", layers=4)
        loaded.write(tmp_path / "loaded.tar")
        (tmp_path / "context").mkdir()
        workers = Workers()

        def use(name):
            """A container holds it from here on; `prune` may be faster between its name and this."""
            done = engine.brig("create", "--pull", "never", name, check=False)
            if done.returncode:
                assert "No such image" in done.stderr, done.stderr
            else:
                engine.brig("cp", f"{done.stdout.strip()}:/", "-", input=b"")
                engine.brig("rm", done.stdout.strip())
            engine.brig("rmi", "-f", name, check=False)

        def pull():
            for _ in range(ROUNDS):
                engine.brig("pull", pulled.name)
                use(pulled.name)

        def load():
            for _ in range(ROUNDS):
                engine.brig("load", "-i", tmp_path / "loaded.tar")
                use(loaded.name)

        def build():
            for number in range(ROUNDS):
                (tmp_path / "context/Dockerfile").write_text(
                    f"FROM busybox\nRUN echo {number} > /a && head -c 100000 /dev/urandom > /b\nCOPY Dockerfile /c\n"
                    "RUN cat /c /a > /d\n")
                engine.brig("build", "-t", "gc/built:1", tmp_path / "context")
                use("gc/built:1")

        def push():
            for number in range(ROUNDS):
                made = MadeImage(30 + number, f"{host}/gc/pushed:{number}")
                engine.brig("load", "-i", made.write(tmp_path / "pushed.tar"))
                done = engine.brig("push", made.name, check=False)  # or it was pruned before the push began
                assert not done.returncode or "does not exist locally" in done.stderr, done.stderr

        def prune():
            while not workers.ending.is_set():
                engine.brig("image", "prune", "-af")

        for work in (pull, load, build, push):
            workers.start(work)
        pruner = Workers()
        pruner.ending = workers.ending
        pruner.start(prune)
        try:
            workers.join()
        finally:
            workers.ending.set()
            pruner.join()
        store = Store(engine.root)
        assert not store.problems()
        engine.brig("image", "prune", "-af")
        store = Store(engine.root)
        assert not store.problems() and not store.rubbish()
        assert list(store.names) == ["docker.io/library/busybox:latest"]
