"""What a holder of claims tells an owner (spec/claims.md §3).

A release says that nobody will write with a claim any more.

An owner that has to find out what is taken asks with the version of its roster. The answer
lists the claims with which the member may still write an entry. The owner then asks for all
that it lacks of the member's logs: an entry that was written in between is in these.
"""

import struct
from typing import Final, NamedTuple

from shared.claims.messages import MAX_CLAIM, NUMBER, Claim, decode_claim, encode_claim
from shared.errors import Malformed, Untrusted

MAX_CLAIMS: Final = 64
NONCE: Final = 16
COUNT: Final = struct.Struct(">IB")  # roster version, claims
LENGTH: Final = struct.Struct(">H")


class Told(NamedTuple):
    """A member's word on what it holds."""

    roster: int
    claims: tuple[Claim, ...] = ()  # granted to it, and not yet written


def decode_release(raw: bytes) -> bytes:
    """Return the nonce of the claim that is given up; a release is nothing but that."""
    if len(raw) != NONCE:
        raise Malformed("claim_release")
    return raw


def encode_tell(roster: int) -> bytes:
    """Return the question."""
    return NUMBER.pack(roster)


def decode_tell(raw: bytes) -> int:
    """Return the version of the roster that the asking owner goes by."""
    if len(raw) != NUMBER.size:
        raise Malformed("claim_tell")
    (roster,) = NUMBER.unpack(raw)
    return int(roster)


def encode_told(told: Told) -> bytes:
    """Return the answer, at most 64 claims in it."""
    parts = [encode_claim(claim) for claim in told.claims]
    sized = b"".join(LENGTH.pack(len(part)) + part for part in parts)
    return COUNT.pack(told.roster, len(parts)) + sized


def decode_told(raw: bytes, device: bytes, pk: bytes) -> Told:
    """Return what `device` told of itself: claims of its own alone, each signed by `pk`."""
    if len(raw) < COUNT.size:
        raise Malformed("claim_told", len(raw))
    roster, count = COUNT.unpack_from(raw)
    if count > MAX_CLAIMS:
        raise Malformed("claim_told", COUNT.size - 1)
    claims, at = [], COUNT.size
    for _ in range(count):
        claim, at = _next(raw, at)
        if claim.device != device or not claim.signed_by(pk):
            raise Untrusted("claim_bad_signature")
        claims.append(claim)
    if at != len(raw):
        raise Malformed("claim_told", at)
    return Told(roster, tuple(claims))


def _next(raw: bytes, at: int) -> tuple[Claim, int]:
    start = at + LENGTH.size
    if start > len(raw):
        raise Malformed("claim_told", len(raw))
    (length,) = LENGTH.unpack_from(raw, at)
    if length > MAX_CLAIM or start + length > len(raw):
        raise Malformed("claim_told", at)
    return decode_claim(raw[start : start + length]), start + length
