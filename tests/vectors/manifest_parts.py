"""Vectors of records, chunks, names and frames: what can be judged without a head."""

from collections.abc import Iterator
from hashlib import sha256
from typing import Final

from tests.vectors import wire
from tests.vectors import wire_manifest as m
from tests.vectors.suite import Json, vector

ISSUER: Final = bytes([0x11] * 32)


def ticket(number: int = 0, gen: int = 1) -> bytes:
    """Return an issuer-signed ticket; the first is that of spec/token.md §1."""
    ticket_id = bytes(range(16)) if not number else sha256(bytes([number])).digest()[:16]
    fields = {"type": 0x11, "flags": 0, "gen": gen, "class": 7, "exp": 0x6D182000}
    ids = {"kid": "bdf79832", "event": m.EVENT.hex(), "ticket": ticket_id.hex(), "holder_pk": ""}
    body = wire.header(fields | ids)
    return body + wire.sign(ISSUER, "ticket", body)


TICKET: Final = ticket()
HASH: Final = m.digest("id", TICKET[14:30])[:16].hex()


def records() -> Iterator[Json]:
    """Yield single records."""
    fields = {"hash": HASH, "number": 0, "gen": 1, "class": 7, "holder": "00000000"}
    for status in range(1, 6):
        raw = m.record(HASH, 0, status=status)
        expect = {"ticket": fields | {"status": status}}
        yield vector("record", f"status {status}", "All five.", {"raw": raw.hex()}, expect)
    raw = m.record("ff" * 16, 2**32 - 1, 65535, 65535, 5, "ff" * 4)
    top = {"hash": "ff" * 16, "number": 2**32 - 1, "gen": 65535, "class": 65535, "status": 5}
    expect = {"ticket": top | {"holder": "ffffffff"}}
    yield vector("record", "highest values", "Every field is full.", {"raw": raw.hex()}, expect)
    right = m.record(HASH, 0)
    for name, raw, error in (
        ("nothing", b"", "ticket_length"),
        ("28 bytes", right[:-1], "ticket_length"),
        ("30 bytes", right + b"\0", "ticket_length"),
        ("status 0", m.record(HASH, 0, status=0), "ticket_status"),
        ("status 6", m.record(HASH, 0, status=6), "ticket_status"),
        ("status 255", m.record(HASH, 0, status=255), "ticket_status"),
    ):
        yield vector("record", name, "One record, alone.", {"raw": raw.hex()}, {"error": error})


def chunks() -> Iterator[Json]:
    """Yield chunks, their hash taken as right."""
    one, two, three = (m.record(f"a1{i:02x}", i) for i in range(3))
    for name, why, raw, tickets in (
        ("empty", "No ticket begins so.", b"", 0),
        ("one", "One record.", one, 1),
        ("three", "By hash.", one + two + three, 3),
        ("numbers in disorder", "Only hashes are in order.", m.record("a1", 9) + two, 2),
        ("lowest and highest", "a100… and a1ff….", one + m.record("a1" + "ff" * 15, 1), 2),
    ):
        given = {"index": 0xA1, "raw": raw.hex()}
        yield vector("chunk", name, why, given, {"tickets": tickets})
    for name, why, raw, error in (
        ("a byte", "29 or nothing.", b"\0", "chunk_length"),
        ("a byte less", "The last record breaks off.", (one + two)[:-1], "chunk_length"),
        ("a byte more", "Something follows.", one + b"\xa1", "chunk_length"),
        ("unsorted", "Bisection would miss one.", two + one, "chunk_unsorted"),
        ("unsorted at the end", "The last but one is higher.", one + three + two, "chunk_unsorted"),
        ("repeated", "The same record twice.", one + one, "chunk_repeated"),
        ("repeated hash", "One ticket, two statuses.", one + m.record("a100", 1, status=2),
         "chunk_repeated"),
        ("chunk below", "Begins with a0.", m.record("a0ff", 0) + one, "chunk_place"),
        ("chunk above", "Begins with a2.", one + m.record("a2", 1), "chunk_place"),
        ("status 0", "In the second record.", one + m.record("a101", 1, status=0),
         "ticket_status"),
        ("status 6", "In the only record.", m.record("a1", 0, status=6), "ticket_status"),
    ):  # fmt: skip
        yield vector("chunk", name, why, {"index": 0xA1, "raw": raw.hex()}, {"error": error})


