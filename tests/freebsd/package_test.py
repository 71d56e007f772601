#!/usr/bin/env python3
"""package_test.py ARCHIVE amd64|arm64: what `make freebsd-package` packed is whole, root's, and for that machine."""
import gzip
import pathlib
import struct
import sys
import tarfile

PROGRAMS = ["brig", "brigd", "brig-shim", "brig-runtime", "brig-init"]
FILES = {
    **{f"usr/local/bin/{name}": 0o755 for name in PROGRAMS},
    "usr/local/etc/rc.d/brigd": 0o755,
    "usr/local/etc/brig/brigd.toml.sample": 0o644,
    "usr/local/etc/devd/brigd.conf": 0o644,
    "usr/local/share/man/man1/brig.1": 0o644,
    "usr/local/share/man/man8/brigd.8": 0o644,
    "usr/local/share/man/man8/brig-runtime.8": 0o644,
    "usr/local/share/bash-completion/completions/brig": 0o644,
    "usr/local/share/fish/vendor_completions.d/brig.fish": 0o644,
}
# The kernel knows its programs by this note: a name of 8 bytes, 4 bytes of description, type 1 (NT_VERSION).
FREEBSD_NOTE = struct.pack("<III", 8, 4, 1) + b"FreeBSD\0"
MACHINES = {"amd64": 62, "arm64": 183}


def elf_complaint(data, machine):
    if data[:4] != b"\x7fELF" or data[4] != 2:
        return "is not a 64-bit ELF program"
    if FREEBSD_NOTE not in data[:65536]:
        return "is not a program for FreeBSD"
    if struct.unpack_from("<H", data, 18)[0] != MACHINES[machine]:
        return f"is not for {machine}"
    return None


def complaints(archive, machine):
    with tarfile.open(archive) as tar:
        members = {str(pathlib.PurePath(m.name)): m for m in tar}
        for name, member in members.items():
            if (member.uid, member.gid) != (0, 0):
                yield f"{name} is not root's"
            if member.mode & 0o022:
                yield f"{name} can be written by others"
            if not member.isdir() and name not in FILES:
                yield f"{name} is not expected"
        for name, mode in FILES.items():
            member = members.get(name)
            if member is None:
                yield f"{name} is missing"
                continue
            if member.mode & 0o777 != mode:
                yield f"{name} has mode {member.mode:o}"
            data = tar.extractfile(member).read()
            if name.startswith("usr/local/bin/"):
                complaint = elf_complaint(data, machine)
                if complaint:
                    yield f"{name} {complaint}"
            if name.endswith("rc.d/brigd") and (b"/usr/local/bin/brigd" not in data or b"@" in data):
                yield f"{name} has places that were not filled in"


def main():
    archive, machine = sys.argv[1:]
    with gzip.open(archive) as file:
        file.read(1)
    found = list(complaints(archive, machine))
    for line in found:
        print(f"{archive}: {line}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
