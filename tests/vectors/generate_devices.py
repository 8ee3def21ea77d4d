"""Vectors of rosters, enrolment, requests, commands and badges:
`python -m tests.vectors.generate_devices`."""

from collections.abc import Iterator
from typing import Any, Final

from tests.vectors import wire
from tests.vectors.device_acts import badges, commands, requests
from tests.vectors.device_enrolments import enrolments, offers
from tests.vectors.suite import Json, named, save, vector
from tests.vectors.wire_devices import NOW, ROOT, TENANT, keyset, roster, sealed_roster
from tests.vectors.wire_log import device_id

COMMENT: Final = (
    "spec/devices.md. `op` says what is asked. Everything is checked with `root`, `keyset` and "
    "`roster`; a seed is SHA-256('usher vectors: ' + name)."
)


def rosters() -> Iterator[Json]:
    """Yield rosters that come to a device which holds version 5, or holds nothing."""
    held = sealed_roster()

    def case(name: str, why: str, raw: bytes, held: bytes | None, expect: Json, **at: Any) -> Json:
        given = {"held": held and held.hex(), "raw": raw.hex(), "now": NOW, "trusted": True} | at
        return vector("roster", name, why, given, expect)

    def error(code: str) -> Json:
        return {"error": code}

    yield case("first", "Nothing is held.", held, None, {"version": 5})
    yield case(
        "newer", "Versions rise, by any step.", sealed_roster(version=9), held, {"version": 9}
    )
    yield case("the same again", "Nothing changes.", held, held, {"version": 5})
    yield case(
        "older",
        "A roster from before a revocation.",
        sealed_roster(version=4),
        held,
        error("roster_rollback"),
    )
    yield case(
        "two of one version",
        "One version has one content.",
        sealed_roster(badges=[]),
        held,
        error("roster_forked"),
    )
    yield case(
        "expired",
        "now = expires is too late.",
        sealed_roster(expires=NOW),
        None,
        error("roster_expired"),
    )
    yield case(
        "last second", "now = expires - 1.", sealed_roster(expires=NOW + 1), None, {"version": 5}
    )
    yield case(
        "expired, no clock",
        "Without trusted time expiry can't be judged.",
        sealed_roster(expires=NOW),
        None,
        {"version": 5},
        trusted=False,
    )
    yield case(
        "another tenant",
        "Signed well, for others.",
        sealed_roster(tenant="ff" * 16),
        None,
        error("roster_tenant"),
    )
    yield case(
        "no life",
        "It expires as it is issued.",
        sealed_roster(issued=NOW, expires=NOW),
        None,
        error("roster_window"),
    )
    document = roster()
    twice = [*document["devices"], document["devices"][0]]
    yield case(
        "device twice",
        "A key is one device.",
        sealed_roster(devices=twice),
        None,
        error("roster_key_shared"),
    )
    both = document["badges"] + [document["badges"][0] | {"pk": document["devices"][0]["pk"]}]
    yield case(
        "device and badge",
        "A gate must not be its own supervisor.",
        sealed_roster(badges=both),
        None,
        error("roster_key_shared"),
    )
    weak = [document["badges"][0] | {"pk": "01" + "00" * 31}]
    yield case(
        "weak key",
        "The identity: one signature fits every message.",
        sealed_roster(badges=weak),
        None,
        error("roster_weak_key"),
    )
    yield case(
        "signed by the command key",
        "Roles are not shared.",
        sealed_roster("command key"),
        None,
        error("document_unknown_key"),
    )
    yield case(
        "signed by the root",
        "The root signs keysets alone.",
        sealed_roster("root"),
        None,
        error("document_unknown_key"),
    )
    yield case(
        "altered",
        "One bit.",
        held[:-70] + bytes((held[-70] ^ 1,)) + held[-69:],
        None,
        error("document_bad_signature"),
    )
    spaced = wire.seal("roster", b" " + wire.spell(document), wire.seed("roster key"))
    yield case("white space", "There is one spelling.", spaced, None, error("document_spelling"))
    other = [document["badges"][0] | {"role": "owner"}]
    yield case(
        "unknown role",
        "Not in the list.",
        sealed_roster(badges=other),
        None,
        error("document_body"),
    )
    for seq, expect in ((2**53 - 1, {"version": 5}), (2**53, error("document_body"))):
        cut = [document["devices"][0] | {"cutoff": {"incarnation": 1, "seq": seq}}]
        why = "JavaScript's numbers end at 2^53."
        yield case(f"cutoff at {seq}", why, sealed_roster(devices=cut), None, expect)
    for version in (0, 2**32):
        raw = sealed_roster(version=version)
        yield case(f"version {version}", "Out of range.", raw, None, error("document_body"))
    last = sealed_roster(version=2**32 - 1)
    yield case("last version", "A bound.", last, held, {"version": 2**32 - 1})
    for name, incarnation, seq, counts in (
        ("gate A", 4_000_000_000, 2**53, True),
        ("gate B", 1, 2**53, True),
        ("gate B", 2, 10, True),
        ("gate B", 2, 11, False),
        ("gate B", 3, 1, False),
        ("gate C", 1, 1, False),
        ("stranger", 1, 1, False),
    ):
        given = {"device": device_id(wire.seed(name)).hex(), "incarnation": incarnation, "seq": seq}
        why = "Up to and with the cutoff; a device that isn't listed never counts."
        yield vector("counts", f"{name} at {incarnation}.{seq}", why, given, {"counts": counts})


def build() -> Json:
    """Return the suite."""
    acts = [*requests(), *commands(), *badges()]
    return {
        "suite": "devices",
        "comment": COMMENT,
        "root": ROOT.hex(),
        "tenant": TENANT.hex(),
        "keyset": keyset().hex(),
        "roster": sealed_roster().hex(),
        "vectors": named([*rosters(), *offers(), *enrolments(), *acts]),
    }


if __name__ == "__main__":
    save(build())
