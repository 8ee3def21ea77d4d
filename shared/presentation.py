"""Live codes: a bound ticket signed again by its holder (spec/token.md §4 and §6).

Rules:
- The holder signs the issuer's signature too, so that a presentation fits one ticket and one
  generation of it.
- The holder's key comes from the guest, so it is checked apart from the signature: Ed25519
  libraries differ on keys of small and mixed order.
- A challenge that the gate shows is answered, or nothing is: while one is set, no other code
  counts.
"""

import struct
from typing import Final, NamedTuple

from shared import keys
from shared.errors import Untrusted
from shared.instant import Instant
from shared.log.record import Shown
from shared.token import BOUND, BOUND_SIZE, CHALLENGED, HEADER, HOLDER_END, TIMED, Parsed

DOMAIN: Final = b"usher/present/v1\0"
SIGNED: Final = BOUND_SIZE + 4  # the holder's signature covers the bytes before it
STAMP: Final = struct.Struct(">I")


class Freshness(NamedTuple):
    """How far, in seconds, a live code's time may lie from the gate's."""

    live_past: int = 45
    live_future: int = 30


def present(ticket: bytes, secret: bytes, at: int) -> bytes:
    """Return a live code of the holder's for the unix second `at`."""
    return _sign(TIMED, ticket, STAMP.pack(at), secret)


def answer(ticket: bytes, secret: bytes, challenge: bytes) -> bytes:
    """Return the holder's answer to a gate's four bytes."""
    if len(challenge) != STAMP.size:
        raise ValueError("a challenge has 4 bytes")
    return _sign(CHALLENGED, ticket, challenge, secret)


def _sign(shown: int, ticket: bytes, stamp: bytes, secret: bytes) -> bytes:
    if len(ticket) != BOUND_SIZE or ticket[0] != BOUND:
        raise ValueError("only a bound ticket can be shown live")
    if ticket[HEADER.size : HOLDER_END] != keys.public_key(secret):
        raise ValueError("the ticket is bound to another key")
    body = bytes((shown,)) + ticket[1:] + stamp
    return body + keys.sign(secret, DOMAIN, body)


def check_holder(code: Parsed) -> None:
    """Refuse a live code that the ticket's holder did not sign."""
    holder_pk, signature = code.token.holder_pk, code.raw[SIGNED:]
    if not keys.is_valid_point(holder_pk):
        raise Untrusted("bad_holder_key", HEADER.size)
    if not keys.verify(holder_pk, DOMAIN, code.raw[:SIGNED], signature):
        raise Untrusted("bad_holder_proof", SIGNED)


def check_fresh(code: Parsed, now: Instant, policy: Freshness, challenge: bytes | None) -> Shown:
    """Refuse a proved live code that is not of this moment, or not for this challenge."""
    stamp = code.raw[BOUND_SIZE:SIGNED]
    if code.shown == CHALLENGED:
        if challenge is None:
            raise Untrusted("challenge_not_asked", BOUND_SIZE)
        if stamp != challenge:
            raise Untrusted("wrong_challenge", BOUND_SIZE)
        return Shown.CHALLENGE
    if challenge is not None:
        raise Untrusted("challenge_required", 0)
    if not now.trusted:
        raise Untrusted("live_clock_untrusted", BOUND_SIZE)
    (at,) = STAMP.unpack(stamp)
    if at < now.seconds - policy.live_past:
        raise Untrusted("stale_past", BOUND_SIZE)
    if at > now.seconds + policy.live_future:
        raise Untrusted("stale_future", BOUND_SIZE)
    return Shown.LIVE