def sealed() -> Iterator[Json]:
    """Yield single names."""
    key, data = m.name_key(TICKET), m.name_data(TICKET)

    def case(name: str, why: str, blob: bytes, expect: Json, shown: bytes = TICKET) -> Json:
        return vector("name", name, why, {"blob": blob.hex(), "ticket": shown.hex()}, expect)

    for name, why, first, second, size in (
        ("both", "The example of the specification.", "Zoë Ávila", "B12/7", 32),
        ("neither", "A name that says nothing is a name.", "", "", 32),
        ("30 bytes", "The most that 32 hold.", "n" * 20, "s" * 10, 32),
        ("31 bytes", "The least that takes 48.", "n" * 20, "s" * 11, 48),
        ("longest", "120 and 70 bytes.", "ñ" * 60, "s" * 70, 192),
    ):
        plain = m.text(first.encode(), second.encode(), size)
        blob = m.seal_name(key, data, plain, bytes(range(12)))
        yield case(name, why, blob, {"name": first, "seat": second})
    plain = m.text(b"Ana", b"A1")
    right = m.seal_name(key, data, plain)
    other, later = ticket(1), ticket(0, gen=2)
    flipped = right[:20] + bytes([right[20] ^ 1]) + right[21:]
    for name, why, blob, shown in (
        ("other ticket", "Sealed for another ticket.", right, other),
        ("higher gen", "The ticket was sold on: its new holder's name is another.", right, later),
        ("lower gen", "The old code does not open the new holder's name.",
         m.seal_name(m.name_key(later), data, plain), TICKET),
        ("gen alone", "The right signature, and another gen in the key.",
         m.seal_name(m.name_key(TICKET, 2), data, plain), TICKET),
        ("other data", "The right key, tied to another ticket.",
         m.seal_name(key, m.name_data(other), plain), TICKET),
        ("no data", "The right key, tied to nothing.", m.seal_name(key, b"", plain), TICKET),
        ("bit flipped", "In the ciphertext.", flipped, TICKET),
        ("tag cut to zeros", "No tag fits.", right[:-16] + bytes(16), TICKET),
        ("other nonce", "The nonce is part of it.", b"\1" + right[1:], TICKET),
    ):  # fmt: skip
        yield case(name, why, blob, {"error": "name_sealed"}, shown)
    for size in (0, 28, 44, 59, 61, 28 + 16 * 13):
        blob = right.ljust(size, b"\0")[:size]
        yield case(f"{size} bytes", "No blob has so many.", blob, {"error": "name_length"})
    for name, why, wrong in (
        ("not UTF-8", "A lone continuation byte.", m.text(b"\x80", b"")),
        ("name beyond the end", "Its length is 32.", bytes([32]) + bytes(31)),
        ("seat beyond the end", "Name and seat fill 33.", m.text(b"n" * 20, b"")[:21] + b"\x0b" +
         b"s" * 10),
        ("something after the seat", "One byte is not zero.", plain[:-1] + b"\1"),
        ("one step too many", "Zeros go up to 32, and no further.", plain + bytes(16)),
        ("name of 121 bytes", "One more than it may have.", m.text(b"n" * 121, b"", 128)),
        ("seat of 71 bytes", "One more than it may have.", m.text(b"", b"s" * 71, 80)),
    ):  # fmt: skip
        blob = m.seal_name(key, data, wrong)
        yield case(name, why, blob, {"error": "name_text"})


def names() -> Iterator[Json]:
    """Yield names as they travel."""
    blob = bytes(60)
    two = b"\x02" + blob
    for name, raw, sizes in (
        ("nothing", b"", []),
        ("none, one, none", b"\0" + two + b"\0", [0, 60, 0]),
        ("longest", b"\x0c" + bytes(220), [220]),
    ):
        yield vector("names", name, "In the records' order.", {"raw": raw.hex()}, {"sizes": sizes})
    for name, raw, error in (
        ("one step", b"\x01" + bytes(44), "names_size"),
        ("13 steps", b"\x0d" + bytes(236), "names_size"),
        ("255 steps", b"\xff" * 300, "names_size"),
        ("cut in a blob", two[:-1], "names_truncated"),
        ("cut after the length", two + b"\x02", "names_truncated"),
    ):
        yield vector("names", name, "Nobody opens it.", {"raw": raw.hex()}, {"error": error})


def frames() -> Iterator[Json]:
    """Yield answers of several chunks."""
    one = m.frame(0xF9, m.record(HASH, 0))
    two = m.frame(0x00, b"")
    for name, raw, taken, rest in (
        ("nothing", b"", [], b""),
        ("two", one + two, [[0xF9, m.record(HASH, 0).hex()], [0, ""]], b""),
        ("cut in the header", two + one[:4], [[0, ""]], one[:4]),
        ("cut in the content", two + one[:-1], [[0, ""]], one[:-1]),
        ("largest still to come", b"\0" + (3_620_864).to_bytes(4, "big"), [],
         b"\0" + (3_620_864).to_bytes(4, "big")),
    ):  # fmt: skip
        expect = {"frames": taken, "rest": rest.hex()}
        why = "Whole frames are taken, the rest waits."
        yield vector("frames", name, why, {"raw": raw.hex()}, expect)
    large = two + b"\1" + (3_620_865).to_bytes(4, "big")
    why = "Refused before a byte of it is waited for."
    yield vector("frames", "too large", why, {"raw": large.hex()}, {"error": "frame_too_large"})
    many = bytes(5) * 257
    why = "One frame more than there are chunks."
    yield vector("frames", "too many", why, {"raw": many.hex()}, {"error": "frame_too_many"})


def parts() -> Iterator[Json]:
    """Yield all of them."""
    for group in (records, chunks, sealed, names, frames):
        yield from group()
