"""Vectors of tickets and presentations: `python -m tests.vectors.generate_token`."""

from collections.abc import Iterator

from tests.vectors import wire
from tests.vectors.edwards import L
from tests.vectors.suite import Json, named, save
from tests.vectors.token_holder import holder_cases
from tests.vectors.token_parts import (
    EVENT,
    HOLDER,
    ISSUERS,
    LABELS,
    NOW,
    OTHER_EVENT,
    THIEF,
    bad,
    fields,
    good,
    keyset,
    shown,
    ticket,
)

BOUNDARIES = {
    "exp": (0, 2**32 - 1, NOW - 1),
    "gen": (0, 65535),
    "class": (0, 65535),
    "ticket": ("00" * 16, "ff" * 16),
}


def accepted(label: str) -> Iterator[Json]:
    """Yield good codes, with every field at its bounds and keys at the edges of their windows."""
    values = fields(label)
    yield good(f"{label}/good", "The plain case.", shown(label, ticket(values)), values)
    for field, bounds in BOUNDARIES.items():
        for value in bounds:
            values = fields(label) | {field: value}
            why = "A bound of the field; expiry is not a matter of verification."
            name = f"{label}/good {field} {value}"
            yield good(name, why, shown(label, ticket(values)), values)
    for issuer, why in (
        ("just begun", "not_before is the first second of the window."),
        ("last second", "not_after - 1 is the last second of the window."),
        ("other night", "A key of another event of the same tenant: genuine, the rules decide."),
    ):
        values = fields(label, issuer)
        raw = shown(label, ticket(values, issuer))
        yield good(f"{label}/good key {issuer}", why, raw, values)
    values = fields(label, "last second")
    raw = shown(label, ticket(values, "last second"))
    why = "Bounds are in whole seconds: 999 ms into the last one is inside."
    yield good(f"{label}/good key last ms", why, raw, values, now_ms=NOW * 1000 + 999)


def texts(label: str) -> Iterator[Json]:
    """Yield codes whose text is wrong and whose bytes would be right."""
    raw = shown(label, ticket(fields(label)))
    text = wire.code(raw)
    letter = next(i for i in range(40, len(text)) if text[i].isalpha())
    wide = text[:letter] + chr(ord(text[letter]) + 0xFEE0) + text[letter + 1 :]
    lower = text[:letter] + text[letter].lower() + text[letter + 1 :]
    assert text[-2] != "."
    for name, error, wrong, why in (
        ("513 characters", "too_long", text[:-1] + "0" * (513 - len(text)) + ".", "One too many."),
        ("512 characters", "base45_length", text[:-1] + "0" * (512 - len(text)) + ".", "The cap."),
        ("wide letter", "not_ascii", wide, "A full-width letter looks the same and is another."),
        ("wide prefix", "not_ascii", "\uff35" + text[1:], "A full-width U."),
        ("Cyrillic digit", "not_ascii", text[:9] + "\u0417" + text[10:], "A Cyrillic Ze for a 3."),
        ("no-break space", "not_ascii", text[:-1] + "\xa0.", "A no-break space for a space."),
        ("byte order mark", "not_ascii", "\ufeff" + text, "Nothing is stripped."),
        ("no prefix", "not_a_ticket", text[3:], "Base45 without the prefix."),
        ("small prefix", "not_a_ticket", "u1:" + text[3:], "The prefix is in upper case."),
        ("leading space", "not_a_ticket", " " + text, "Nothing is stripped."),
        ("prefix U2", "unknown_prefix", "U2:" + text[3:], "A newer text form."),
        ("prefix U9", "unknown_prefix", "U9:" + text[3:], "The newest text form there can be."),
        ("prefix U0", "not_a_ticket", "U0:" + text[3:], "There never was a form 0."),
        ("no terminator", "no_terminator", text[:-1], "The dot shields trailing spaces."),
        ("trailing space", "no_terminator", text + " ", "After the dot there is nothing."),
        ("line end", "no_terminator", text + "\n", "A line end is the reader's, not the code's."),
        ("small letter", "base45_alphabet", lower, "Base45 has no lower case."),
        ("two dots", "base45_length", text + ".", "The inner dot is a base45 character."),
        ("two missing", "base45_length", text[:-3] + ".", "No length leaves one character over."),
        ("triplet GGW", "base45_triplet", "U1:GGW" + text[6:], "65536, the least too large."),
        ("triplet :::", "base45_triplet", text[:-4] + ":::.", "91124, the largest."),
        ("pair V5", "base45_pair", text[:-4] + "V5.", "256, the least too large."),
        ("pair ::", "base45_pair", text[:-1] + "::.", "2024, the largest."),
    ):
        yield bad(f"{label}/{name}", why, wrong, error)


