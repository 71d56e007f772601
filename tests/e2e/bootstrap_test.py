"""Base images where there is no registry: FreeBSD's release archive from a file and from a mirror, busybox, and
(where BRIG_BOOTSTRAP_DEBIAN asks for its minutes and megabytes) Debian from its own mirror. The same source gives
the same image, whenever it is made."""
import hashlib
import http.server
import io
import json
import os
import tarfile
import threading
import time

import pytest

BUILT = 1_750_000_000  # 2025-06-15T15:06:40Z


@pytest.fixture
def release(tmp_path):
    """A mirror's directory of one release: base.txz and its MANIFEST."""
    directory = tmp_path / "releases/amd64/amd64/14.3-RELEASE"
    directory.mkdir(parents=True)
    base = directory / "base.txz"
    with tarfile.open(base, "w:xz") as archive:
        for name, text in (("./bin/sh", "a shell\n"), ("./etc/os-release", "NAME=FreeBSD\n")):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.mtime = len(text), 0o755, BUILT
            archive.addfile(entry, io.BytesIO(text.encode()))
    digest = hashlib.sha256(base.read_bytes()).hexdigest()
    (directory / "MANIFEST").write_text(f"base.txz\t{digest}\t2\tbase\t\"Base system\"\ton\n")
    return directory


@pytest.fixture
def mirror(release):
    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(release.parents[3]))

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/releases"
        server.shutdown()


def images(engine):
    return engine.brig("images", "-q", "--no-trunc").stdout.split()


def check_freebsd(engine, name):
    image = json.loads(engine.brig("image", "inspect", name).stdout)[0]
    assert (image["Os"], image["Architecture"], image["Config"]["Cmd"]) == ("freebsd", "amd64", ["/bin/sh"])
    engine.brig("create", "--name", "looked-into", name)
    assert engine.brig("cp", "looked-into:/etc/os-release", "-").stdout.count("NAME=FreeBSD") == 1
    engine.brig("rm", "looked-into")
    engine.brig("rmi", name)


def test_freebsd_from_a_file(tidy, release):
    tidy.brig("image", "bootstrap", "freebsd:14.3", "--base", "base.txz", "--tag", "from-file:1", cwd=release)
    check_freebsd(tidy, "from-file:1")


def test_freebsd_from_a_mirror(tidy, mirror):
    tidy.brig("image", "bootstrap", "freebsd:14.3", "--base", mirror)
    check_freebsd(tidy, "freebsd:14.3")


def test_an_archive_that_its_manifest_does_not_know_is_refused(tidy, release, mirror):
    before = images(tidy)
    with open(release / "base.txz", "ab") as archive:
        archive.write(b"more")
    for source in (release / "base.txz", mirror):
        failed = tidy.brig("image", "bootstrap", "freebsd:14.3", "--base", source, check=False)
        assert failed.returncode == 1 and "its MANIFEST says" in failed.stderr
    failed = tidy.brig("image", "bootstrap", "freebsd:99.0", "--base", mirror, check=False)
    assert failed.returncode == 1 and "404" in failed.stderr
    (release / "MANIFEST").unlink()
    failed = tidy.brig("image", "bootstrap", "freebsd:14.3", "--base", release / "base.txz", check=False)
    assert failed.returncode == 1 and "no MANIFEST beside" in failed.stderr
    assert images(tidy) == before


def made_twice(engine, *options, timeout=60):
    """The image of the same source, made in two seconds of which neither finds what the other left."""
    made = []
    for tag in ("twice:1", "twice:2"):
        engine.brig("image", "bootstrap", *options, "--tag", tag, timeout=timeout)
        made.append(json.loads(engine.brig("image", "inspect", tag).stdout)[0])
        engine.brig("rmi", tag)  # so that nothing of it is found again
        time.sleep(1.1)
    first, second = made
    assert (first["Id"], first["RootFS"]) == (second["Id"], second["RootFS"])
    return first


def test_freebsd_is_reproducible(tidy, release, mirror):
    made = made_twice(tidy, "freebsd:14.3", "--base", release / "base.txz")
    assert made["Created"].startswith("2025-06-15T15:06:40")
    # Neither the file's own times nor where it came from count.
    os.utime(release / "base.txz")
    assert made_twice(tidy, "freebsd:14.3", "--base", mirror)["Id"] == made["Id"]


def test_busybox_is_reproducible(tidy):
    made_twice(tidy, "busybox")


@pytest.mark.skipif(not os.environ.get("BRIG_BOOTSTRAP_DEBIAN"), reason="BRIG_BOOTSTRAP_DEBIAN is not set")
def test_debian(tidy):
    made_twice(tidy, "debian:bookworm", timeout=900)
    tidy.brig("image", "bootstrap", "debian:bookworm", timeout=900)
    assert tidy.brig("run", "--rm", "debian:bookworm", "cat", "/etc/debian_version").stdout.startswith("12")
    tidy.brig("rmi", "debian:bookworm")
