#!/usr/bin/env python3
"""Times pulls and pushes of Brig and its peers against a docker-registry on loopback, interleaved in one run, and
prints them as ratios.

    images_bench.py BIN_DIR [ROUNDS [SHAPE...]]

The shapes: "three", of three layers with some 340 MB of this machine's own programs; "forty", of 40 small layers;
"files", of 100,000 small files; and, if named, "large", of one layer of a gigabyte that does not compress. The floor of a
pull is `igzip -dc | tar x` on the same compressed layers, one after another as they stand on each other; beside it the
same with all at once, which no image allows. Before each command what is dirty is written out, so that none pays for another's; and nothing is removed
before the end, because ext4 is slow at making files where some have just been removed. That takes some 4 GB a round."""
import contextlib
import gzip
import hashlib
import io
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time

os.environ["BRIG_BIN"] = str(pathlib.Path(sys.argv[1]).absolute())  # before conftest looks for it
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "e2e"))
from conftest import Engine  # noqa: E402
from peers import private_dockerd  # noqa: E402
from registries import docker_registry as registry  # noqa: E402

ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 5
SHAPES = sys.argv[3:] or ["three", "forty", "files"]
BUDGETS = (("pull", "docker", 1 / 3), ("pull", "igzip | tar", 1.3), ("push", "docker", 1 / 2))
AGAIN_MS, MEMORY_KB = 20, 64 << 10


def programs(limit):
    """Files of this machine, as (name, bytes), up to so many bytes: what images are made of."""
    total = 0
    for top in ("/usr/bin", "/usr/lib"):
        for path, directories, names in os.walk(top):
            directories.sort()
            for name in sorted(names):
                file = pathlib.Path(path, name)
                if file.is_symlink() or not file.is_file() or file.stat().st_size > 30 << 20:
                    continue
                total += file.stat().st_size
                if total > limit:
                    return
                yield str(file)[1:], file.read_bytes()


def layers_of(shape):
    """Lists of (name, bytes), one per layer."""
    if shape == "three":
        layers, size = [[]], 0
        for name, data in programs(340 << 20):
            if size > 113 << 20 and len(layers) < 3:
                layers.append([])
                size = 0
            size += len(data)
            layers[-1].append((name, data))
        return layers
    if shape == "forty":
        return [[(f"l{layer}/f{number}", os.urandom(8000) + bytes(8000)) for number in range(20)] for layer in range(40)]
    if shape == "large":
        piece = os.urandom(1 << 20)
        return [[(f"f{number}", piece * 64) for number in range(16)]]
    return [[(f"d{number // 200}/f{number}", b"%d\n" % number * 40) for number in range(100_000)]]