def forms(label: str) -> Iterator[Json]:
    """Yield codes whose bytes are not a ticket's."""
    raw = shown(label, ticket(fields(label)))
    for size in (size for size in (102, 134, 202) if size != len(raw)):
        cut = (raw + bytes(100))[:size]
        why = "A length that only another type has."
        yield bad(f"{label}/{size} bytes", why, cut, "wrong_length")
    for size in (len(raw) - 1, len(raw) + 1, 1, 39):
        cut = (raw + b"\0")[:size]
        yield bad(f"{label}/{size} bytes", "No type has this length.", cut, "wrong_length")
    if label == "static":
        yield bad(f"{label}/no bytes", "A form without content.", b"", "wrong_length")
    for kind in (0x00, 0x10, 0x15, 0x21, 0x22, 0x91, 0xFF):
        why = "0x22 is reserved." if kind == 0x22 else "No type of this version."
        name = f"{label}/type {kind:02x}"
        yield bad(name, why, bytes((kind,)) + raw[1:], "unknown_type")
    for flags in (1 if label == "static" else 3, 0x02, 0x80, 0xFE):
        marked = shown(label, ticket(fields(label, flags=flags)))
        why = "Signed with a flag that this type does not have: still refused."
        yield bad(f"{label}/flags {flags:02x}", why, marked, "reserved_flags")
    broken = bytearray(shown(label, ticket(fields(label, flags=0x02))))
    broken[-1] ^= 1
    why = "The form is judged before any signature."
    yield bad(f"{label}/flags 02 forged", why, bytes(broken), "reserved_flags")


def issuers(label: str) -> Iterator[Json]:
    """Yield codes whose issuer key is not one to be trusted now."""
    for name, issuer, event, why in (
        ("stranger", "stranger", EVENT, "A key in no keyset."),
        ("key of other night", "other night", EVENT, "A known kid, but for another event."),
        ("event of other night", "current", OTHER_EVENT, "A known event, but another's kid."),
        ("event unknown", "current", "0000000000000000", "A known kid for an unknown event."),
    ):
        raw = shown(label, ticket(fields(label, issuer, event=event), issuer))
        yield bad(f"{label}/{name}", why, raw, "unknown_issuer")
    forged = ticket(fields(label, "withdrawn"), "current")
    for name, raw in (("", ticket(fields(label, "withdrawn"), "withdrawn")), (" forged", forged)):
        why = "Withdrawn is told before the signature is looked at."
        yield bad(f"{label}/withdrawn{name}", why, shown(label, raw), "revoked_key")
    for issuer, why in (("next", "not_before - 1"), ("ended", "not_after itself")):
        raw = shown(label, ticket(fields(label, issuer), issuer))
        yield bad(f"{label}/key {issuer}", f"{why} is outside.", raw, "key_outside_window")
        why = "Outside the window by a clock that nothing vouches for."
        name = f"{label}/key {issuer} untrusted"
        yield bad(name, why, raw, "clock_untrusted", trusted=False)


def signatures(label: str) -> Iterator[Json]:
    """Yield codes whose issuer signature is wrong, each shown by its holder as it should be."""
    values = fields(label)
    raw = ticket(values)
    s = int.from_bytes(raw[-32:], "little")
    changes = {"gen": 2, "class": 8, "exp": NOW + 2_000_000, "ticket": "ff" * 16}
    for field, value in changes.items():
        forged = wire.header(values | {field: value}) + raw[-64:]
        why = "A field changed after signing."
        yield bad(f"{label}/forged {field}", why, shown(label, forged), "bad_signature")
    for name, wrong, why in (
        ("last bit", raw[:-1] + bytes((raw[-1] ^ 0x80,)), "One bit of S."),
        ("first bit", raw[:-64] + bytes((raw[-64] ^ 1,)) + raw[-63:], "One bit of R."),
        ("zero signature", raw[:-64] + bytes(64), "R of order 4 and S = 0."),
        ("identity R", raw[:-64] + b"\1" + bytes(63), "R the identity and S = 0."),
        ("S plus L", raw[:-32] + (s + L).to_bytes(32, "little"), "The equation holds, S >= L."),
        ("other key", ticket(values, "other night"), "Right kid, signed by another key."),
        ("other domain", ticket(values, domain="present"), "Signed for another purpose."),
        ("other version", ticket(values, domain="ticket2"), "Signed for another purpose."),
    ):
        yield bad(f"{label}/{name}", why, shown(label, wrong), "bad_signature")
    if label != "static":
        stolen = wire.header(values | {"holder_pk": wire.public(THIEF).hex()}) + raw[-64:]
        why = "Bound to the thief's key after signing, and shown with it."
        name = f"{label}/forged holder"
        yield bad(name, why, shown(label, stolen, THIEF), "bad_signature")


def build() -> Json:
    """Return the suite."""
    vectors = [
        vector
        for label in LABELS
        for cases in (accepted, texts, forms, issuers, signatures, holder_cases)
        for vector in cases(label)
    ]
    body = keyset()
    return {
        "suite": "token",
        "comment": "Tickets and presentations: spec/token.md. Verify `text` by `keyset` "
        "(`document` is the same, signed by its root) at `now_ms`. Seeds are 32-byte Ed25519 "
        "secrets, for trying out one's own signing.",
        "keyset": body,
        "document": wire.seal("keyset", wire.spell(body), wire.seed("root")).hex(),
        "seeds": {name: wire.seed(name).hex() for name in ISSUERS} | {"holder": HOLDER.hex()},
        "vectors": named(vectors),
    }


if __name__ == "__main__":
    save(build())
