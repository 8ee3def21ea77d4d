"""Manifests built byte by byte from spec/manifest.md, right or wrong.

Shares no code with `shared`, so that a vector's bytes are a second reading of the spec.
"""

import hmac
import struct
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from nacl.bindings import crypto_aead_chacha20poly1305_ietf_encrypt

from tests.vectors import wire

EVENT = bytes.fromhex("a1b2c3d4e5f60718")
PLAN: dict[str, Any] = {
    "zones": [{"id": 1, "name": "Arena", "parent": 0, "capacity": 0}],
    "gates": [{"id": 1, "name": "North", "zone": 1, "direction": "entry"}],
    "classes": [],
    "days": [],
    "policy": {
        "unknown_ticket": "admit",
        "live_past": 45,
        "live_future": 30,
        "warn_age": 21600,
        "restrict_age": 86400,
        "restricted": "hold",
        "overrides": 50,
        "pins": True,
    },
    "name": "Night at the Arena",
    "timezone": "Europe/Madrid",
}


def record(
    ticket: str, number: int, gen: int = 1, klass: int = 7, status: int = 1, holder: str = "0" * 8
) -> bytes:
    """Return 29 bytes; `ticket` is the start of a hash, in hex, the rest of it zeros."""
    numbers = struct.pack(">IHHB", number, gen, klass, status)
    return bytes.fromhex(ticket.ljust(32, "0")) + numbers + bytes.fromhex(holder)


def digest(purpose: str, *parts: bytes) -> bytes:
    """Return SHA-256 of the parts under usher/<purpose>/v1."""
    return sha256(f"usher/{purpose}/v1".encode() + b"\0" + b"".join(parts)).digest()


def chunk_hash(index: int, records: bytes, event: bytes = EVENT) -> bytes:
    """Return a chunk's hash."""
    return digest("chunk", event, bytes([index]), records)


def names_hash(index: int, names: bytes) -> bytes:
    """Return the hash of a chunk's names."""
    return digest("names", EVENT, bytes([index]), names)


def step(previous: bytes, version: int, changes: bytes, event: bytes = EVENT) -> bytes:
    """Return the delta chain's next value."""
    return digest("delta", event, previous, struct.pack(">I", version), changes)


def entry(version: int, changes: bytes) -> bytes:
    """Return one entry of a delta log."""
    return struct.pack(">II", version, len(changes)) + changes


def frame(index: int, data: bytes) -> bytes:
    """Return a chunk on its way."""
    return struct.pack(">BI", index, len(data)) + data


def text(name: bytes, seat: bytes, size: int = 32) -> bytes:
    """Return what is sealed of a name and a seat."""
    return (bytes([len(name)]) + name + bytes([len(seat)]) + seat).ljust(size, b"\0")


def name_key(ticket: bytes, gen: int | None = None) -> bytes:
    """Return the key of a signed ticket's name. HKDF with one block of output."""
    number = ticket[30:32] if gen is None else struct.pack(">H", gen)
    extracted = hmac.new(bytes(32), ticket[14:30] + ticket[-64:], sha256).digest()
    info = b"usher/name-key/v1\0" + ticket[6:14] + number
    return hmac.new(extracted, info + b"\1", sha256).digest()


def name_data(ticket: bytes) -> bytes:
    """Return what a sealed name is tied to besides its key."""
    return b"usher/name/v1\0" + ticket[6:14] + digest("id", ticket[14:30])[:16]


def seal_name(key: bytes, data: bytes, plain: bytes, nonce: bytes = bytes(12)) -> bytes:
    """Return a blob."""
    return nonce + crypto_aead_chacha20poly1305_ietf_encrypt(plain, data, nonce, key)


def sized(blob: bytes) -> bytes:
    """Return a blob as it stands among names."""
    return bytes([(len(blob) - 28) // 16]) + blob if blob else b"\0"


def head(
    version: int,
    table: Mapping[int, bytes],
    sealed: Mapping[int, bytes] | None = None,
    **changed: Any,
) -> dict[str, Any]:
    """Return a head's body. `changed` replaces fields, whatever is true."""
    chunks = [chunk_hash(i, table[i]).hex() if table.get(i) else "" for i in range(256)]
    names = []
    if sealed is not None:
        names = [names_hash(i, sealed[i]).hex() if sealed.get(i) else "" for i in range(256)]
    return {
        "event": EVENT.hex(),
        "version": version,
        "issued": 1_800_000_000,
        "expires": 1_800_003_600,
        "sales_end": 1_800_010_000,
        "tickets": sum(map(len, table.values())) // 29,
        "chunks": chunks,
        "names": names,
        "delta": "00" * 32,
        "plan": PLAN,
    } | changed


def sign(body: dict[str, Any], signer: str = "manifest") -> bytes:
    """Return a head signed by a named key."""
    return wire.seal("manifest", wire.spell(body), wire.seed(signer))
