"""What gates say to one another before green (spec/claims.md §2).

A claim is signed: whoever is refused because of it can see that its device made it.
"""

import struct
from typing import Final, NamedTuple

from shared import keys
from shared.errors import Malformed
from shared.log.record import SIZE, ZERO16

DOMAIN: Final = b"usher/claim/v1\0"
VERSION: Final = 1
HEAD: Final = struct.Struct(">BI16s16s8s16sB")
RIGHT: Final = 16
MAX_RIGHTS: Final = 0xFF  # a pool has no more
MAX_CLAIM: Final = HEAD.size + MAX_RIGHTS * RIGHT + keys.SIGNATURE_SIZE
REPLY: Final = struct.Struct(">B16s")  # kind, nonce of the claim
NUMBER: Final = struct.Struct(">I")  # a roster version
MAX_ANSWER: Final = REPLY.size + MAX_CLAIM
UNSIGNED: Final = bytes(keys.SIGNATURE_SIZE)


class Claim(NamedTuple):
    """Leave asked for rights of one ticket, all or none."""

    roster: int  # version by which the owner was found
    nonce: bytes  # 16, new for each claim
    device: bytes  # 16: who asks
    event: bytes  # 8
    ticket: bytes  # 16: id hash
    rights: tuple[bytes, ...]  # 1 to 255, strictly increasing
    signature: bytes = UNSIGNED  # 64, by the device

    def signed(self, secret: bytes) -> "Claim":
        """Return this claim with its device's signature."""
        return self._replace(signature=keys.sign(secret, DOMAIN, _body(self)))

    def signed_by(self, pk: bytes) -> bool:
        """Say whether the key's owner made this very claim."""
        return keys.verify(pk, DOMAIN, _body(self), self.signature)


class Grant(NamedTuple):
    """The rights are the claimant's for one lease."""

    nonce: bytes


class Held(NamedTuple):
    """A right is another's: by the raw IN that used it up, or by a claim that was granted."""

    nonce: bytes
    by: "bytes | Claim"


class InDoubt(NamedTuple):
    """The owner does not know enough to answer."""

    nonce: bytes


class Wrong(NamedTuple):
    """The owner goes by another version of the roster."""

    nonce: bytes
    roster: int


Answer = Grant | Held | InDoubt | Wrong

_GRANT, _RECORD, _CLAIM, _IN_DOUBT, _WRONG = range(1, 6)


def encode_claim(claim: Claim) -> bytes:
    """Return a claim's bytes; it must be one that `decode_claim` accepts."""
    return _body(claim) + claim.signature


def decode_claim(raw: bytes) -> Claim:
    """Return what `encode_claim` wrote. Says nothing of authorship."""
    if len(raw) < HEAD.size:
        raise Malformed("claim_length", len(raw))
    version, roster, nonce, device, event, ticket, count = HEAD.unpack_from(raw)
    if version != VERSION:
        raise Malformed("claim_version", 0)
    end = HEAD.size + count * RIGHT
    if len(raw) != end + keys.SIGNATURE_SIZE:
        raise Malformed("claim_length", min(len(raw), MAX_CLAIM))
    rights = tuple(raw[at : at + RIGHT] for at in range(HEAD.size, end, RIGHT))
    previous = ZERO16  # which is no right
    for right in rights:
        if right <= previous:
            raise Malformed("claim_rights", HEAD.size)
        previous = right
    if not rights:
        raise Malformed("claim_rights", HEAD.size - 1)
    return Claim(roster, nonce, device, event, ticket, rights, raw[end:])


def encode_answer(answer: Answer) -> bytes:
    """Return an answer's bytes."""
    match answer:
        case Grant():
            kind, rest = _GRANT, b""
        case Held(by=Claim() as claim):
            kind, rest = _CLAIM, encode_claim(claim)
        case Held(by=bytes() as record):
            kind, rest = _RECORD, record
        case Wrong():
            kind, rest = _WRONG, NUMBER.pack(answer.roster)
        case _:
            kind, rest = _IN_DOUBT, b""
    return REPLY.pack(kind, answer.nonce) + rest


def decode_answer(raw: bytes) -> Answer:
    """Return what `encode_answer` wrote. What a record says is for the claimant to judge."""
    if len(raw) < REPLY.size:
        raise Malformed("claim_answer_length", len(raw))
    kind, nonce = REPLY.unpack_from(raw)
    rest = raw[REPLY.size :]
    if kind == _CLAIM:
        return Held(nonce, decode_claim(rest))
    if kind not in _LENGTHS:
        raise Malformed("claim_answer_kind", 0)
    if len(rest) != _LENGTHS[kind]:
        raise Malformed("claim_answer_length", min(len(raw), MAX_ANSWER))
    if kind == _RECORD:
        return Held(nonce, rest)
    if kind == _WRONG:
        return Wrong(nonce, *NUMBER.unpack(rest))
    return Grant(nonce) if kind == _GRANT else InDoubt(nonce)


_LENGTHS: Final = {_GRANT: 0, _RECORD: SIZE, _IN_DOUBT: 0, _WRONG: NUMBER.size}


def _body(claim: Claim) -> bytes:
    """Return what the signature covers."""
    place = claim.nonce, claim.device, claim.event, claim.ticket
    return HEAD.pack(VERSION, claim.roster, *place, len(claim.rights)) + b"".join(claim.rights)
