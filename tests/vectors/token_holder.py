"""Vectors of what the holder adds: live codes, their proof and their moment."""

from collections.abc import Iterator

from tests.vectors import edwards, wire
from tests.vectors.edwards import L
from tests.vectors.suite import Json
from tests.vectors.token_parts import (
    CHALLENGE,
    HOLDER,
    LIVE_REQUIRED,
    NOW,
    THIEF,
    bad,
    fields,
    good,
    shown,
    ticket,
)

STAMPS = {"timed": NOW.to_bytes(4, "big"), "challenged": CHALLENGE}
PRESENT = b"usher/present/v1\0"


def holder_cases(label: str) -> Iterator[Json]:
    """Yield the cases of one way to show a ticket."""
    if label in STAMPS:
        yield from proofs(label)
        yield from weak_keys(label)
    yield from {"static": plain, "bound": plain, "timed": moments, "challenged": answers}[label](
        label
    )


def plain(label: str) -> Iterator[Json]:
    """Yield tickets shown without their holder."""
    raw = ticket(fields(label))
    why = "While a challenge is set, only its answer counts."
    name = f"{label}/challenge set"
    yield bad(name, why, raw, "challenge_required", challenge=CHALLENGE.hex())
    values = fields(label)
    why = "No window fails, so that the clock does not matter."
    yield good(f"{label}/good untrusted clock", why, raw, values, trusted=False)
    if label == "static":
        return
    live = fields(label, flags=LIVE_REQUIRED)
    why = "A screenshot of a ticket that must be shown live."
    yield bad(f"{label}/live required", why, ticket(live), "live_code_required")
    why = "The guest must open the live ticket before any challenge helps."
    name = f"{label}/live required, challenge set"
    yield bad(name, why, ticket(live), "live_code_required", challenge=CHALLENGE.hex())
    why = "A forged LIVE_REQUIRED ticket is forged first."
    forged = ticket(live)[:-64] + ticket(values)[-64:]
    yield bad(f"{label}/live flag added", why, forged, "bad_signature")
    forged = wire.header(values) + ticket(live)[-64:]
    why = "The downgrade: the flag taken off a ticket that must be shown live."
    yield bad(f"{label}/live flag removed", why, forged, "bad_signature")
    weak = fields(label, holder_pk=edwards.encode(edwards.IDENTITY).hex())
    why = "The holder's key is looked at only where it has signed."
    yield good(f"{label}/good holder key unused", why, ticket(weak), weak)


def proofs(label: str) -> Iterator[Json]:
    """Yield live codes of a good ticket, with a holder's signature that is wrong."""
    kind, stamp = (0x13, STAMPS["timed"]) if label == "timed" else (0x14, CHALLENGE)
    raw = ticket(fields(label))
    right = shown(label, raw)
    body, r, s = right[:138], right[138:170], int.from_bytes(right[170:], "little")
    optional = fields(label, flags=0)
    why = "A live code of a ticket that need not be shown live."
    yield good(f"{label}/good optional", why, shown(label, ticket(optional)), optional)
    next_gen = shown(label, ticket(fields(label, gen=2)))
    other = shown(label, ticket(fields(label, ticket="ff" * 16)))
    swapped = bytes((0x27 - kind,)) + right[1:]
    for name, wrong, why in (
        ("proof last bit", right[:-1] + bytes((right[-1] ^ 0x80,)), "One bit of S."),
        ("proof first bit", body + bytes((r[0] ^ 1,)) + right[139:], "One bit of R."),
        ("proof zero", body + bytes(64), "R of order 4 and S = 0."),
        (
            "proof S plus L",
            body + r + (s + L).to_bytes(32, "little"),
            "The equation holds, S >= L.",
        ),
        ("proof by thief", wire.present(kind, raw, stamp, THIEF), "Signed by another holder."),
        ("proof by issuer", wire.present(kind, raw, stamp, wire.seed("current")), "Not by issuer."),
        (
            "proof in other domain",
            wire.present(kind, raw, stamp, HOLDER, "ticket"),
            "Not a ticket's.",
        ),
        ("proof of next gen", body + next_gen[138:], "It fits one generation."),
        ("proof of other ticket", body + other[138:], "It fits one ticket."),
        ("moved stamp", body[:137] + bytes((body[137] ^ 1,)) + right[138:], "A stamp not signed."),
    ):
        yield bad(f"{label}/{name}", why, wrong, "bad_holder_proof")
    why = "A time for a challenge or a challenge for a time: the type byte is signed too."
    challenge = None if label == "challenged" else CHALLENGE.hex()
    yield bad(f"{label}/swapped type", why, swapped, "bad_holder_proof", challenge=challenge)
    secret = edwards.expand(HOLDER)
    pk = edwards.encode(secret.public)
    identity = edwards.encode(edwards.IDENTITY)
    s = edwards.challenge(identity, pk, PRESENT + body) * secret.scalar % L
    forged = identity + s.to_bytes(32, "little")
    assert edwards.verdicts(pk, PRESENT + body, forged) == (True, True)
    why = "R the identity, made with the holder's own secret: the equation holds, R is refused."
    yield bad(f"{label}/proof identity R", why, body + forged, "bad_holder_proof")
    twisted = edwards.sign(secret.scalar, 4, PRESENT + body, pk, edwards.TORSION[4])
    assert edwards.verdicts(pk, PRESENT + body, twisted) == (False, True)
    why = "R of mixed order: only the equation times the cofactor holds, and that is not ours."
    yield bad(f"{label}/proof mixed R", why, body + twisted, "bad_holder_proof")


