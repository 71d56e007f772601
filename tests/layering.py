#!/usr/bin/env python3
"""Checks the includes of src/ against the table of layers: a layer may use itself and what is
above it in the list; `client` and `cli` use only base, os, oci and client; platform conditionals
live in src/os alone."""
import pathlib
import re
import sys

LAYERS = ["base", "os", "oci", "archive", "content", "snapshot", "http", "registry", "image", "runtime",
          "network", "volume", "shim", "build", "engine", "api", "client", "cli", "apps"]
CLIENT_SIDE = {"client": {"base", "os", "oci", "client"}, "cli": {"base", "os", "oci", "client", "cli"}}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)
CONDITIONAL = re.compile(r"^\s*#\s*(?:if|ifdef|ifndef|elif).*__(?:linux|FreeBSD)__", re.M)
SRC = pathlib.Path(__file__).resolve().parent.parent / "src"


def violations():
    for path in sorted(SRC.rglob("*.[ch]*")):
        layer = path.relative_to(SRC).parts[0]
        if layer not in LAYERS:
            yield f"{path.relative_to(SRC)}: {layer} is not a layer of the table"
            continue
        allowed = CLIENT_SIDE.get(layer, set(LAYERS[:LAYERS.index(layer) + 1]))
        text = path.read_text()
        for included in INCLUDE.findall(text):
            target = included.split("/")[0]
            if target not in allowed:
                yield f"{path.relative_to(SRC)}: {layer} may not include {included}"
            platform = re.match(r"os/(linux|freebsd)/", included)
            if platform and platform.group(0) not in f"{path.relative_to(SRC)}":
                yield f"{path.relative_to(SRC)}: {included} is seen only inside os"
        if layer != "os" and CONDITIONAL.search(text):
            yield f"{path.relative_to(SRC)}: platform conditionals belong in src/os"


found = list(violations())
print("\n".join(found) if found else f"layering holds over {sum(1 for _ in SRC.rglob('*.cpp'))} sources")
sys.exit(1 if found else 0)
