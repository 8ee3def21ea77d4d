"""Chains and exchanges of the log's vectors: what was done to good records, by hand."""

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from tests.vectors import wire
from tests.vectors.suite import Json, vector
from tests.vectors.wire_log import GATE, OTHER_GATE, chain, device_id, fields, first, joined, seal

EVERY = chain(5)
OTHER = chain(5, gate=9)  # another history of the same device, the BOOT in common


def digest(raw: bytes) -> bytes:
    return sha256(raw).digest()


def head(seq: int, raws: list[bytes], incarnation: int = 1) -> Json:
    """Return the place of a chain's record `seq`."""
    return {
        "device": device_id(GATE).hex(),
        "incarnation": incarnation,
        "seq": seq,
        "hash": digest(raws[seq - 1]).hex(),
    }


def case(
    name: str,
    comment: str,
    raws: list[bytes],
    accepted: int,
    broken: tuple[int, str] | None = None,
    start: Json | None = None,
) -> Json:
    """Return a vector: the first `accepted` records are the device's own."""
    given = {"pk": wire.public(GATE).hex(), "start": start, "records": joined(raws)}
    expect: dict[str, Any] = {
        "hashes": [digest(raw).hex() for raw in raws[:accepted]],
        "broken": broken and {"at": broken[0], "fault": broken[1]},
    }
    return vector("chain", name, comment, given, expect)


def forged(raw: bytes) -> bytes:
    """Return the record with a signature that is not the device's."""
    return raw[:192] + wire.sign(OTHER_GATE, "log", raw[:192])


def after(raws: list[bytes], secret: bytes = GATE, **says: Any) -> bytes:
    """Return a record that follows `raws`."""
    says = {"device": device_id(GATE)} | says
    return seal(fields("IN", len(raws) + 1, digest(raws[-1])) | says, secret)


def chains() -> Iterator[Json]:
    """Yield batches, good and bad, and exchanges."""
    yield from good()
    yield from broken()
    yield from signatures()
    yield from exchanges()


def good() -> Iterator[Json]:
    yield case("good", "A BOOT and four entries.", EVERY, 5)
    yield case("boot alone", "The shortest log.", EVERY[:1], 1)
    yield case("nothing", "An empty batch is no fault.", [], 0)
    yield case("nothing after a head", "Nor after a head.", [], 0, start=head(2, EVERY))
    yield case("goes on", "From the head that is held.", EVERY[2:], 3, start=head(2, EVERY))
    later = chain(3, incarnation=2, prev=digest(EVERY[-1]))
    yield case("second incarnation", "Its BOOT follows the last record of the first.", later, 3)
    many = chain(2, incarnation=2**32 - 1, prev=digest(EVERY[-1]))
    yield case("last incarnation", "All four bytes count.", many, 2)
    yield case(
        "another incarnation by its first byte",
        "All four bytes count.",
        [EVERY[0], after(EVERY[:1], incarnation=2**24 + 1)],
        1,
        (1, "incarnation"),
    )
    stray = chain(2, incarnation=2, prev=b"\x99" * 32)
    yield case(
        "boot after what is unknown", "Which record it follows is judged elsewhere.", stray, 2
    )
    odd = [EVERY[0], after(EVERY[:1], bits=0x8024)]
    odd.append(after(odd))
    yield case(
        "a record that says nonsense", "The chain holds; decoding refuses that one record.", odd, 3
    )


def broken() -> Iterator[Json]:
    two = head(2, EVERY)
    yield case(
        "cut off", "The last byte is missing.", [*EVERY[:4], EVERY[4][:-1]], 4, (4, "truncated")
    )
    yield case("shorter than a record", "Nothing whole.", [EVERY[0][:100]], 0, (0, "truncated"))
    yield case("one byte", "Not even a device.", [b"\1"], 0, (0, "truncated"))
    yield case("dropped", "The third is missing.", [*EVERY[:2], *EVERY[3:]], 2, (2, "gap"))
    yield case(
        "huge gap",
        "All eight bytes of seq count.",
        [*EVERY[:2], after(EVERY[:2], seq=2**56 + 1)],
        2,
        (2, "gap"),
    )
    yield case(
        "swapped", "The fourth before the third.", [*EVERY[:2], EVERY[3], EVERY[2]], 2, (2, "gap")
    )
    yield case("repeated", "The second twice.", [*EVERY[:2], *EVERY[1:]], 2, (2, "repeated"))
    yield case("no boot", "Without a head a log begins with seq 1.", EVERY[2:], 0, (0, "gap"))
    yield case("before the head", "All of it is held.", EVERY, 0, (0, "repeated"), start=two)
    yield case("after the head", "The third is missing.", EVERY[3:], 0, (0, "gap"), start=two)
    theirs = chain(5, OTHER_GATE)
    yield case(
        "foreign record",
        "Another device's record in a batch.",
        [*EVERY[:2], theirs[2]],
        2,
        (2, "foreign"),
    )
    yield case("foreign batch", "A queue uploaded by another device.", theirs, 0, (0, "foreign"))
    yield case(
        "two incarnations",
        "A batch is of one.",
        [*EVERY, *chain(2, incarnation=2, prev=digest(EVERY[-1]))],
        5,
        (5, "incarnation"),
    )
    newer = [*EVERY[:2], after(EVERY[:2], version=2)]
    yield case(
        "newer layout",
        "A record of another version ends what can be read.",
        newer,
        2,
        (2, "version"),
    )
    yield case(
        "fork",
        "The fourth follows another third, and is signed.",
        [*EVERY[:3], OTHER[3]],
        3,
        (3, "fork"),
    )
    yield case(
        "fork at the head",
        "What is held and what comes have parted.",
        OTHER[2:],
        0,
        (0, "fork"),
        start=two,
    )
    held = [seal(first(incarnation=2, prev=digest(EVERY[1])))]
    copy = chain(3, incarnation=2, prev=digest(EVERY[-1]))
    yield case(
        "restored from a copy",
        "Two boots of one number; what follows the second can't follow the first.",
        copy[1:],
        0,
        (0, "fork"),
        start=head(1, held, 2),
    )
    yield case(
        "swapped middle",
        "Two signed thirds; the fourth follows the one not here.",
        [*EVERY[:2], after(EVERY[:2], gate=9), *EVERY[3:]],
        3,
        (3, "fork"),
    )


