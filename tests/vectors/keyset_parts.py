"""What the vectors of keysets are made of."""

from typing import Any, Final

from tests.vectors import wire
from tests.vectors.suite import Json

NOW: Final = 1_800_000_000
EVENT: Final = "a1b2c3d4e5f60718"
ROOT: Final = wire.seed("root")
NEXT: Final = wire.seed("next root")
LATER: Final = wire.seed("later root")
TWINS: Final = ("twin 6758", "twin 72344")  # found by search: two keys of one kid
assert len({wire.kid(wire.public(wire.seed(name))) for name in TWINS}) == 1


def pk(name: str) -> str:
    """Return a named public key."""
    return wire.public(wire.seed(name)).hex()


def key(role: str, name: str, event: str | None = None, **changed: Any) -> Json:
    """Return one key of a keyset."""
    return {
        "role": role,
        "event": event,
        "pk": pk(name),
        "not_before": NOW - 100,
        "not_after": NOW + 100,
        "revoked": False,
    } | changed


KEYS: Final = [
    key("issuer", "issuer", EVENT),
    key("manifest", "manifest"),
    key("roster", "roster"),
    key("command", "command"),
]


def body(version: int = 1, root: bytes = ROOT, **changed: Any) -> Json:
    """Return a keyset."""
    return {
        "version": version,
        "issued": NOW - 50,
        "expires": NOW + 50,
        "root": wire.public(root).hex(),
        "successor": None,
        "keys": KEYS,
    } | changed


def signed(version: int = 1, signer: bytes = ROOT, **changed: Any) -> bytes:
    """Return a keyset whose root is its signer."""
    return wire.seal("keyset", wire.spell(body(version, signer, **changed)), signer)


def announcing(successor: bytes, version: int = 1, **changed: Any) -> bytes:
    """Return a keyset that names the next root."""
    return signed(version, successor=wire.public(successor).hex(), **changed)


def case(
    name: str, why: str, offered: bytes | list[bytes], expect: Json, *held: bytes, **gate: Any
) -> Json:
    """Return a vector: a device pinned to ROOT takes in `held`, and is then offered more."""
    offers = [offered] if isinstance(offered, bytes) else offered
    return {
        "name": name,
        "comment": why,
        "input": {
            "held": [raw.hex() for raw in held],
            "offered": [raw.hex() for raw in offers],
            "now_ms": NOW * 1000,
            "trusted": True,
        }
        | gate,
        "expect": expect,
    }


def good(
    name: str, why: str, offered: bytes | list[bytes], *held: bytes, version: int = 1, **more: Any
) -> Json:
    """Return a vector that ends with this version in force, under this root."""
    root = more.pop("root", ROOT)
    expect = {"version": version, "root": wire.public(root).hex()}
    return case(name, why, offered, expect, *held, **more)


def bad(name: str, why: str, offered: bytes | list[bytes], error: str, *held: bytes) -> Json:
    """Return a vector that fails, and leaves what was held."""
    return case(name, why, offered, {"error": error}, *held)
