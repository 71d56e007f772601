"""What an engine's store says and what lies on its disk, side by side: `problems` is what is referenced and
missing or damaged, `rubbish` what nothing refers to. Reads the files and the database, not the engine's word."""
import hashlib
import json
import pathlib
import re
import shutil
import sqlite3
import tempfile


class Store:
    """The store below an engine's root as it is at this moment."""

    def __init__(self, root, driver="overlay"):
        self.content = pathlib.Path(root) / "content"
        self.snapshots_dir = pathlib.Path(root) / "snapshots" / driver
        self.blobs = {path.name: path for path in (self.content / "blobs/sha256").iterdir()}
        self.snapshots, self.strange = self._read_snapshots()
        self.wanted = {}      # blob → what refers to it
        self.manifests = {}   # image → manifest, as far as they can be read
        self.chains = {}      # snapshot key → what refers to it
        self.names = {}
        self.faults = []
        with tempfile.TemporaryDirectory() as copy:  # the engine lets nobody else open it
            for file in pathlib.Path(root).glob("meta.db*"):
                shutil.copy(file, copy)
            database = sqlite3.connect(f"{copy}/meta.db")
            self._read_images(database)
            self._read_containers(database)
            database.close()

    def _read_snapshots(self):
        found, strange = {}, []
        for entry in self.snapshots_dir.iterdir():
            try:
                kind, key, parent, _, end = (entry / "meta").read_text().split("\n")[:5]
                assert entry.name.isdigit() and end == "end"
                found[key] = {"id": entry.name, "kind": kind, "parent": parent, "path": entry}
            except (OSError, ValueError, AssertionError):
                strange.append(str(entry))
        return found, strange

    def _document(self, hexed, user):
        self.wanted[hexed] = user
        try:
            return json.loads(self.blobs[hexed].read_bytes())
        except (KeyError, OSError, ValueError) as error:
            self.faults.append(f"{user}: document {hexed} cannot be read: {error!r}")

    def _read_images(self, database):
        ids = set()
        for image, manifest in database.execute("SELECT id, manifest FROM images"):
            ids.add(image)
            document, config = self._document(manifest[7:], image), self._document(image[7:], image)
            if not document or not config:
                continue
            self.manifests[image] = document
            for entry in document["layers"]:
                self.wanted[entry["digest"][7:]] = image
                blob = self.blobs.get(entry["digest"][7:])
                if blob and blob.stat().st_size != entry["size"]:
                    self.faults.append(f"{image}: layer {entry['digest']} has {blob.stat().st_size} bytes, "
                                       f"not {entry['size']}")
            for chain in chain_ids(config["rootfs"]["diff_ids"]):
                self.chains[chain] = image
        for name, manifest in database.execute("SELECT name, manifest FROM image_forms"):
            for entry in (self._document(manifest[7:], name) or {"layers": []})["layers"]:
                self.wanted[entry["digest"][7:]] = name
        for name, image in database.execute("SELECT name, image FROM image_names"):
            self.names[name] = image
            if image not in ids:
                self.faults.append(f"name {name} is of image {image}, which is not there")

    def _read_containers(self, database):
        for (container,) in database.execute("SELECT id FROM containers"):
            self.chains[f"container-{container}"] = f"container {container}"

    def problems(self):
        """Empty when everything that is referenced is there, whole and what its name says."""
        found = list(self.faults)
        for hexed, user in self.wanted.items():
            if hexed not in self.blobs:
                found.append(f"{user}: blob {hexed} is missing")
        for hexed, path in self.blobs.items():
            if not re.fullmatch("[0-9a-f]{64}", hexed) or hashlib.sha256(path.read_bytes()).hexdigest() != hexed:
                found.append(f"blob {hexed} is not what its name says")
        by_id = {snapshot["id"]: key for key, snapshot in self.snapshots.items()}
        for key, user in self.chains.items():
            if key not in self.snapshots:
                found.append(f"{user}: snapshot {key} is missing")
        for key, snapshot in self.snapshots.items():
            if snapshot["parent"] != "-" and snapshot["parent"] not in by_id:
                found.append(f"snapshot {key}: its parent {snapshot['parent']} is missing")
        return found

    def rubbish(self):
        """Empty when everything on disk serves an image or a container."""
        needed = set(self.chains)
        for key in self.chains:
            while key in self.snapshots and self.snapshots[key]["parent"] != "-":
                parent = self.snapshots[key]["parent"]
                key = next(k for k, s in self.snapshots.items() if s["id"] == parent)
                needed.add(key)
        return ([f"blob {hexed}" for hexed in self.blobs if hexed not in self.wanted] +
                [f"snapshot {key}" for key in self.snapshots if key not in needed] +
                [f"half-made {path}" for path in self.strange] +
                [f"half-written {path}" for path in (self.content / "ingest").iterdir()])


def chain_ids(diff_ids):
    chain = []
    for diff_id in diff_ids:
        text = f"{chain[-1]} {diff_id}" if chain else None
        chain.append("sha256:" + hashlib.sha256(text.encode()).hexdigest() if text else diff_id)
    return chain
