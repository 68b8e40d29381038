#!/usr/bin/env python3
"""Makes the fixtures beside it: Ed25519 signatures on the edges where implementations disagree. Standard library only,
arithmetic straight from RFC 8032, so that nothing of the program under test had a hand in them. Run it here; the files are
the same each time."""

import base64
import hashlib
import hmac
from pathlib import Path

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
NAME = "peer-22.example/1"  # TestPeer::new(22)
HERE = Path(__file__).parent


def add(a, b):
    (x1, y1), (x2, y2) = a, b
    t = D * x1 * x2 * y1 * y2
    return ((x1 * y2 + x2 * y1) * pow(1 + t, P - 2, P) % P, (y1 * y2 + x1 * x2) * pow(1 - t, P - 2, P) % P)


def mul(k, point):
    out = (0, 1)
    while k:
        if k & 1:
            out = add(out, point)
        point, k = add(point, point), k >> 1
    return out


def recover(y, sign):
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if x * x % P != x2:
        x = x * pow(2, (P - 1) // 4, P) % P
    if x * x % P != x2:
        return None
    return (P - x if x & 1 != sign else x, y)


def encode(point):
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


BASE = recover(4 * pow(5, P - 2, P) % P, 0)
# A point of order 8: any point times L is of small order.
y = 2
while True:
    point = recover(y, 0)
    if point and mul(4, mul(L, point)) != (0, 1):
        EIGHT = mul(L, point)
        break
    y += 1


def number(*parts):
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little")


def hkdf(seed, label):
    key = hmac.new(bytes(32), seed, hashlib.sha256).digest()
    return hmac.new(key, label + b"\x01", hashlib.sha256).digest()


def expand(secret):
    h = hashlib.sha512(secret).digest()
    return (int.from_bytes(h[:32], "little") & (1 << 254) - 8 | 1 << 254), h[32:]


SECRET = hkdf(bytes([22] * 32), b"groups-feed/v1 log")
A_SCALAR, PREFIX = expand(SECRET)
A = mul(A_SCALAR, BASE)


def text(n, salt=0):
    return (
        "groups-feed/v1 record\n"
        f'{{"id":"00000000-0000-0000-0000-{n:012x}","rev":{1 + salt},"at":"2026-11-22T09:00:00Z","op":"withdraw"}}\n'
    ).encode()


def key_id(key):
    return hashlib.sha256(NAME.encode() + b"\n\x01" + key).digest()[:4]


def note(message, key, signature):
    line = base64.b64encode(key_id(key) + signature).decode()
    return message + b"\n" + f"\u2014 {NAME} {line}\n".encode()


def sign(message, a=A_SCALAR, key=None, torsion_r=(0, 1)):
    key = key or encode(mul(a, BASE))
    r = number(PREFIX, message) % L
    big_r = encode(add(mul(r, BASE), torsion_r))
    return big_r + ((r + number(big_r, key, message) * a) % L).to_bytes(32, "little")


def keep(name, data):
    (HERE / name).write_bytes(data)


key = encode(A)
m = text(1)
keep("honest.leaf", note(m, key, sign(m)))

# S + L: the same equation holds; RFC 8032 (5.1.7) refuses it.
m = text(2)
s = sign(m)
keep("large-s.leaf", note(m, key, s[:32] + (int.from_bytes(s[32:], "little") + L).to_bytes(32, "little")))

# R of small order, S = k a: the equation without cofactor holds, so that lenient verifiers take it.
for nth, (name, r) in enumerate([("identity", (0, 1)), ("order-2", mul(4, EIGHT)), ("order-8", EIGHT)]):
    m = text(3 + nth)
    if name == "identity":
        big_r = encode(r)
        k = number(big_r, key, m)
        keep("small-r-identity.leaf", note(m, key, big_r + (k * A_SCALAR % L).to_bytes(32, "little")))
    else:
        # Only the equation with cofactor holds.
        big_r = encode(r)
        k = number(big_r, key, m)
        keep(f"small-r-{name}.leaf", note(m, key, big_r + (k * A_SCALAR % L).to_bytes(32, "little")))

# R = identity in an encoding that is not canonical (y = p + 1).
m = text(6)
big_r = (P + 1).to_bytes(32, "little")
keep("odd-r-encoding.leaf", note(m, key, big_r + (number(big_r, key, m) * A_SCALAR % L).to_bytes(32, "little")))

# R with a torsion part: the equation with cofactor holds, the one without does not. Batches take it now and then.
m = text(7)
keep("mixed-r.leaf", note(m, key, sign(m, torsion_r=EIGHT)))

# A key with a torsion part: not weak by itself. With k not a multiple of 8, again only the equation with cofactor holds.
mixed = encode(add(A, EIGHT))
for salt in range(64):
    m = text(8, salt)
    s = sign(m, key=mixed)
    if number(s[:32], mixed, m) % L % 8:  # multiplied as a scalar, so reduced first
        keep("mixed-a.note", note(m, mixed, s))
        break
keep("mixed-a.vkey", f"{NAME}+{key_id(mixed).hex()}+{base64.b64encode(bytes([1]) + mixed).decode()}".encode())

# Keys of small order: anybody can sign for them.
lines = []
for k in range(8):
    weak = encode(mul(k, EIGHT))
    lines.append(f"{NAME}+{key_id(weak).hex()}+{base64.b64encode(bytes([1]) + weak).decode()}")
for y in (P, P + 1):
    weak = y.to_bytes(32, "little")
    lines.append(f"{NAME}+{key_id(weak).hex()}+{base64.b64encode(bytes([1]) + weak).decode()}")
keep("weak.vkeys", "\n".join(lines).encode() + b"\n")
