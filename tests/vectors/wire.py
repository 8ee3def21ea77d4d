"""Tickets, presentations and documents built byte by byte from the spec, right or wrong.

Shares no code with `shared`, so that a vector's bytes are a second reading of the spec.
"""

import json
import struct
from hashlib import sha256
from typing import Any

from nacl.signing import SigningKey

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
KINDS = {"keyset": 1, "manifest": 2, "roster": 3, "command": 4}


def seed(name: str) -> bytes:
    """Return the seed of a named key: anybody can make the vectors' keys."""
    return sha256(b"usher vectors: " + name.encode()).digest()


def public(secret: bytes) -> bytes:
    """Return a seed's public key."""
    return bytes(SigningKey(secret).verify_key)


def kid(pk: bytes) -> bytes:
    """Return a key's hint."""
    return sha256(b"usher/kid/v1\0" + pk).digest()[:4]


def sign(secret: bytes, domain: str, message: bytes) -> bytes:
    """Return the signature of `message` under usher/<domain>/v1."""
    signed = SigningKey(secret).sign(f"usher/{domain}/v1".encode() + b"\0" + message)
    return bytes(signed.signature)


def base45(data: bytes) -> str:
    """Return RFC 9285 text, digit by digit."""
    text = ""
    for i in range(0, len(data), 2):
        number, width = int.from_bytes(data[i : i + 2], "big"), len(data[i : i + 2]) + 1
        for _ in range(width):
            number, digit = divmod(number, 45)
            text += ALPHABET[digit]
    return text


def code(data: bytes) -> str:
    """Return the text form."""
    return "U1:" + base45(data) + "."


def header(fields: dict[str, Any]) -> bytes:
    """Return the unsigned part of a ticket."""
    numbers = struct.pack(">HHI", fields["gen"], fields["class"], fields["exp"])
    start = bytes((fields["type"], fields["flags"]))
    ids = b"".join(bytes.fromhex(fields[name]) for name in ("kid", "event", "ticket"))
    return start + ids + numbers + bytes.fromhex(fields["holder_pk"])


def present(
    shown: int, ticket: bytes, stamp: bytes, secret: bytes, domain: str = "present"
) -> bytes:
    """Return a presentation of type `shown`."""
    body = bytes((shown,)) + ticket[1:] + stamp
    return body + sign(secret, domain, body)


def spell(document: Any, *, escape: bool = False) -> bytes:
    """Return a document's body: no white space, fields in the order given.

    With `escape`, letters beyond ASCII are escaped, which a document's must not be.
    """
    return json.dumps(document, separators=(",", ":"), ensure_ascii=escape).encode()


def seal(kind: str, body: bytes, secret: bytes, **wrong: Any) -> bytes:
    """Return a signed document. `wrong` replaces parts of the frame, before the signature."""
    frame: dict[str, Any] = {
        "magic": b"USHD",
        "number": KINDS[kind],
        "version": 1,
        "kid": kid(public(secret)),
        "length": len(body),
        "domain": kind,
    } | wrong
    numbers = struct.pack(">BB", frame["number"], frame["version"])
    message = frame["magic"] + numbers + frame["kid"] + struct.pack(">I", frame["length"]) + body
    return bytes(message + sign(secret, frame["domain"], message))
