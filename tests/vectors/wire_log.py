"""Log records built byte by byte from spec/log.md §1, right or wrong.

Shares no code with `shared`, so that a vector's bytes are a second reading of the spec.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from tests.vectors import wire

# (name, offset, size), as in the spec's table.
FIELDS = (
    ("version", 0, 1), ("kind", 1, 1), ("bits", 2, 2), ("device", 4, 16),
    ("incarnation", 20, 4), ("seq", 24, 8), ("prev", 32, 32), ("hlc", 64, 8),
    ("monotonic", 72, 8), ("event", 80, 8), ("gate", 88, 2), ("zone", 90, 2), ("day", 92, 2),
    ("allowance", 94, 1), ("terms", 95, 1), ("ticket", 96, 16), ("gen", 112, 2),
    ("ticket_class", 114, 2), ("manifest", 116, 4), ("roster", 120, 4), ("session", 124, 16),
    ("ref", 140, 16), ("evidence", 156, 32), ("reason", 188, 4), ("signature", 192, 64),
)  # fmt: skip
KINDS = {
    "IN": 1, "OUT": 2, "ANNUL": 3, "DENY": 4, "OVERRIDE": 5,
    "ATTACH": 6, "SESSION": 7, "BOOT": 8, "CLOCK": 9, "MARK": 10,
}  # fmt: skip
START = 1_800_000_000_000  # unix ms
GATE = wire.seed("gate A")
OTHER_GATE = wire.seed("gate B")
EVENT = b"\xe1" * 8
TICKET = sha256(b"usher/id/v1\0" + b"\xa7" * 16).digest()[:16]
SCAN = {
    "event": EVENT, "gate": 3, "zone": 2, "day": 1, "ticket": TICKET, "gen": 1, "ticket_class": 4,
    "bits": 0x24,  # local, static, trusted time
}  # fmt: skip
POOL = SCAN | {"allowance": 1, "terms": 0xFF}
SAYS: dict[str, dict[str, Any]] = {
    "IN": POOL | {"ref": b"\x11" * 16, "evidence": b"\x22" * 32, "reason": 1},
    "OUT": POOL | {"ref": b"\x33" * 16, "evidence": b"\x22" * 32, "reason": 3},
    "ANNUL": SCAN | {"ref": b"\x33" * 16},
    "DENY": SCAN | {"evidence": b"\x22" * 32, "reason": 64},
    "OVERRIDE": POOL | {"evidence": b"\x44" * 32, "reason": 2 << 16 | 64},
    "ATTACH": {"ref": b"\x33" * 16, "evidence": b"\x55" * 32, "reason": 1, "bits": 0x20},
    "SESSION": {"ref": b"\x66" * 16, "evidence": b"\x44" * 32, "reason": 1, "bits": 0x20},
    "BOOT": {"bits": 0x20},
    "CLOCK": {"reason": 1, "bits": 0x20},
    "MARK": {"reason": 1, "bits": 0x20},
}


def device_id(secret: bytes) -> bytes:
    """Return a device's name."""
    return sha256(b"usher/device/v1\0" + wire.public(secret)).digest()[:16]


def pack(fields: dict[str, Any]) -> bytes:
    """Return 256 bytes with each field at its place, whatever it is."""
    raw = bytearray(256)
    for name, offset, size in FIELDS:
        value = fields.get(name, 0)
        data = value if isinstance(value, bytes) else value.to_bytes(size, "big")
        assert len(data) == size, name
        raw[offset : offset + size] = data
    return bytes(raw)


def seal(fields: dict[str, Any], secret: bytes = GATE, domain: str = "log") -> bytes:
    """Return a signed record."""
    body = pack(fields)[:192]
    return body + wire.sign(secret, domain, body)


def fields(kind: str, /, seq: int = 2, prev: bytes = b"\x77" * 32, **says: Any) -> dict[str, Any]:
    """Return what a good record of `kind` says at this place."""
    placed = {
        "version": 1, "kind": KINDS[kind], "device": device_id(GATE), "incarnation": 1,
        "seq": seq, "prev": prev, "hlc": (START + seq) << 16, "monotonic": 1000 * seq,
        "manifest": 7, "roster": 2,
    }  # fmt: skip
    return placed | SAYS[kind] | says


def first(**says: Any) -> dict[str, Any]:
    """Return what a device's very first record says."""
    return fields("BOOT", 1, bytes(32)) | says


def chain(
    length: int, secret: bytes = GATE, incarnation: int = 1, prev: bytes = bytes(32), **says: Any
) -> list[bytes]:
    """Return a BOOT and `length - 1` entries, each following the last."""
    who = {"device": device_id(secret), "incarnation": incarnation}
    raws = [seal(first() | who | {"prev": prev}, secret)]
    for seq in range(2, length + 1):
        prev = sha256(raws[-1]).digest()
        ref = sha256(b"right %d" % seq).digest()[:16]
        raws.append(seal(fields("IN", seq, prev, ref=ref) | who | says, secret))
    return raws


def readable(said: dict[str, Any], raw: bytes) -> dict[str, Any]:
    """Return a record's fields as a vector shows them: bytes and 64-bit numbers in hex."""
    shown: dict[str, Any] = {}
    for name, offset, size in FIELDS:
        data = raw[offset : offset + size]
        shown[name] = data.hex() if size > 4 else int.from_bytes(data, "big")
        value = said.get(name, 0)
        if name != "signature":
            assert data == (value if isinstance(value, bytes) else value.to_bytes(size, "big"))
    return shown


def joined(raws: Sequence[bytes]) -> str:
    """Return a batch as a vector shows it."""
    return b"".join(raws).hex()