def weak_keys(label: str) -> Iterator[Json]:
    """Yield live codes of tickets whose holder key anybody can sign for, or two can."""
    for name, pk in edwards.small_order_encodings():
        values = fields(label, holder_pk=pk.hex())
        why = "A signature that needs no secret. Libraries without a point check accept it."
        point = edwards.decode(pk)
        assert point
        code = accepted_anyhow(label, ticket(values), pk, 0, point)
        yield bad(f"{label}/holder key {name}", why, code, "bad_holder_key")
    secret = edwards.expand(HOLDER)
    for twist in (1, 2, 4):
        point = edwards.TORSION[twist]
        pk = edwards.encode(edwards.add(secret.public, point))
        values = fields(label, holder_pk=pk.hex())
        code = accepted_anyhow(label, ticket(values), pk, secret.scalar, point)
        why = "A key of mixed order, and a signature that Ed25519 libraries do accept."
        name = f"{label}/holder key mixed order {edwards.order(point)}"
        yield bad(name, why, code, "bad_holder_key")
    off = next(edwards.raw(y, 0) for y in range(2, 99) if edwards.recover(y, 0) is None)
    for name, pk in (
        ("off the curve", off),
        ("y = p + 3", edwards.raw(edwards.P + 3, 0)),
        ("all ones", b"\xff" * 32),
    ):
        values = fields(label, holder_pk=pk.hex())
        why = "Not the encoding of a point that may be a key."
        code = shown(label, ticket(values))
        yield bad(f"{label}/holder key {name}", why, code, "bad_holder_key")


def accepted_anyhow(label: str, raw: bytes, pk: bytes, scalar: int, twist: edwards.Point) -> bytes:
    """Return a presentation under the key scalar * B + twist whose equation holds."""
    body = shown(label, raw)[:138]
    for nonce in range(1, 200):
        signature = edwards.sign(scalar, nonce, PRESENT + body, pk)
        # The twist drops out where the hash is a multiple of its order.
        if edwards.challenge(signature[:32], pk, PRESENT + body) % edwards.order(twist) == 0:
            assert edwards.verdicts(pk, PRESENT + body, signature)[0]
            return body + signature
    raise AssertionError("no signature found")


def moments(label: str) -> Iterator[Json]:
    """Yield live codes at the edges of their time."""
    values = fields(label)
    raw = ticket(values)

    def at(second: int) -> bytes:
        return wire.present(0x13, raw, second.to_bytes(4, "big"), HOLDER)

    for seconds in (-45, -1, 1, 30):
        why = "Inside: both bounds belong to it."
        yield good(f"{label}/good {seconds:+} s", why, at(NOW + seconds), values)
    for now_ms, second in ((999, NOW - 45), (999, NOW + 30)):
        why = "The gate's time counts in whole seconds, rounded down."
        name = f"{label}/good {second - NOW:+} s and {now_ms} ms"
        yield good(name, why, at(second), values, now_ms=NOW * 1000 + now_ms)
    for seconds, error in ((-46, "stale_past"), (31, "stale_future")):
        yield bad(f"{label}/{seconds:+} s", "One second outside.", at(NOW + seconds), error)
    yield bad(f"{label}/second 0", "The oldest there is.", at(0), "stale_past")
    yield bad(f"{label}/last second", "The newest there is.", at(2**32 - 1), "stale_future")
    strict = {"live_past": 0, "live_future": 0}
    yield good(f"{label}/good no tolerance", "This very second.", at(NOW), values, **strict)
    why = "An event may ask for less tolerance."
    yield bad(f"{label}/-1 s, no tolerance", why, at(NOW - 1), "stale_past", **strict)
    yield bad(f"{label}/+1 s, no tolerance", why, at(NOW + 1), "stale_future", **strict)
    why = "An event may allow more."
    yield good(f"{label}/good -3600 s", why, at(NOW - 3600), values, live_past=3600)
    why = "A gate that does not know the time cannot judge a live code's."
    yield bad(f"{label}/untrusted clock", why, at(NOW), "live_clock_untrusted", trusted=False)
    why = "While a challenge is set, no time will do."
    challenge = CHALLENGE.hex()
    name = f"{label}/challenge set"
    yield bad(name, why, at(NOW), "challenge_required", challenge=challenge)
    forged = at(NOW - 46)[:-1] + bytes((at(NOW - 46)[-1] ^ 0x80,))
    why = "The proof is judged before the moment."
    yield bad(f"{label}/-46 s forged", why, forged, "bad_holder_proof")


def answers(label: str) -> Iterator[Json]:
    """Yield answers to a challenge, or to none."""
    values = fields(label)
    raw = ticket(values)

    def answer(challenge: bytes) -> bytes:
        return wire.present(0x14, raw, challenge, HOLDER)

    why = "A challenge needs no common clock."
    name = f"{label}/good untrusted clock"
    yield good(name, why, answer(CHALLENGE), values, trusted=False)
    for stamp in (bytes(4), b"\xff" * 4):
        why = "Any four bytes may be a challenge."
        name = f"{label}/good challenge {stamp.hex()}"
        yield good(name, why, answer(stamp), values, challenge=stamp.hex())
    for stamp in (bytes(4), CHALLENGE[::-1], NOW.to_bytes(4, "big")):
        why = "The answer to another challenge."
        yield bad(f"{label}/answer {stamp.hex()}", why, answer(stamp), "wrong_challenge")
    why = "An answer where nothing was asked: signed ahead of time, perhaps by somebody else."
    yield bad(f"{label}/not asked", why, answer(CHALLENGE), "challenge_not_asked", challenge=None)
    why = "Four bytes that are this very second are no time."
    code = answer(NOW.to_bytes(4, "big"))
    yield bad(f"{label}/a time, not asked", why, code, "challenge_not_asked", challenge=None)
