"""The owner's side: who has leave to use a right up (spec/claims.md §3).

Rule 1: whatever decides whether a claim is granted lives in this file.

An owner answers for a ticket only while it has heard every member that it is connected to,
each in this boot, on the connection that stands and under the roster in force. Hearing a
member means to have what it has of all logs, and to know the claims with which it may still
write. So an owner may forget its leases in a restart: whoever holds one tells of it. Until
it has had time to find the members that are there, it has to hear all that there are.

A lease ends by a word of its holder: the entry, its release, or what it tells anew. Time
alone ends none: the holder may have written, and the line may be dead without anybody
knowing. After its time a lease is in nobody's way any more, and leaves its right in doubt.
"""

from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from shared.claims.messages import Answer, Claim, Grant, Held, InDoubt, Wrong
from shared.claims.told import MAX_CLAIMS, Told

LEASE_MS: Final = 2000  # longer than to write an entry and to push it to everybody
SETTLE_MS: Final = 5000  # longer than to find a member that is there


class Lease(NamedTuple):
    """A claim that was granted, and when its holder should have been heard of."""

    claim: Claim
    until: int
    rights: frozenset[bytes]  # of the claim, without those that are used up since


class Leases(NamedTuple):
    """What one device knows as an owner; all of it is gone at a restart."""

    roster: int  # version in force
    others: frozenset[bytes]  # its members of this site, without the device itself
    settled: int  # from when on it may do without those that it is not connected to
    heard: frozenset[bytes] = frozenset()
    held: Mapping[bytes, Lease] = MappingProxyType({})  # by nonce

    def ready(self, connected: Collection[bytes], now: int) -> bool:
        """Whether it knows enough to grant: everybody who is there was heard."""
        return self.heard.issuperset(self.others if now < self.settled else connected)


def started(roster: int, others: Collection[bytes], now: int) -> Leases:
    """Return what an owner knows after a boot."""
    return Leases(roster, frozenset(others), now + SETTLE_MS)


def answer(
    leases: Leases,
    claim: Claim,
    connected: Collection[bytes],
    written: Mapping[bytes, bytes],
    now: int,
) -> tuple[Leases, Answer]:
    """Answer a claim whose author was checked.

    `connected`: of `others`, to whom there is a connection, whatever their roster's version.
    `written`: the raw IN, not undone, that names each right, as far as this device knows.
    """
    if claim.roster != leases.roster:
        return leases, Wrong(claim.nonce, leases.roster)
    if not leases.ready(connected, now) or _too_many(leases, claim):
        return leases, InDoubt(claim.nonce)
    for right in claim.rights:
        if right in written:
            return leases, Held(claim.nonce, written[right])
    for lease in leases.held.values():
        # A device that asks again has let go of what it asked before.
        if lease.claim.device == claim.device or lease.rights.isdisjoint(claim.rights):
            continue
        if now < lease.until:
            return leases, Held(claim.nonce, lease.claim)
        return leases, InDoubt(claim.nonce)
    return holding(leases, claim, now), Grant(claim.nonce)


def heard(leases: Leases, device: bytes, told: Told, now: int) -> Leases:
    """Take in what a member told, once all that it had of the logs is held here.

    It replaces what was known of its claims. Told twice on one connection it says nothing
    new: since the first time there may be grants that it had not got yet.
    """
    if told.roster != leases.roster or device in leases.heard:
        return leases
    leases = _without(leases, lambda lease: lease.claim.device == device)
    for claim in told.claims:
        leases = holding(leases, claim, now)
    return leases._replace(heard=leases.heard | {device})


def holding(leases: Leases, claim: Claim, now: int) -> Leases:
    """Note that a device may write with a claim, whoever granted it.

    So does the owner itself with its own: under the next roster it may be first owner of a
    ticket for which another has just granted it a right. Two devices may hold one right, by
    the word of two owners; the right is free once neither does.
    """
    lease = Lease(claim, now + LEASE_MS, frozenset(claim.rights))
    return leases._replace(held={**leases.held, claim.nonce: lease})


def lost(leases: Leases, device: bytes) -> Leases:
    """Note that the connection to a member is gone: what it does now is not known here."""
    return leases._replace(heard=leases.heard - {device})


def moved(leases: Leases, me: bytes, roster: int, others: Collection[bytes], now: int) -> Leases:
    """Go by another roster: everybody is to be heard anew, and the members' leases go on."""
    members = {me, *others}
    kept = _without(leases, lambda lease: lease.claim.device not in members)
    return started(roster, others, now)._replace(held=kept.held)


def used(leases: Leases, right: bytes) -> Leases:
    """Note that an entry on this right is in the log here: from now on the log speaks."""
    left = {n: lease._replace(rights=lease.rights - {right}) for n, lease in leases.held.items()}
    return _without(leases._replace(held=left), lambda lease: not lease.rights)


def released(leases: Leases, device: bytes, nonce: bytes) -> Leases:
    """Note that a device will not write with a claim of its own."""
    return _without(
        leases, lambda lease: (lease.claim.device, lease.claim.nonce) == (device, nonce)
    )


def _without(leases: Leases, ended: Callable[[Lease], bool]) -> Leases:
    held = {nonce: lease for nonce, lease in leases.held.items() if not ended(lease)}
    return leases._replace(held=held)


def _too_many(leases: Leases, claim: Claim) -> bool:
    """Whether a device holds so much that it can't be for guests, who stand in a few lanes."""
    device, nonce = claim.device, claim.nonce
    theirs = {lease.claim.nonce for lease in leases.held.values() if lease.claim.device == device}
    return len(theirs - {nonce}) >= MAX_CLAIMS
