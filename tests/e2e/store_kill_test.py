"""kill -9 of brigd at random moments of pull, push, commit, load and prune, from a fixed seed: the next start needs
no hand, nothing that is referenced is missing, nothing unreferenced stays after a prune, and a second pull does
not fetch again what the first had brought. `make test` kills some times, `make soak` 500 times."""
import json
import os
import random
import re
import shutil
import subprocess
import time
import urllib.request

import pytest

from conftest import Engine, wait_for
from made_images import MadeImage, digest
from registries import docker_registry as registry
from store_check import Store

KILLS = int(os.environ.get("BRIG_STORE_KILLS", "15"))
SEED = int(os.environ.get("BRIG_STORE_SEED", "2026"))
OPERATIONS = ("pull", "push", "commit", "load", "prune")
pytestmark = [pytest.mark.skipif(not shutil.which("docker-registry"), reason="needs docker-registry"),
              pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]


class Campaign:
    """One engine, one registry, and the operations of which each can be cut off and done again."""

    def __init__(self, directory, host, engine):
        self.directory, self.host, self.engine = directory, host, engine
        self.random = random.Random(SEED)
        self.turn = 0
        self.seconds = {}
        self.fetched_from = 0
        self.reused = 0
        self.pulled = MadeImage(1, f"{host}/kill/pulled:1", layers=6, packed=True)
        engine.brig("load", "-i", self.pulled.write(directory / "pulled.tar"))
        engine.brig("push", self.pulled.name)
        engine.brig("rmi", self.pulled.name)
        engine.brig("image", "bootstrap", "busybox")
        engine.brig("create", "--name", "writer", "busybox")

    # Each prepares what it needs and returns the command to be cut off.
    def pull(self):
        self.engine.brig("rmi", "-f", self.pulled.name, check=False)
        if self.turn % 2:
            self.engine.brig("image", "prune", "-f")  # or what the last try left is there already
        return ["pull", self.pulled.name]

    def fresh_image(self, kind):
        made = MadeImage(1000 + self.turn, f"{self.host}/kill/{kind}:{self.turn}")
        made.write(self.directory / "fresh.tar")
        return made

    def load(self):
        self.current = self.fresh_image("load")
        return ["load", "-i", self.directory / "fresh.tar"]

    def push(self):
        self.current = self.fresh_image("push")
        self.engine.brig("load", "-i", self.directory / "fresh.tar")
        return ["push", self.current.name]

    def commit(self):
        content = self.directory / "content"
        content.mkdir(exist_ok=True)
        for number in range(20):
            (content / f"f{number}").write_bytes(self.random.randbytes(40_000))
        self.engine.brig("cp", f"{content}/.", f"writer:/turn{self.turn % 3}")
        return ["commit", "writer", f"committed:{self.turn}"]

    def prune(self):
        for number in range(2):
            made = MadeImage(5000 + self.turn * 2 + number, f"prune/{number}:1", files=30, size=8192)
            self.engine.brig("load", "-i", made.write(self.directory / "fresh.tar"))
        return ["image", "prune", "-af"]

    # What holds after the operation was done again.
    def pull_done(self):
        assert self.engine.brig("image", "inspect", "-f", "{{.Id}}", self.pulled.name).stdout.strip() == self.pulled.id

    def load_done(self):
        assert self.engine.brig("image", "inspect", "-f", "{{.Id}}", self.current.name).stdout.strip() == \
            self.current.id

    def push_done(self):
        repository, tag = self.current.name.removeprefix(self.host + "/").split(":")
        request = urllib.request.Request(f"http://{self.host}/v2/{repository}/manifests/{tag}", headers={
            "Accept": "application/vnd.oci.image.manifest.v1+json"})
        manifest = json.load(urllib.request.urlopen(request))
        assert manifest["config"]["digest"] == self.current.id
        for blob in manifest["layers"]:
            data = urllib.request.urlopen(f"http://{self.host}/v2/{repository}/blobs/{blob['digest']}").read()
            assert digest(data) == blob["digest"]

    def commit_done(self):
        self.engine.brig("image", "inspect", f"committed:{self.turn}")

    def prune_done(self):
        assert f"{self.host}/kill/pulled" not in self.engine.brig("images").stdout

    def store(self):
        return Store(self.engine.root)

    def blobs_fetched(self):
        """Since the last call, by the registry's own account."""
        log = (self.directory / "registry/log").read_text()
        new, self.fetched_from = log[self.fetched_from:], len(log)
        return re.findall(r'"GET /v2/kill/pulled/blobs/sha256:([0-9a-f]{64})', new)

    def measure(self, operation):
        command = getattr(self, operation)()
        begun = time.monotonic()
        self.engine.brig(*command)
        self.seconds[operation] = time.monotonic() - begun
        getattr(self, operation + "_done")()
        self.turn += 1

    def kill(self, operation):
        """One operation, cut off, looked at, and done again."""
        command = getattr(self, operation)()
        delay = self.random.uniform(0, self.seconds[operation] * 1.05)
        client = subprocess.Popen(self.engine.command(*command), env=self.engine.env(), stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)
        time.sleep(delay)
        self.engine.kill9()
        client.wait(30)
        where = f"kill {self.turn} (seed {SEED}): {operation} after {delay:.3f} s of {self.seconds[operation]:.3f}"
        before = self.store().blobs if operation == "pull" else {}
        self.engine.start()
        problems = self.store().problems()
        assert not problems, f"{where}: {problems}"
        self.blobs_fetched()
        self.engine.brig(*command)
        getattr(self, operation + "_done")()
        if operation == "pull":
            again = set(self.blobs_fetched()) & set(before)
            assert not again, f"{where}: fetched again: {again}"
            self.reused += len({digest(blob)[7:] for blob in self.pulled.blobs} & set(before))
        problems = self.store().problems()
        assert not problems, f"{where}, done again: {problems}"
        if self.turn % 5 == 4:
            self.expect_clean(where)
        self.turn += 1

    def expect_clean(self, where):
        self.engine.brig("image", "prune", "-af")
        store = self.store()
        assert not store.problems() and not store.rubbish(), f"{where}, pruned: {store.problems()} {store.rubbish()}"


@pytest.mark.parametrize("driver", ["overlay", "copy"])
def test_killed_at_any_moment(workspace, driver):
    kills = KILLS if driver == "overlay" else max(5, KILLS // 10)
    directory = workspace / f"kills-{driver}"
    directory.mkdir()
    engine = Engine(directory / "engine", "--snapshotter", driver)
    with registry(directory / "registry") as host:
        try:
            campaign = Campaign(directory, host, engine.start())
            campaign.store = lambda: Store(engine.root, driver)
            for operation in OPERATIONS:
                campaign.measure(operation)
            for _ in range(kills):
                campaign.kill(campaign.random.choice(OPERATIONS))
            engine.brig("rm", "-f", "writer")
            campaign.expect_clean("at the end")
            assert not campaign.store().blobs and not campaign.store().snapshots
            print(f"{driver}: {kills} kills, {campaign.reused} layers not fetched again")
        finally:
            engine.close()
    assert b"AddressSanitizer" not in engine.log.read_bytes()
