"""Proofs by a scanned code in the log's vectors: is this blob what the record rests on?"""

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from tests.vectors import token_parts, wire
from tests.vectors.suite import Json, vector
from tests.vectors.wire_log import fields, seal


def keyset() -> bytes:
    """Return the signed keyset that the proofs are checked with."""
    return wire.seal("keyset", wire.spell(token_parts.keyset()), wire.seed("root"))


def evidence(blob: bytes) -> bytes:
    return sha256(b"usher/evidence/v1\0" + blob).digest()


def says(values: Json, blob: bytes) -> dict[str, Any]:
    """Return what a record says of a ticket of these fields."""
    ticket = bytes.fromhex(values["ticket"])
    return {
        "event": bytes.fromhex(values["event"]),
        "ticket": sha256(b"usher/id/v1\0" + ticket).digest()[:16],
        "gen": values["gen"],
        "ticket_class": values["class"],
        "evidence": evidence(blob),
    }


def case(
    name: str, comment: str, proves: bool, blob: bytes, said: dict[str, Any], kind: str = "OUT"
) -> Json:
    raw = seal(fields(kind, **said))
    given = {"record": raw.hex(), "blob": blob.hex()}
    return vector("proof", name, comment, given, {"proves": proves})


def proofs() -> Iterator[Json]:
    """Yield codes that prove an exit or a generation, and codes that don't."""
    for label in ("static", "bound", "timed", "challenged"):
        values = token_parts.fields(label)
        blob = token_parts.shown(label, token_parts.ticket(values))
        said = says(values, blob)
        yield case(f"exit by {label}", "The code that was scanned.", True, blob, said)
        yield case(f"entry by {label}", "It vouches for the generation.", True, blob, said, "IN")
        cut = blob[:-1]
        yield case(
            f"{label} cut off", "No code at all.", False, cut, said | {"evidence": evidence(cut)}
        )
    yield from mismatches()
    yield from untrusted()


def mismatches() -> Iterator[Json]:
    values = token_parts.fields("static")
    blob = token_parts.ticket(values)
    said = says(values, blob)
    for name, changed, why in (
        ("another code", {"evidence": bytes(31) + b"\1"}, "The record names another code."),
        ("another event", {"event": b"\xe2" * 8}, "A ticket of another night."),
        ("another ticket", {"ticket": b"\x01" * 16}, "A thief's own ticket."),
        ("raised generation", {"gen": 2}, "A device can't make a generation up."),
        ("another class", {"ticket_class": 8}, "The class is signed too."),
    ):
        yield case(name, why, False, blob, said | changed)
    yield case("undone by a code", "Only a badge undoes.", False, blob, said, "ANNUL")
    yield case("override by a code", "Only a badge overrides.", False, blob, said, "OVERRIDE")
    yield case(
        "denial",
        "A denial acts on nothing and needs no proof.",
        False,
        blob,
        said | {"reason": 64},
        "DENY",
    )
    yield case(
        "by hand with a code",
        "What is admitted by hand rests on a badge.",
        False,
        blob,
        said | {"bits": 0x20},
        "IN",
    )
    for name, junk in (("empty", b""), ("long", bytes(203)), ("unknown type", b"\x7f" * 102)):
        yield case(f"{name} blob", "Not a code.", False, junk, said | {"evidence": evidence(junk)})


def untrusted() -> Iterator[Json]:
    for issuer, proves, why in (
        ("ended", True, "A key's window is not looked at: the record's time proves nothing."),
        ("other night", True, "Any event of the tenant."),
        ("withdrawn", False, "A withdrawn key vouches for nothing."),
        ("stranger", False, "A key that the keyset doesn't know."),
    ):
        values = token_parts.fields("static", issuer)
        blob = token_parts.ticket(values, issuer)
        yield case(f"key {issuer}", why, proves, blob, says(values, blob))
    values = token_parts.fields("static")
    blob = token_parts.ticket(values, "stranger")
    yield case("forged", "The right kid, another's signature.", False, blob, says(values, blob))
    values = token_parts.fields("timed")
    ticket = token_parts.ticket(values)
    blob = token_parts.shown("timed", ticket, token_parts.THIEF)
    yield case(
        "another holder", "Not signed by the ticket's holder.", False, blob, says(values, blob)
    )
    still = token_parts.fields("bound", flags=token_parts.LIVE_REQUIRED)
    blob = token_parts.ticket(still)
    yield case(
        "live code shown still",
        "An exit lets everybody out; the ticket is genuine.",
        True,
        blob,
        says(still, blob),
    )
