"""Vectors of the scan log: `python -m tests.vectors.generate_log`.

Records are built by `wire_log`, clocks and chains are reckoned here by hand.
"""

from collections.abc import Iterator
from typing import Any, Final

from tests.vectors import wire, wire_log
from tests.vectors.log_chains import chains
from tests.vectors.log_proofs import keyset, proofs
from tests.vectors.log_times import times
from tests.vectors.suite import Json, named, save, vector
from tests.vectors.wire_log import KINDS, fields, first, readable, seal

COMMENT: Final = (
    "spec/log.md. `op` says what is asked: decode, tick, receive, chain, exchange, proof or time. "
    "Bytes and 64-bit numbers are in hex; a seed is SHA-256('usher vectors: ' + name)."
)


def good(name: str, comment: str, said: Json) -> Json:
    raw = seal(said)
    return vector("decode", name, comment, {"record": raw.hex()}, {"fields": readable(said, raw)})


def bad(name: str, error: str, offset: int, comment: str, raw: bytes) -> Json:
    expect = {"error": error, "offset": offset}
    return vector("decode", name, comment, {"record": raw.hex()}, expect)


def plain(kind: str) -> Json:
    return first() if kind == "BOOT" else fields(kind)


def kinds() -> Iterator[Json]:
    """Yield one good record of each kind, and values at their bounds."""
    for kind in KINDS:
        yield good(f"good {kind}", "The plain case.", plain(kind))
    yield good(
        "later boot",
        "A later BOOT follows the old log.",
        fields("BOOT", 1, b"\x99" * 32, incarnation=2),
    )
    yield good("blind exit", "An exit may name no entry.", fields("OUT", ref=bytes(16)))
    yield good(
        "bits at their most", "cloud, challenge, trusted, degraded.", fields("IN", bits=0b110_1110)
    )
    yield good(
        "by hand", "A ticket found by name; the evidence is a badge's.", fields("IN", bits=0x20)
    )
    yield good("no day cap, no re-entry", "127 is no cap.", fields("IN", terms=0x7F))
    yield good("whole event", "Day 0 is the event.", fields("IN", day=0))
    top: Json = {
        "allowance": 255,
        "gate": 0xFFFF,
        "zone": 0xFFFF,
        "day": 0xFFFF,
        "gen": 0xFFFF,
        "ticket_class": 0xFFFF,
        "manifest": 2**32 - 1,
        "roster": 2**32 - 1,
        "hlc": 2**64 - 1,
        "monotonic": 2**64 - 1,
        "incarnation": 2**32 - 1,
        "seq": 2**64 - 1,
        "reason": 2**32 - 1,
    }
    yield good("numbers at their most", "No field is narrower than its bytes.", fields("IN", **top))


MISSING: Final = {
    "IN": ("event", "gate", "zone", "allowance", "ticket", "ref", "evidence"),
    "OUT": ("event", "gate", "zone", "allowance", "ticket"),
    "ANNUL": ("event", "zone", "ticket", "ref"),
    "DENY": ("event", "ticket", "reason"),
    "OVERRIDE": ("event", "gate", "zone", "allowance", "ticket", "evidence", "reason"),
    "ATTACH": ("ref", "evidence", "reason"),
    "SESSION": ("reason",),
    "CLOCK": ("reason",),
    "MARK": ("reason",),
}
TICKET: Final = ("zone", "day", "allowance", "terms", "ticket", "gen", "ticket_class")
UNEXPECTED: Final = {
    "ANNUL": ("allowance", "terms"),
    "DENY": ("allowance", "terms"),
    "OVERRIDE": ("ref",),
    "ATTACH": TICKET,
    "SESSION": TICKET,
    "BOOT": (*TICKET, "session", "ref"),
    "CLOCK": (*TICKET, "ref"),
    "MARK": TICKET,
}
OFFSET: Final = {name: offset for name, offset, _ in wire_log.FIELDS}
SIZE: Final = {name: size for name, _, size in wire_log.FIELDS}


def needs() -> Iterator[Json]:
    """Yield each kind without each field that it needs, and with each that it must not have."""
    for kind, names in MISSING.items():
        for name in names:
            why = f"{kind} needs its {name}."
            empty: Any = bytes(SIZE[name]) if SIZE[name] > 8 or name == "event" else 0
            raw = seal(fields(kind) | {name: empty})
            yield bad(f"{kind} without {name}", f"record_{name}_missing", OFFSET[name], why, raw)
    for kind, names in UNEXPECTED.items():
        for name in names:
            why = f"{kind} has no {name}: a field that nobody reads must not carry anything."
            full: Any = b"\0" * (SIZE[name] - 1) + b"\1" if SIZE[name] > 8 else 1
            raw = seal(plain(kind) | {name: full})
            yield bad(f"{kind} with {name}", f"record_{name}_unexpected", OFFSET[name], why, raw)


