#!/usr/bin/env python3
"""Writes a small golden feed of format groups-feed/v1, from fixed keys, salts and times: the same bytes at every run.

    golden.py FOLDER

Written from the description of the format alone. It shares no line and no library with the daemon (Ed25519 and HKDF come
from PyPI `cryptography`, the rest is the standard library), so that where the two agree they agree with the format, not
with each other. Its output is frozen in `schema/vectors/golden-python/` and must verify for ever; `facts.json` there holds
what a reader needs to make the same bytes again: seeds, keys, hub id, size, root.

The groups are invented. The keys are published with the feed: they protect nothing.
"""

import base64
import hashlib
import json
import struct
import sys
import uuid
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

ORIGIN = "feed.nottingham.example/1"
ROOT_NAMES = ("nottingham-root-a", "nottingham-root-b")
AREA = "E06000018"
LICENCE = "CC-BY-4.0"
BUNDLE = 256

START = datetime(2026, 8, 5, 15, 4, 0, tzinfo=timezone.utc)
# The checkpoint is cosigned a day after the first leaf.
COSIGNED = int((START + timedelta(days=1)).timestamp())

# --- bytes -----------------------------------------------------------------------------------------------------------


def fixed(label, length=32):
    """Bytes that look random and never change."""
    return hashlib.sha256(b"golden " + label.encode()).digest()[:length]


def fixed_id(label):
    """A fixed UUID of version 4."""
    return str(uuid.UUID(bytes=fixed("id " + label, 16), version=4))


def b64(data):
    return base64.b64encode(data).decode()


def b64url(data):
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def compact(value):
    """One line of JSON, members in the order given, nothing escaped that need not be."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def digest(data):
    return b64url(hashlib.sha256(data).digest())


# --- keys and notes --------------------------------------------------------------------------------------------------

LOG, COSIGNER = 0x01, 0x04


class Key:
    """An Ed25519 key with a name, for one type of signature line."""

    def __init__(self, name, secret, kind):
        self.name, self.kind = name, kind
        self.secret = Ed25519PrivateKey.from_private_bytes(secret)
        self.public = self.secret.public_key().public_bytes_raw()
        self.id = hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + self.public).digest()[:4]

    def vkey(self):
        return f"{self.name}+{self.id.hex()}+{b64(bytes([self.kind]) + self.public)}"

    def line(self, payload):
        return f"\u2014 {self.name} {b64(self.id + payload)}\n"

    def sign(self, text):
        """A plain signature line over the note's text."""
        return self.line(self.secret.sign(text.encode()))

    def cosign(self, text, time):
        """A timestamped cosignature line: says that the text was current at `time`."""
        signed = f"cosignature/v1\ntime {time}\n{text}".encode()
        return self.line(struct.pack(">Q", time) + self.secret.sign(signed))


def derive(seed, role):
    """One of the two secrets that come out of a log's seed."""
    return HKDF(SHA256(), 32, salt=None, info=f"groups-feed/v1 {role}".encode()).derive(seed)


def note(text, *lines):
    assert text.endswith("\n")
    return text + "\n" + "".join(lines)


# --- tree (RFC 6962) -------------------------------------------------------------------------------------------------


def leaf_hash(leaf):
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def tree_hash(hashes):
    """The Merkle tree hash of a list of leaf hashes."""
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return node_hash(tree_hash(hashes[:split]), tree_hash(hashes[split:]))


def tile_path(number, width):
    """x001/x234/067, with .p/W where fewer than 256 are there."""
    text = f"{number % 1000:03d}"
    while number >= 1000:
        number //= 1000
        text = f"x{number % 1000:03d}/{text}"
    return text if width == BUNDLE else f"{text}.p/{width}"


