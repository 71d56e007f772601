"""Images made here, of any shape, as archives in the form of `docker save`: reproducible from a seed."""
import gzip
import hashlib
import io
import json
import random
import tarfile


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def layer(generator, files, size, prefix):
    """A tar of `files` files of `size` bytes, half of each random, so that it compresses like programs do."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for number in range(files):
            entry = tarfile.TarInfo(f"{prefix}/f{number}")
            data = generator.randbytes(size // 2) + bytes(size - size // 2)
            entry.size, entry.mode = len(data), 0o644
            tar.addfile(entry, io.BytesIO(data))
    return out.getvalue()


class MadeImage:
    """`layers` layers of `files` files each; `name` is what `load` calls it. Layers are gzipped where `packed`."""

    def __init__(self, seed, name, layers=3, files=8, size=64 * 1024, packed=False):
        generator = random.Random(seed)
        self.name = name
        tars = [layer(generator, files, size, f"s{seed}/l{number}") for number in range(layers)]
        self.diff_ids = [digest(tar) for tar in tars]
        self.blobs = [gzip.compress(tar, 1, mtime=0) if packed else tar for tar in tars]
        config = {"architecture": "amd64", "os": "linux", "config": {"Cmd": ["/bin/true"]},
                  "created": "2026-01-01T00:00:00Z", "rootfs": {"type": "layers", "diff_ids": self.diff_ids},
                  "history": [{"created_by": f"layer {number}"} for number in range(layers)]}
        self.config = json.dumps(config).encode()
        self.id = digest(self.config)

    def write(self, path):
        files = {f"blobs/sha256/{digest(blob)[7:]}": blob for blob in [self.config, *self.blobs]}
        manifest = [{"Config": f"blobs/sha256/{self.id[7:]}", "RepoTags": [self.name],
                     "Layers": [f"blobs/sha256/{digest(blob)[7:]}" for blob in self.blobs]}]
        files["manifest.json"] = json.dumps(manifest).encode()
        with tarfile.open(path, "w") as tar:
            for name, data in files.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(data)
                tar.addfile(entry, io.BytesIO(data))
        return path