def signatures() -> Iterator[Json]:
    def altered(raw: bytes, offset: int) -> bytes:
        return raw[:offset] + bytes((raw[offset] ^ 1,)) + raw[offset + 1 :]

    yield case(
        "altered middle",
        "A flipped bit: its signature and the next prev are wrong.",
        [*EVERY[:2], altered(EVERY[2], 91), *EVERY[3:]],
        2,
        (2, "bad_signature"),
    )
    yield case(
        "altered prev",
        "A link made wrong by a third party is no fork.",
        [*EVERY[:2], altered(EVERY[2], 40), *EVERY[3:]],
        2,
        (2, "bad_signature"),
    )
    yield case(
        "altered signature in the middle",
        "The next record's prev covers it.",
        [*EVERY[:2], altered(EVERY[2], 200), *EVERY[3:]],
        2,
        (2, "bad_signature"),
    )
    yield case(
        "altered signature at the end",
        "Nothing after it vouches for it.",
        [*EVERY[:4], altered(EVERY[4], 200)],
        4,
        (4, "bad_signature"),
    )
    tail = [*EVERY[:3], forged(after(EVERY[:3]))]
    tail.append(forged(after(tail)))
    yield case("forged suffix", "Chained well, signed by another.", tail, 3, (3, "bad_signature"))
    yield case(
        "forged whole", "All of it by another key.", [forged(EVERY[0])], 0, (0, "bad_signature")
    )
    covered = [*EVERY[:2], forged(after(EVERY[:2]))]
    covered.append(after(covered))
    yield case(
        "unsigned and covered", "The device signed the fourth over the third as it is.", covered, 4
    )
    yield case(
        "covered, then a forged suffix",
        "What is covered stays.",
        [*covered, forged(after(covered))],
        4,
        (4, "bad_signature"),
    )
    other = seal(fields("IN", 6, digest(EVERY[-1])), GATE, "present")
    yield case(
        "signed for another purpose",
        "The domain is part of the signature.",
        [*EVERY, other],
        5,
        (5, "bad_signature"),
    )


def exchanges() -> Iterator[Json]:
    a, b, x, y = "aa" * 16, "bb" * 16, "11" * 32, "22" * 32
    for name, mine, theirs, send, forks, why in (
        ("all the same", [[a, 1, 9, x]], [[a, 1, 9, x]], [], [], "Nothing to do."),
        ("nothing there", [[a, 1, 9, x]], [], [[a, 1, 0, 9]], [], "From the start."),
        ("nothing here", [], [[a, 1, 9, x]], [], [], "They will send."),
        ("behind", [[a, 1, 9, x]], [[a, 1, 4, y]], [[a, 1, 4, 9]], [], "The suffix."),
        ("ahead", [[a, 1, 4, y]], [[a, 1, 9, x]], [], [], "They will send."),
        (
            "each something",
            [[a, 1, 9, x], [b, 1, 1, x]],
            [[a, 1, 9, x], [b, 2, 5, y]],
            [[b, 1, 0, 1]],
            [],
            "Incarnations are apart.",
        ),
        (
            "more than a batch",
            [[a, 1, 9000, x]],
            [[a, 1, 100, y]],
            [[a, 1, 100, 4196], [a, 1, 4196, 8292], [a, 1, 8292, 9000]],
            [],
            "4096 at a time.",
        ),
        (
            "in order",
            [[b, 1, 1, x], [a, 2, 1, x], [a, 1, 1, x]],
            [],
            [[a, 1, 0, 1], [a, 2, 0, 1], [b, 1, 0, 1]],
            [],
            "Old incarnations first.",
        ),
        ("forked", [[a, 1, 9, x]], [[a, 1, 9, y]], [], [[a, 1]], "One place, two records."),
    ):
        given = {"mine": mine, "theirs": theirs}
        yield vector("exchange", name, why, given, {"send": send, "forked": forks})
