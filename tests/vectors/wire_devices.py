"""Rosters, offers, requests, commands and stamps built byte by byte from spec/devices.md.

Shares no code with `shared`, so that a vector's bytes are a second reading of the spec.
"""

from hashlib import sha256
from typing import Any, Final

from tests.vectors import wire
from tests.vectors.suite import Json
from tests.vectors.wire_log import device_id

NOW: Final = 1_800_000_000
TENANT: Final = bytes(range(16))
ROOT: Final = wire.public(wire.seed("root"))
CODE: Final = bytes(range(0xC0, 0xD0))
NONCE: Final = bytes(range(0xA0, 0xB0))
CHALLENGE: Final = bytes(range(0xB0, 0xC0))
DEVICES: Final[dict[str, Json | None]] = {  # name: cutoff
    "gate A": None,
    "gate B": {"incarnation": 2, "seq": 10},
    "gate C": {"incarnation": 0, "seq": 0},
}
BADGES: Final[dict[str, tuple[str, int | None]]] = {  # name: (role, revoked)
    "supervisor": ("supervisor", None),
    "lost badge": ("supervisor", NOW),
    "scanner": ("scan", None),
    "technician": ("technician", None),
}


def keyset(**roles: str) -> bytes:
    """Return the signed keyset: one roster key and one command key, in force."""
    keys = [
        {
            "role": role,
            "event": None,
            "pk": wire.public(wire.seed(name)).hex(),
            "not_before": NOW - 10_000,
            "not_after": NOW + 10_000,
            "revoked": False,
        }
        for role, name in ({"roster": "roster key", "command": "command key"} | roles).items()
    ]
    document = {
        "version": 1,
        "issued": NOW - 1000,
        "expires": NOW + 1000,
        "root": ROOT.hex(),
        "successor": None,
        "keys": keys,
    }
    return wire.seal("keyset", wire.spell(document), wire.seed("root"))


def roster(**changed: Any) -> Json:
    """Return the roster's document."""
    devices = [
        {
            "pk": wire.public(wire.seed(name)).hex(),
            "name": name,
            "kind": "kiosk",
            "cutoff": cutoff,
            "site": 0,
        }
        for name, cutoff in DEVICES.items()
    ]
    badges = [
        {"pk": wire.public(wire.seed(name)).hex(), "name": name, "role": role, "revoked": revoked}
        for name, (role, revoked) in BADGES.items()
    ]
    return {
        "version": 5,
        "issued": NOW - 1000,
        "expires": NOW + 1000,
        "tenant": TENANT.hex(),
        "devices": devices,
        "badges": badges,
        "lock_after": 0,
    } | changed


def sealed_roster(signer: str = "roster key", **changed: Any) -> bytes:
    """Return a signed roster."""
    return wire.seal("roster", wire.spell(roster(**changed)), wire.seed(signer))


def command(signer: str = "command key", **changed: Any) -> bytes:
    """Return a signed command."""
    document = {
        "tenant": TENANT.hex(),
        "device": device_id(wire.seed("gate A")).hex(),
        "number": 7,
        "action": "wipe",
        "time": None,
    } | changed
    return wire.seal("command", wire.spell(document), wire.seed(signer))


def stamp(
    ms: int, nonce: bytes = bytes(16), signer: str = "command key", domain: str = "time"
) -> bytes:
    """Return a signed time."""
    secret = wire.seed(signer)
    body = wire.kid(wire.public(secret)) + ms.to_bytes(8, "big") + nonce
    return body + wire.sign(secret, domain, body)


def offer(origin: str = "https://gate.example", expires: int = NOW + 600) -> str:
    """Return the text of an offer."""
    return f"{origin}/enrol#1.{CODE.hex()}.{TENANT.hex()}.{expires}.{ROOT.hex()}"


def commitment(secret: bytes, nonce: bytes = NONCE) -> bytes:
    """Return what binds a device to its nonce."""
    return sha256(b"usher/enrol-commit/v1\0" + wire.public(secret) + nonce).digest()


def hello(text: str, secret: bytes, domain: str = "enrol") -> bytes:
    """Return a device's claim of an offer."""
    bound = wire.public(secret) + commitment(secret)
    message = sha256(text.encode()).digest() + bound
    return CODE + bound + wire.sign(secret, domain, message)


def digits(text: str, secret: bytes, challenge: bytes = CHALLENGE, nonce: bytes = NONCE) -> str:
    """Return the six digits."""
    transcript = sha256(text.encode()).digest() + wire.public(secret) + challenge + nonce
    digest = sha256(b"usher/enrol-digits/v1\0" + transcript).digest()
    return str(int.from_bytes(digest[:8], "big") % 1_000_000).rjust(6, "0")


def request(
    method: str,
    host: str,
    target: str,
    body: bytes,
    *,
    at: int = NOW * 1000,
    device: str = "gate A",
    domain: str = "request",
) -> str:
    """Return the header of a signed request."""
    message = b""
    for part in (method, host, target):
        message += len(part).to_bytes(2, "big") + part.encode()
    secret = wire.seed(device)
    message += sha256(body).digest() + device_id(secret) + at.to_bytes(8, "big") + NONCE
    signature = wire.sign(secret, domain, message)
    return f"Usher1 {device_id(secret).hex()}.{at}.{NONCE.hex()}.{signature.hex()}"


def countersign(record: bytes, secret: bytes, code: bytes = b"", domain: str = "badge") -> bytes:
    """Return a badge's countersignature of an unsigned record whose evidence is zero."""
    assert record[156:188] == bytes(32)
    scanned = sha256(b"usher/evidence/v1\0" + code).digest() if code else bytes(32)
    body = b"\x31" + wire.public(secret) + scanned
    return body + wire.sign(secret, domain, record[:192] + body)
