"""Whether a refusal has a reason that does not rest on the owner's word (spec/claims.md §4).

A compromised owner can so refuse nobody for good: it has no other device's signature.
"""

from collections.abc import Mapping

from shared.claims.messages import Claim
from shared.devices.roster import Member
from shared.errors import Malformed
from shared.log.record import Kind, decode, signed_by


def claims_too(other: Claim, mine: Claim, devices: Mapping[bytes, Member]) -> bool:
    """Whether another device that is listed has claimed one of the rights."""
    member = devices.get(other.device)
    same = (other.event, other.ticket) == (mine.event, mine.ticket)
    if member is None or other.device == mine.device or not same:
        return False
    return not set(mine.rights).isdisjoint(other.rights) and other.signed_by(member.pk)


def uses(raw: bytes, mine: Claim, devices: Mapping[bytes, Member]) -> bool:
    """Whether a record that counts is an entry on one of the rights."""
    try:
        record = decode(raw)
    except Malformed:
        return False
    member = devices.get(record.device)
    if member is None or not member.counts(record.incarnation, record.seq):
        return False
    same = (record.event, record.ticket) == (mine.event, mine.ticket)
    entry = record.kind == Kind.IN and record.ref in mine.rights
    return same and entry and signed_by(raw, member.pk)
