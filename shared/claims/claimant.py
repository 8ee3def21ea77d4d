"""The claimant's side: whom to ask, and what an answer means (spec/claims.md §4).

Rule 1: whatever decides under which flag a guest comes in lives in this file.

    claimant, step = begin(claim, ranking, peers, now)
    while isinstance(step, Ask | Wait):
        claimant, step = answered(...) or late(...), whichever comes first

Nobody waits longer than `PATIENCE_MS`: a gate that gets no answer lets in alone, and says so.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from shared.claims.evidence import claims_too, uses
from shared.claims.messages import Answer, Claim, Grant, Held
from shared.devices.roster import Member
from shared.log.record import Confirm

ANSWER_MS: Final = 150  # for one owner
AGAIN_MS: Final = 50  # between two questions while another's claim is in the way
BELIEVE_MS: Final = 2000  # how long one claim of another's can be in the way: a lease
PATIENCE_MS: Final = 3000  # for all of it
OWNERS: Final = 2  # asked one after the other


class Ask(NamedTuple):
    """Send the claim to this owner, oneself perhaps; it has until `until` to answer."""

    owner: bytes
    until: int


class Wait(NamedTuple):
    """Another's claim is in the way. Look again at `until`, or when its entry comes in."""

    until: int


class Granted(NamedTuple):
    """Write the entry, under the roster of the claim, or release it."""

    confirm: Confirm
    degraded: bool  # not granted by the first owner


ALONE: Final = Granted(Confirm.LOCAL, degraded=True)


class Taken(NamedTuple):
    """An entry on one of the rights is in the log of somebody: decide again with it."""

    record: bytes


Step = Ask | Wait | Granted | Taken


class Claimant(NamedTuple):
    """One claim on its way."""

    claim: Claim
    first: bytes  # the first owner of all members, reachable or not
    owners: tuple[tuple[bytes, int], ...]  # still to ask, the one being asked first
    due: int  # when something has to come
    end: int  # when patience ends
    waits: bool = False  # for what another does with its claim
    seen: tuple[bytes, int] = (b"", 0)  # that claim, and since when it has been in the way


def begin(
    claim: Claim,
    ranking: Sequence[bytes],
    peers: Mapping[bytes, int],
    now: int,
    end: int | None = None,
) -> tuple[Claimant, Step]:
    """Start, or start anew: a new roster, or a new connection, makes all unanswered claims void.

    `ranking`: of `owners.owners`. `peers`: the connection of each member that is connected and
    goes by the claim's roster, and of the device itself. `end`: of a claim that starts anew.
    """
    asked = tuple((device, peers[device]) for device in ranking if device in peers)[:OWNERS]
    end = now + PATIENCE_MS if end is None else end
    return _ask(Claimant(claim, ranking[0], asked, now, end), now)


def answered(
    claimant: Claimant,
    connection: int,
    answer: Answer,
    devices: Mapping[bytes, Member],
    now: int,
) -> tuple[Claimant, Step] | None:
    """Take in an answer; None if it is not the one waited for.

    `devices`: of the roster in force, whose keys tell whether a refusal has a reason.
    """
    if connection != claimant.owners[0][1] or answer.nonce != claimant.claim.nonce:
        return None  # of an earlier life, of the owner or of the claim
    if isinstance(answer, Grant):
        degraded = claimant.owners[0][0] != claimant.first
        return claimant, Granted(Confirm.CLAIMED, degraded)
    if not isinstance(answer, Held):
        return _next(claimant, now)
    if isinstance(answer.by, Claim):
        return _in_the_way(claimant, answer.by, devices, now)
    if uses(answer.by, claimant.claim, devices):
        return claimant, Taken(answer.by)
    return _next(claimant, now)


def late(claimant: Claimant, now: int) -> tuple[Claimant, Step]:
    """Go on when `until` has passed: the next owner, or once more the one who said to wait."""
    return _ask(claimant, now) if claimant.waits else _next(claimant, now)


def lost(claimant: Claimant, connection: int, now: int) -> tuple[Claimant, Step] | None:
    """Go on when a connection is gone; None if nothing was asked on it."""
    return None if connection != claimant.owners[0][1] else _next(claimant, now)


def _ask(claimant: Claimant, now: int) -> tuple[Claimant, Step]:
    if not claimant.owners or now >= claimant.end:
        return claimant, ALONE
    due = min(now + ANSWER_MS, claimant.end)
    return claimant._replace(due=due, waits=False), Ask(claimant.owners[0][0], due)


def _next(claimant: Claimant, now: int) -> tuple[Claimant, Step]:
    return _ask(claimant._replace(owners=claimant.owners[1:], seen=(b"", 0)), now)


def _in_the_way(
    claimant: Claimant, other: Claim, devices: Mapping[bytes, Member], now: int
) -> tuple[Claimant, Step]:
    """Wait for what another does with its claim, for as long as it could hold a lease."""
    nonce, since = claimant.seen
    if nonce != other.nonce:
        since = now
    if not claims_too(other, claimant.claim, devices) or now >= since + BELIEVE_MS:
        return _next(claimant, now)
    until = min(now + AGAIN_MS, claimant.end)
    return claimant._replace(due=until, waits=True, seen=(other.nonce, since)), Wait(until)