# fmt: off
FORMS: Final[list[tuple[str, str, int, str, Json, str]]] = [
    # (name, error, offset, comment, what replaces fields of a good record, its kind)
    ("version 0", "record_version", 0, "Versions count from 1.", {"version": 0}, "IN"),
    ("version 2", "record_version", 0, "A layout that is not known.", {"version": 2}, "IN"),
    ("kind 0", "record_kind", 1, "Not in the list.", {"kind": 0}, "IN"),
    ("kind 11", "record_kind", 1, "Not in the list.", {"kind": 11}, "IN"),
    ("kind 255", "record_kind", 1, "Not in the list.", {"kind": 255}, "IN"),
    ("bit 7", "record_reserved_bits", 2, "Bits 7 to 15 are zero.", {"bits": 1 << 7}, "IN"),
    ("bit 8", "record_reserved_bits", 2, "Bits 7 to 15 are zero.", {"bits": 1 << 8}, "IN"),
    ("bit 15", "record_reserved_bits", 2, "Bits 7 to 15 are zero.", {"bits": 1 << 15}, "IN"),
    ("confirm 3", "record_confirm", 2, "There are three levels.", {"bits": 0x27}, "IN"),
    ("time quality 3", "record_time_quality", 2, "There are three.", {"bits": 0x34}, "IN"),
    ("ATTACH shown", "record_bits_unexpected", 2, "No ticket.", {"bits": 0x24}, "ATTACH"),
    ("SESSION claimed", "record_bits_unexpected", 2, "No ticket.", {"bits": 0x21}, "SESSION"),
    ("CLOCK shown", "record_bits_unexpected", 2, "No ticket.", {"bits": 0x28}, "CLOCK"),
    ("MARK degraded", "record_bits_unexpected", 2, "No ticket.", {"bits": 0x60}, "MARK"),
    ("BOOT degraded", "record_bits_unexpected", 2, "No ticket.", {"bits": 0x60}, "BOOT"),
    ("incarnation 0", "record_incarnation", 20, "They count from 1.", {"incarnation": 0}, "IN"),
    ("seq 0", "record_seq", 24, "They count from 1.", {"seq": 0}, "IN"),
    ("entry first", "record_boot_place", 1, "A log begins with a BOOT.", {"seq": 1}, "IN"),
    ("boot in the middle", "record_boot_place", 1, "It begins a log.", {"seq": 2}, "BOOT"),
    ("first boot after something", "record_prev", 32, "Nothing was before it.",
     {"prev": b"\x99" * 32}, "BOOT"),
    ("later boot after nothing", "record_prev", 32, "It hides the log before it.",
     {"incarnation": 2}, "BOOT"),
    ("entry after nothing", "record_prev", 32, "Cut off its chain.", {"prev": bytes(32)}, "IN"),
    ("IN with day cap 0", "record_day_cap", 95, "No day at all.", {"terms": 0x80}, "IN"),
    ("OUT with day cap 0", "record_day_cap", 95, "No day at all.", {"terms": 0x80}, "OUT"),
    ("OVERRIDE with day cap 0", "record_day_cap", 95, "No day.", {"terms": 0}, "OVERRIDE"),
]
# fmt: on


def forms() -> Iterator[Json]:
    """Yield records whose form is wrong, whatever their kind."""
    raw = seal(fields("IN"))
    yield bad("empty", "record_length", 0, "Nothing.", b"")
    yield bad("one byte short", "record_length", 255, "Cut off.", raw[:-1])
    yield bad("one byte more", "record_length", 256, "Something behind it.", raw + b"\0")
    yield bad("all zero", "record_version", 0, "An erased block is no record.", bytes(256))
    for name, error, offset, why, changed, kind in FORMS:
        yield bad(name, error, offset, why, seal(plain(kind) | changed))


def stamp(ms: int, counter: int = 0) -> str:
    return f"{ms * 65536 + counter:016x}"


def clocks() -> Iterator[Json]:
    """Yield ticks and receipts of the hybrid logical clock."""
    for name, last, wall, expect, why in (
        ("wall ahead", stamp(5000, 9), 7000, stamp(7000), "The wall clock leads."),
        ("same millisecond", stamp(7000), 7000, stamp(7000, 1), "The counter leads."),
        ("wall set back", stamp(7000, 4), 10, stamp(7000, 5), "Stamps never fall."),
        ("wall before 1970", stamp(0), -5, stamp(0, 1), "Nor does a negative clock hurt."),
        ("counter full", stamp(7000, 65535), 7000, stamp(7001), "It carries into the ms."),
        ("counter full, wall back", stamp(7000, 65535), 0, stamp(7001), "The same."),
        ("year 6429", stamp(7000), 2**48 - 1, stamp(2**47), "A mad clock is cut off."),
    ):
        yield vector("tick", name, why, {"last": last, "wall": wall}, {"stamp": expect})
    for name, last, remote, wall, expect, why in (
        ("peer ahead", stamp(5000), stamp(8000, 3), 6000, stamp(8000, 3), "We follow."),
        ("peer behind", stamp(9000), stamp(8000, 3), 6000, stamp(9000), "We don't go back."),
        ("a minute ahead", stamp(0), stamp(66_000), 6000, stamp(66_000), "Just within."),
        ("more than a minute", stamp(0), stamp(66_000, 1), 6000, stamp(66_000), "Clamped."),
        ("year 10889", stamp(0), "f" * 16, 6000, stamp(66_000), "Clamped."),
        ("ours is far ahead", stamp(10**9), "f" * 16, 6000, stamp(10**9), "Ours stays."),
    ):
        given = {"last": last, "remote": remote, "wall": wall}
        yield vector("receive", name, why, given, {"stamp": expect})


def build() -> Json:
    """Return the suite."""
    vectors = [*kinds(), *needs(), *forms(), *clocks(), *chains(), *proofs(), *times()]
    return {
        "suite": "log",
        "comment": COMMENT,
        "root": wire.public(wire.seed("root")).hex(),
        "keyset": keyset().hex(),
        "vectors": named(vectors),
    }


if __name__ == "__main__":
    save(build())