def make_layout(shape, directory):
    """An OCI layout with the image as "image"; returns the paths of its compressed layers."""
    blobs = directory / "blobs/sha256"
    blobs.mkdir(parents=True)

    def put(data, kind):
        hexed = hashlib.sha256(data).hexdigest()
        (blobs / hexed).write_bytes(data)
        return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": f"sha256:{hexed}", "size": len(data)}

    diff_ids, layers = [], []
    for files in layers_of(shape):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as tar:
            made = set()
            for name, data in files:
                for parent in list(pathlib.PurePath(name).parents)[-2::-1]:  # a layer has those it changes
                    if parent not in made:
                        made.add(parent)
                        entry = tarfile.TarInfo(str(parent))
                        entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                        tar.addfile(entry)
                entry = tarfile.TarInfo(name)
                entry.size = len(data)
                tar.addfile(entry, io.BytesIO(data))
        diff_ids.append("sha256:" + hashlib.sha256(out.getvalue()).hexdigest())
        layers.append(put(gzip.compress(out.getvalue(), 6, mtime=0), "layer.v1.tar+gzip"))
    config = put(json.dumps({"architecture": "amd64", "os": "linux", "config": {"Cmd": ["/bin/true"]},
                             "rootfs": {"type": "layers", "diff_ids": diff_ids}}).encode(), "config.v1+json")
    manifest = put(json.dumps({"schemaVersion": 2, "config": config, "layers": layers,
                               "mediaType": "application/vnd.oci.image.manifest.v1+json"}).encode(), "manifest.v1+json")
    manifest["annotations"] = {"org.opencontainers.image.ref.name": "image"}
    (directory / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [manifest]}))
    (directory / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    print(f"{shape}: {len(layers)} layers, {sum(layer['size'] for layer in layers) / 1e6:.0f} MB compressed", flush=True)
    return [blobs / layer["digest"][7:] for layer in layers]


class Brig:
    name = "brig"

    def __init__(self, work):
        self.engine = Engine(work / "brig").start()

    def pull(self, image):
        return self.engine.command("pull", "-q", image)

    def push(self, image):
        return self.engine.command("push", "-q", image)

    def tag(self, image, other):
        self.engine.brig("tag", image, other)

    def forget_peak(self):
        pathlib.Path(f"/proc/{self.engine.process.pid}/clear_refs").write_text("5")

    def peak_kb(self):
        status = pathlib.Path(f"/proc/{self.engine.process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0])

    def close(self):
        self.engine.close()


class Skopeo:
    """Moves images without unpacking them."""
    name = "skopeo"

    def __init__(self, work):
        self.place = f"oci:{work / 'skopeo'}:image"

    def pull(self, image):
        return ["skopeo", "copy", "-q", "--src-tls-verify=false", f"docker://{image}", self.place]

    def push(self, image):
        return ["skopeo", "copy", "-q", "--dest-tls-verify=false", self.place, f"docker://{image}"]

    def tag(self, image, other):
        pass


class Tool:
    """A peer that is told everything by its command line."""

    def __init__(self, name, command):
        self.name, self.command = name, command

    def pull(self, image):
        return [*self.command, *{"docker": ["pull", "-q"], "podman": ["pull", "-q", "--tls-verify=false"],
                                 "ctr": ["images", "pull", "--plain-http"]}[self.name], image]

    def push(self, image):
        return [*self.command, *{"docker": ["push", "-q"], "podman": ["push", "-q", "--tls-verify=false"],
                                 "ctr": ["images", "push", "--plain-http"]}[self.name], image]

    def tag(self, image, other):
        call([*self.command, *(["images"] if self.name == "ctr" else []), "tag", image, other])


def call(command):
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} exited with {done.returncode}: {done.stderr}")


def timed(command):
    os.sync()
    begun = time.perf_counter()
    call(command)
    return time.perf_counter() - begun


@contextlib.contextmanager
def containerd(work):
    """ctr's command on a containerd of our own, or None."""
    if not (shutil.which("containerd") and shutil.which("ctr")):
        yield None
        return
    place = work / "containerd"
    place.mkdir()
    (place / "config.toml").write_text(f'version = 2\nroot = "{place}/root"\nstate = "{place}/state"\n'
                                       f'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
                                       f'[grpc]\naddress = "{place}/sock"\n[ttrpc]\naddress = "{place}/ttrpc"\n')
    with open(place / "log", "wb") as log:
        daemon = subprocess.Popen(["containerd", "-c", place / "config.toml"], stdout=log, stderr=log)
    try:
        command = ["ctr", "-a", str(place / "sock")]
        deadline = time.monotonic() + 20
        while subprocess.run([*command, "version"], capture_output=True).returncode:
            if time.monotonic() > deadline:
                yield None
                return
            time.sleep(0.2)
        yield command
    finally:
        daemon.terminate()
        daemon.wait()


def floor(layers, target, between):
    """igzip (gzip where it is not installed) and tar, a pair per layer."""
    program = "igzip" if shutil.which("igzip") else "gzip"
    target.mkdir()
    pairs = [f"mkdir {target}/{number}; {program} -dc < {layer} | tar x -C {target}/{number} {between}"
             for number, layer in enumerate(layers)]
    return timed(["sh", "-c", "\n".join([*pairs, "wait"])])


@contextlib.contextmanager
def engines(work):
    """Everybody who is installed, with nothing pulled."""
    with contextlib.ExitStack() as stack:
        run = pathlib.Path(tempfile.mkdtemp(prefix="brig-ib"))
        stack.callback(shutil.rmtree, run, ignore_errors=True)
        brig = Brig(work)
        stack.callback(brig.close)
        tools = [brig]
        docker = stack.enter_context(private_dockerd(work / "docker", run / "docker", own_network=False))
        ctr = stack.enter_context(containerd(work))
        podman = ["podman", "--root", work / "podman", "--runroot", run / "podman", "--storage-driver", "overlay"]
        for name, command in (("docker", docker and docker()), ("ctr", ctr), ("podman", shutil.which("podman") and podman)):
            if command:
                tools.append(Tool(name, command))
            else:
                print(f"absent: {name}")
        if shutil.which("skopeo"):
            tools.append(Skopeo(work))
        yield tools


def one_round(host, shape, layers, work, note):
    image = f"{host}/bench/{shape}:1"
    with engines(work) as tools:
        note("pull", "igzip | tar", floor(layers, work / "floor", ""))
        note("pull", "igzip | tar, all layers at once", floor(layers, work / "floor-at-once", "&"))
        for tool in tools:
            if tool.name == "brig":
                tool.forget_peak()
            note("pull", tool.name, timed(tool.pull(image)))
            if tool.name == "brig":
                note("peak", tool.name, tool.peak_kb())
                for _ in range(3):
                    note("again", tool.name, timed(tool.pull(image)))
        for tool in tools:
            with registry(work / f"registry-{tool.name}") as other:
                target = f"{other}/bench/{shape}:1"
                tool.tag(image, target)
                note("push", tool.name, timed(tool.push(target)))


def measure(shape, work):
    layout = work / f"layout-{shape}"
    layers = make_layout(shape, layout)
    figures = {}

    def note(what, who, value):
        figures.setdefault((what, who), []).append(value)

    with registry(work / f"registry-{shape}") as host:
        call(["skopeo", "copy", "-q", "--dest-tls-verify=false", f"oci:{layout}:image", f"docker://{host}/bench/{shape}:1"])
        for number in range(ROUNDS):
            place = work / f"{shape}-{number}"
            place.mkdir()
            one_round(host, shape, layers, place, note)
    report(shape, figures)


def report(shape, figures):
    again, peak = figures.pop(("again", "brig")), max(figures.pop(("peak", "brig")))
    median = {key: statistics.median(values) for key, values in figures.items()}
    print(f"\n| {shape} | seconds | brig is × of it | budget |\n|---|---|---|---|")
    for (what, who), value in sorted(median.items()):
        budget = next((f"≤ {limit:.2f}" for job, peer, limit in BUDGETS if (job, peer) == (what, who)), "")
        ratio = "" if who == "brig" else f"{median[what, 'brig'] / value:.2f}"
        print(f"| {what}: {who} | {value:.3f} | {ratio} | {budget} |")
    print(f"| pull that is there | {min(again):.4f} (median {statistics.median(again):.4f}) | | ≤ {AGAIN_MS} ms |")
    print(f"| brigd's peak while pulling | {peak / 1024:.0f} MB | | ≤ {MEMORY_KB // 1024} MB |", flush=True)


def main():
    work = pathlib.Path(tempfile.mkdtemp(prefix="brig-images-bench-"))
    try:
        for shape in SHAPES:
            measure(shape, work)
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
