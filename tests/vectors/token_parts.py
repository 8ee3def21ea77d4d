"""What the vectors of tickets and of presentations are made of."""

from hashlib import sha256
from typing import Any, Final

from tests.vectors import spec, wire
from tests.vectors.suite import Json

NOW: Final = 1_800_000_000
EVENT: Final = "a1b2c3d4e5f60718"
OTHER_EVENT: Final = "ffffffffffffffff"
TICKET: Final = "000102030405060708090a0b0c0d0e0f"
CHALLENGE: Final = bytes.fromhex("c0ffee42")
LIVE_REQUIRED: Final = 1

# Each issuer key: its event, its window, and whether it was withdrawn.
ISSUERS: Final = {
    "current": (EVENT, NOW - 10_000, NOW + 10_000, False),
    "just begun": (EVENT, NOW, NOW + 10_000, False),
    "next": (EVENT, NOW + 1, NOW + 10_000, False),
    "last second": (EVENT, NOW - 10_000, NOW + 1, False),
    "ended": (EVENT, NOW - 10_000, NOW, False),
    "withdrawn": (EVENT, NOW - 10_000, NOW + 10_000, True),
    "other night": (OTHER_EVENT, NOW - 10_000, NOW + 10_000, False),
}
HOLDER: Final = wire.seed("holder")
THIEF: Final = wire.seed("thief")
LABELS: Final = {"static": 0x11, "bound": 0x12, "timed": 0x13, "challenged": 0x14}
SHOWN: Final = {"static": "static", "bound": "static", "timed": "live", "challenged": "challenge"}


def keyset() -> Json:
    """Return the keyset that every vector is verified with."""
    return {
        "version": 1,
        "issued": NOW - 1000,
        "expires": NOW + 1000,
        "root": wire.public(wire.seed("root")).hex(),
        "successor": None,
        "keys": [
            {
                "role": "issuer",
                "event": event,
                "pk": wire.public(wire.seed(name)).hex(),
                "not_before": start,
                "not_after": end,
                "revoked": revoked,
            }
            for name, (event, start, end, revoked) in ISSUERS.items()
        ],
    }


def fields(label: str, issuer: str = "current", **changed: Any) -> Json:
    """Return the fields of a ticket to be shown as `label`."""
    bound = label != "static"
    return {
        "type": 0x12 if bound else 0x11,
        "flags": LIVE_REQUIRED if label in ("timed", "challenged") else 0,
        "kid": wire.kid(wire.public(wire.seed(issuer))).hex(),
        "event": ISSUERS[issuer][0] if issuer in ISSUERS else EVENT,
        "ticket": TICKET,
        "gen": 1,
        "class": 7,
        "exp": NOW + 1_000_000,
        "holder_pk": wire.public(HOLDER).hex() if bound else "",
    } | changed


def ticket(values: Json, issuer: str = "current", domain: str = "ticket") -> bytes:
    """Return a signed ticket."""
    body = wire.header(values)
    return body + wire.sign(wire.seed(issuer), domain, body)


def shown(label: str, raw: bytes, holder: bytes = HOLDER) -> bytes:
    """Return a ticket as it is shown under `label`."""
    if label == "timed":
        return wire.present(0x13, raw, NOW.to_bytes(4, "big"), holder)
    if label == "challenged":
        return wire.present(0x14, raw, CHALLENGE, holder)
    return raw


def situation(label: str, **changed: Any) -> Json:
    """Return the gate's side of a vector."""
    return {
        "now_ms": NOW * 1000,
        "trusted": True,
        "live_past": 45,
        "live_future": 30,
        "challenge": CHALLENGE.hex() if label == "challenged" else None,
    } | changed


def good(name: str, comment: str, raw: bytes, values: Json, **changed: Any) -> Json:
    """Return a vector that verifies; its name begins with its label."""
    label = name.split("/")[0]
    identity = sha256(b"usher/id/v1\0" + bytes.fromhex(values["ticket"])).digest()[:16]
    return {
        "name": name,
        "comment": comment,
        "input": {"text": wire.code(raw)} | situation(label, **changed),
        "expect": {
            "shown": SHOWN[label],
            "token": values,
            "evidence": sha256(b"usher/evidence/v1\0" + raw).hexdigest(),
            "ticket_hash": identity.hex(),
        },
    }


def bad(name: str, comment: str, code: bytes | str, error: str, **changed: Any) -> Json:
    """Return a vector that is refused; `code` is text, or bytes still to be encoded."""
    label = name.split("/")[0]
    text = code if isinstance(code, str) else wire.code(code)
    return {
        "name": name,
        "comment": comment,
        "input": {"text": text} | situation(label, **changed),
        "expect": {"error": error, "outcome": spec.outcomes()[error]},
    }
