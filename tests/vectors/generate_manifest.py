"""Vectors of manifests: `python -m tests.vectors.generate_manifest`."""

from typing import Any, Final

from tests.vectors import wire
from tests.vectors.manifest_parts import TICKET, parts
from tests.vectors.manifest_states import MANIFESTS, NOW, states
from tests.vectors.suite import Json, named, save

ROOT: Final = wire.seed("root")


def key(role: str, name: str, **changed: Any) -> Json:
    """Return one key of the keyset."""
    window = {"not_before": NOW - 10_000, "not_after": NOW + 10_000, "revoked": False}
    pk = wire.public(wire.seed(name)).hex()
    return {"role": role, "event": None, "pk": pk} | window | changed


KEYSET: Final = {
    "version": 1,
    "issued": NOW - 10_000,
    "expires": NOW + 10_000,
    "root": wire.public(ROOT).hex(),
    "successor": None,
    "keys": [
        key("manifest", "manifest"),
        key("manifest", "old manifest", not_after=NOW),
        key("manifest", "revoked manifest", revoked=True),
        key("roster", "roster"),
    ],
}


def sign(keyset: Json) -> bytes:
    """Return a keyset signed by the root."""
    return wire.seal("keyset", wire.spell(keyset), ROOT)


def shared_heads(vectors: list[Json]) -> Json:
    """Take the heads out of the vectors, many of which have the same; return them by name."""
    names: dict[str, str] = {}
    for vector in vectors:
        raw = vector["input"].get("head")
        if raw:
            vector["input"]["head"] = names.setdefault(raw, f"head {len(names) + 1}")
    return {name: raw for raw, name in names.items()}


def build() -> Json:
    """Return the suite."""
    vectors = named([*parts(), *states()])
    return {
        "suite": "manifest",
        "comment": "spec/manifest.md. `keyset` is signed by `root`. `manifests` are what a device "
        "may hold, `heads` what it is offered, by name. The README beside this file says what "
        "each operation asks.",
        "root": wire.public(ROOT).hex(),
        "keyset": sign(KEYSET).hex(),
        "event": "a1b2c3d4e5f60718",
        "ticket": TICKET.hex(),
        "manifests": MANIFESTS,
        "heads": shared_heads(vectors),
        "vectors": vectors,
    }


if __name__ == "__main__":
    save(build())
