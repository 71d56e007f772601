"""OCI bundles and images around busybox-static, and brig-runtime run on them."""
import io
import json
import os
import pathlib
import shutil
import subprocess
import tarfile
import uuid

from conftest import BIN

RUNTIME = BIN / "brig-runtime"
BUSYBOX = pathlib.Path("/bin/busybox")
PROGRAMS = ("sh", "true", "false", "cat", "echo", "env", "id", "sleep", "tty", "pwd", "ls", "grep", "test")


def image_tar(path):
    """A root file system as a tar that `podman import` and its like take."""
    with tarfile.open(path, "w") as tar:
        for name in ("bin", "etc", "tmp", "proc", "sys", "dev", "run"):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
        tar.add(BUSYBOX, "bin/busybox")
        for name in PROGRAMS:
            entry = tarfile.TarInfo(f"bin/{name}")
            entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(entry)
        for name, text in (("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"), ("etc/group", "root:x:0:\n")):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(text), 0o644
            tar.addfile(entry, io.BytesIO(text.encode()))
    return path


class Bundle:
    """A bundle with a state root of its own; whatever runs in it ends with the test."""

    def __init__(self, directory, *args, docker=True):
        self.dir = pathlib.Path(directory)
        self.id = f"t{uuid.uuid4().hex[:10]}"
        self.rootfs = self.dir / "rootfs"
        self.rootfs.mkdir(parents=True)
        (self.dir / "state").mkdir()
        with tarfile.open(image_tar(self.dir / "rootfs.tar")) as tar:
            tar.extractall(self.rootfs)
        self.run("spec", *(["--docker"] if docker else []), "--bundle", self.dir)
        if args:
            self.change(lambda config: config["process"].update(args=list(args), terminal=False))

    def change(self, edit):
        path = self.dir / "config.json"
        config = json.loads(path.read_text())
        edit(config)
        path.write_text(json.dumps(config))

    def command(self, *words):
        return [str(RUNTIME), "--root", str(self.dir / "state"), *map(str, words)]

    def run(self, *words, check=True, **options):
        """`brig-runtime WORDS` to its end. A detached container holds what it inherits, so its
        output goes to files."""
        out, err = self.dir / "out", self.dir / "err"
        with open(out, "w+") as o, open(err, "w+") as e:
            done = subprocess.run(self.command(*words), stdin=options.pop("stdin", subprocess.DEVNULL), stdout=o,
                                  stderr=e, timeout=60, cwd=self.dir, **options)
        done.stdout, done.stderr = out.read_text(), err.read_text()
        if check and done.returncode != 0:
            raise AssertionError(f"brig-runtime {words} exited with {done.returncode}: {done.stderr}")
        return done

    def state(self):
        return json.loads(self.run("state", self.id).stdout)

    def remove(self):
        if (self.dir / "state").is_dir():
            for name in self.run("list", "-q", check=False).stdout.split():
                self.run("delete", "--force", name, check=False)


def missing():
    """Why containers cannot be made here, or None."""
    if os.geteuid() != 0:
        return "needs root"
    if not BUSYBOX.exists() or not RUNTIME.exists():
        return "needs busybox-static and brig-runtime"
    return None


def need(*programs):
    """The first of these programs that is not here, as a reason to skip, or None."""
    absent = [program for program in programs if not shutil.which(program)]
    return f"{absent[0]} is not installed" if absent else missing()
