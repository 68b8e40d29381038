#!/usr/bin/env python3
"""Computes the root of every log of a feed folder from its leaves with PyPI `pymerkle`, and compares it with the checkpoint.

    merkle.py FOLDER

Reads neither tiles nor signatures: those are for the other verifiers.
"""

import base64
import json
import struct
import sys
from pathlib import Path
from urllib.parse import urljoin, urlparse

from pymerkle import InmemoryTree


def tile_path(number, width):
    text = f"{number % 1000:03d}"
    while number >= 1000:
        number //= 1000
        text = f"x{number % 1000:03d}/{text}"
    return text if width == 256 else f"{text}.p/{width}"


def leaves(bundle, path):
    while bundle:
        (length,) = struct.unpack_from(">H", bundle)
        if len(bundle) < 2 + length:
            sys.exit(f"merkle.py: {path} ends in the middle of a leaf")
        yield bundle[2 : 2 + length]
        bundle = bundle[2 + length :]


def check_log(prefix):
    origin, size, root, *_ = (prefix / "checkpoint").read_text().split("\n")
    size = int(size)
    tree = InmemoryTree(algorithm="sha256")
    for start in range(0, size, 256):
        width = min(256, size - start)
        path = prefix / "tile" / "entries" / tile_path(start // 256, width)
        rows = list(leaves(path.read_bytes(), path))
        if len(rows) != width:
            sys.exit(f"merkle.py: {path} holds {len(rows)} leaves, not {width}")
        for leaf in rows:
            tree.append_entry(leaf)
    if base64.b64encode(tree.get_root()).decode() != root:
        sys.exit(f"merkle.py: the root of the {size} leaves of {origin} is not the one in the checkpoint")
    print(f"log {origin}: root of {size} leaves equals the checkpoint's")


def main(folder):
    document = json.loads((folder / ".well-known/groups-hub").read_text().split("\n")[1])
    for log in document["logs"]:
        # A relative prefix is resolved against where the document was fetched from; in a folder, hosts do not matter.
        place = urljoin("https://feed.example/.well-known/groups-hub", log["prefix"])
        check_log(folder / urlparse(place).path.lstrip("/"))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: merkle.py FOLDER")
    try:
        main(Path(sys.argv[1]))
    except (OSError, ValueError, KeyError, struct.error) as error:
        sys.exit(f"merkle.py: {error}")
