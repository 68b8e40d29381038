#!/usr/bin/env python3
"""Signs and verifies requests as PROTOCOL 1.8 asks, by PyPI `http-message-signatures`: an RFC 9421 that is not ours.

    signed_request.py get URL SEED KEYID AUTHORITY TIME     signs with the peer key of a seed, sends, prints status and body
    signed_request.py verify URL KEY KEYID INPUT SIGNATURE  verifies headers that the daemon made; prints "verified"

SEED and KEY are hexadecimal: the log's 32-byte seed, and a public key.
"""

import datetime
import sys
import urllib.error
import urllib.request
from types import SimpleNamespace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from http_message_signatures import HTTPMessageSigner, HTTPMessageVerifier, algorithms
from http_message_signatures.resolvers import HTTPSignatureKeyResolver

COVERED = ("@method", "@authority", "@path", "@query")
TAG = "groups-feed/v1"


class Keys(HTTPSignatureKeyResolver):
    def __init__(self, key):
        self.key = key

    def resolve_public_key(self, key_id):
        return self.key

    def resolve_private_key(self, key_id):
        return self.key


class Verifier(HTTPMessageVerifier):
    # The tests' clock is set by hand.
    max_clock_skew = datetime.timedelta(days=36500)


def get(url, seed, key_id, authority, at):
    secret = HKDF(SHA256(), 32, None, b"groups-feed/v1 peer").derive(bytes.fromhex(seed))
    path = url.split("/", 3)[3]
    message = SimpleNamespace(method="GET", url=f"http://{authority}/{path}", headers={})
    signer = HTTPMessageSigner(
        signature_algorithm=algorithms.ED25519, key_resolver=Keys(Ed25519PrivateKey.from_private_bytes(secret))
    )
    created = datetime.datetime.fromtimestamp(int(at), datetime.timezone.utc)
    signer.sign(message, key_id=key_id, created=created, label="other", tag=TAG, covered_component_ids=COVERED)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url, headers=message.headers)) as answer:
            print(answer.status, answer.read().decode(), end="")
    except urllib.error.HTTPError as error:
        print(error.code, error.read().decode(), end="")


def verify(url, key, key_id, given, signature):
    message = SimpleNamespace(method="GET", url=url, headers={"Signature-Input": given, "Signature": signature})
    verifier = Verifier(
        signature_algorithm=algorithms.ED25519,
        key_resolver=Keys(Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))),
    )
    results = verifier.verify(message, max_age=None, expect_tag=TAG, require_components=COVERED)
    assert [result.parameters["keyid"] for result in results] == [key_id], results
    print("verified")


if __name__ == "__main__":
    {"get": get, "verify": verify}[sys.argv[1]](*sys.argv[2:])