def bundles(items):
    """The items in rows of 256, each with the path of its file."""
    for start in range(0, len(items), BUNDLE):
        row = items[start : start + BUNDLE]
        yield tile_path(start // BUNDLE, len(row)), row


# --- the log ---------------------------------------------------------------------------------------------------------


class Feed:
    """A log being written: leaves in order, and for each its public line, which may be blanked later."""

    def __init__(self, key):
        self.key = key
        self.leaves, self.lines, self.at_of, self.revs = [], [], {}, {}

    def append(self, kind, label, op, own=None, part=None):
        """Adds one signed leaf; returns the id that `label` stands for. `part` is the public payload."""
        index = len(self.leaves)
        rev = self.revs[label] = self.revs.get(label, 0) + 1
        statement = {
            "id": fixed_id(label),
            "rev": rev,
            "at": (START + timedelta(seconds=20 * index)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "op": op,
        }
        statement.update(own or {})
        line = ""
        if part is not None:
            line = b64url(fixed(f"salt {index}", 16)) + " " + compact(part)
            statement["parts"] = {"public": digest(line.encode())}
        text = f"groups-feed/v1 {kind}\n{compact(statement)}\n"
        self.leaves.append(note(text, self.key.sign(text)).encode())
        self.lines.append(line)
        # A full bundle no longer holds what was superseded or withdrawn; the last one keeps it until it fills.
        earlier = self.at_of.get(label)
        in_full_bundles = len(self.leaves) // BUNDLE * BUNDLE
        if op in ("put", "withdraw") and earlier is not None and earlier < in_full_bundles:
            self.lines[earlier] = ""
        if part is not None:
            self.at_of[label] = index
        return statement["id"]

    def root(self):
        return tree_hash([leaf_hash(leaf) for leaf in self.leaves])


# --- invented groups -------------------------------------------------------------------------------------------------

TOPICS = ("epilepsy", "depression", "anxiety", "diabetes", "bereavement", "cancer", "alcohol", "chronic-pain")
NAMES = ("Epilepsy", "Low Mood", "Anxiety", "Diabetes", "Bereavement", "Cancer", "Alcohol", "Chronic Pain")
PLACES = ("Arnold", "Beeston", "Bulwell", "Carlton", "Hucknall", "Sneinton", "St Ann’s", "West Bridgford")
KINDS = ("Self-Help Group", "Friends", "Circle", "Support Group", "Café")
DESCRIPTIONS = (
    "We meet to talk and listen; nobody has to speak.",
    'Run by its members. New people are welcome: ask for "the circle" at the desk.',
    "Tea, biscuits and an hour of company – every second Tuesday.",
    "For people who live with it and those who care for them.",
)


def group(number, list_id, **changes):
    """The public part of one invented group."""
    topic, place = number % len(TOPICS), number // len(TOPICS) % len(PLACES)
    slug = f"group-{number:03d}"
    part = {
        "list": list_id,
        "source_id": str(number),
        "name": f"{PLACES[place]} {NAMES[topic]} {KINDS[number % len(KINDS)]}",
        "description": DESCRIPTIONS[number % len(DESCRIPTIONS)],
        "topics": [TOPICS[topic]],
        "place": {
            "venue": f"{PLACES[place]} Community Hall",
            "address": f"{number} Example Street",
            "locality": PLACES[place],
            "postcode": f"NG{place + 1} {number % 9 + 1}ZZ",
            "area": AREA,
        },
        "contact": {
            "url": f"https://{slug}.example/",
            "email": f"hello@{slug}.example",
            # Ofcom keeps 01632 960000 to 960999 for fiction.
            "phone": f"01632 960{number:03d}",
        },
        "status": {"state": "active"},
        "assured": {"date": "2026-07-01", "method": "phone", "by": "hub"},
        "safety": "open",
        "licence": LICENCE,
    }
    part.update(changes)
    return {name: value for name, value in part.items() if value is not None}


# --- the whole -------------------------------------------------------------------------------------------------------


def hub_document(roots, log, peer):
    """Version 1: the text whose hash is the hub's id."""
    return "groups-hub/v1\n" + compact({
        "version": 1,
        "name": "Self Help Nottingham (golden example)",
        "areas": [AREA],
        "licence": LICENCE,
        "role_contact": "feed-desk@nottingham.example",
        "root": {"threshold": 1, "vkeys": [root.vkey() for root in roots]},
        "logs": [{"origin": ORIGIN, "vkey": log.vkey(), "peer": peer.vkey(), "prefix": "../v1/1/"}],
        "mirrors": [],
        "classes": {"public": "open"},
        "policy": {"republish_s": 86400, "part_ttl_s": 300},
        "successor": None,
        "expires": "2028-08-05",
    }) + "\n"


def hub_id(text):
    """`h-` and the first 160 bits of the hash of version 1."""
    return "h-" + base64.b32encode(hashlib.sha256(text.encode()).digest()).decode().lower()[:32]


def write_log(feed, hub, document):
    """All leaves: every type and operation, one full bundle and the beginning of a second."""
    feed.append("hub", "hub document", "put", {"version": 1, "digest": digest(document.encode())})
    own = feed.append("list", "list own", "put", part={
        "title": "Self Help Nottingham", "kind": "own", "licence": LICENCE, "derived_from": [], "duplicates": False,
    })
    database = feed.append("list", "list database", "put", part={
        "title": "Groups database, copied 2026", "kind": "database", "licence": LICENCE, "derived_from": ["Self Help Nottingham"],
        "duplicates": True,
    })
    special = {
        23: {"status": {"state": "closed", "date": "2026-05-01", "reason": "Too few members to go on"}},
        24: {
            "other_names": ["The Tuesday Circle", "Cylch Mawrth"],
            "languages": ["en", "cy"],
            "meetings": [{"text": "Second Tuesday", "rrule": "FREQ=MONTHLY;BYDAY=2TU", "start": "19:00", "end": "20:30"}],
            "founded": "1998-03",
            "criteria": {"members_control": {"value": "met", "date": "2026-07-01", "method": "phone", "by": "hub"}},
            # A member that no version knows: kept as it came.
            "parking": {"spaces": 12, "free": True},
        },
    }
    ids = [
        feed.append("record", f"group {number}", "put", part=group(number, database, **special.get(number, {})))
        for number in range(300)
    ]

    feed.append("record", "group 17", "affirm", {"assured": {"date": "2026-08-01", "method": "email", "by": "group"}})
    feed.append("record", "group 18", "withdraw")
    # A second revision whose first lies in the full bundle (blanked there) …
    feed.append("record", "group 19", "put", part=group(19, database, description="Now on Thursdays, 7 to 9 pm."))
    # … and one whose first lies in the last bundle (kept there until it fills).
    feed.append("record", "group 299", "put", part=group(299, database, topics=["cancer", "bereavement"]))
    # A row of the hub's own list, for a group that the database lists too; the two disagree in their descriptions.
    stated = feed.append("record", "own 20", "put", part=group(
        20, own, source_id=None, description="What the hub itself says of this group.",
    ))
    feed.append("link", "link own 20", "put", {"a": [hub, stated], "b": [hub, ids[20]], "judgement": "same"})
    feed.append("link", "link 21 22", "put", {"a": [hub, ids[21]], "b": [hub, ids[22]], "judgement": "different"})
    over = [[hub, stated, 1], [hub, ids[20], 1]]
    for prefer in ([hub, stated, 1], "unresolved", None):
        feed.append("choose", "choose own 20", "put", {
            "on": [hub, stated], "field": "description", "prefer": prefer, "over": over,
        })


def main(folder):
    seed = fixed("log seed")
    roots = [Key(name, fixed(name), LOG) for name in ROOT_NAMES]
    log = Key(ORIGIN, derive(seed, "log"), LOG)
    peer = Key(ORIGIN, derive(seed, "peer"), COSIGNER)

    document = hub_document(roots, log, peer)
    hub = hub_id(document)
    feed = Feed(log)
    write_log(feed, hub, document)
    root = feed.root()
    checkpoint = f"{ORIGIN}\n{len(feed.leaves)}\n{b64(root)}\n"

    files = {}
    signed_document = note(document, roots[0].sign(document)).encode()
    files[".well-known/groups-hub"] = files["hub/1"] = signed_document
    prefix = "v1/1/"
    files[prefix + "checkpoint"] = note(checkpoint, log.sign(checkpoint), peer.cosign(checkpoint, COSIGNED)).encode()
    for path, row in bundles(feed.leaves):
        files[prefix + "tile/entries/" + path] = b"".join(struct.pack(">H", len(leaf)) + leaf for leaf in row)
    for path, row in bundles(feed.lines):
        files[prefix + "part/public/" + path] = "".join(line + "\n" for line in row).encode()
    hashes, level = [leaf_hash(leaf) for leaf in feed.leaves], 0
    while hashes:
        for path, row in bundles(hashes):
            files[f"{prefix}tile/{level}/{path}"] = b"".join(row)
        # The next level has the hash of each *full* tile.
        rows = [row for _, row in bundles(hashes) if len(row) == BUNDLE]
        hashes, level = [tree_hash(row) for row in rows], level + 1

    files["facts.json"] = (json.dumps({
        "about": "Golden feed of tests/outside/golden.py: invented groups, published keys.",
        "hub": hub,
        "origin": ORIGIN,
        "size": len(feed.leaves),
        "root": b64(root),
        "cosigned": COSIGNED,
        "log_seed_hex": seed.hex(),
        "log_vkey": log.vkey(),
        "peer_vkey": peer.vkey(),
        "root_secrets_hex": {name: fixed(name).hex() for name in ROOT_NAMES},
        "root_vkeys": [key.vkey() for key in roots],
        "files": {path: hashlib.sha256(data).hexdigest() for path, data in sorted(files.items())},
    }, indent=2) + "\n").encode()

    for path, data in files.items():
        place = Path(folder, path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: golden.py FOLDER")
    main(sys.argv[1])
