"""What several nodes say together, where a lie or a lag of one would cost a ticket. Pure."""

from collections.abc import Sequence
from typing import Final

from cloud.ledger.faults import LedgerAway, LedgerUntrusted
from cloud.ledger.rpc.answers import At, Epoch
from cloud.ledger.values import Commitment, Status

APART: Final = 10_000  # blocks: about an hour
RANK: Final = list(Commitment)


def agreed(told: Sequence[Epoch]) -> Epoch:
    """Return the second highest height and slot of several, or the only ones: each by itself, for
    who lies low with the one may lie high with the other."""
    slots = sorted(each.absolute_slot for each in told)
    heights = sorted(each.block_height for each in told)
    return Epoch(slots[-2:][0], heights[-2:][0])


def reached(told: Sequence[Epoch]) -> int:
    """Return the height that is surely not below the chain's, give or take what nodes lag: the
    second highest of three, the higher of two. Raises `LedgerAway` where two are an hour apart."""
    heights = sorted(each.block_height for each in told)
    if len(heights) == 2 and heights[1] - heights[0] > APART:
        raise LedgerAway("rpc_split", "two nodes are too far apart, and which is right nobody says")
    return heights[-2] if len(heights) > 2 else heights[-1]


def seen(
    told: Sequence[At[list[Status | None]]], slot: int, agreeing: int, *, surely: bool
) -> list[Status | None]:
    """Return what is known of each, the most settled word. That one has failed, *agreeing* nodes
    must say: a mint that is believed to have failed is signed anew.

    Raises `LedgerUntrusted` where two differ in that, and `LedgerAway` where one was seen by nobody
    and this is to be known *surely*: by as many that are as far as *slot*."""
    words = zip(*(each.value for each in told), strict=True)
    found = [_agreed(said, agreeing) for said in words]
    far = sum(each.context.slot >= slot for each in told)
    if surely and None in found and far < agreeing:
        raise LedgerAway("rpc_behind", "too few who could know have been asked")
    return found


def _agreed(said: Sequence[Status | None], agreeing: int) -> Status | None:
    known = [one for one in said if one is not None]
    most = max((RANK.index(one.commitment) for one in known), default=None)
    best = [one for one in known if RANK.index(one.commitment) == most]
    if len({(one.error is None) for one in best}) > 1:
        raise LedgerUntrusted("rpc_split", "one node says that it failed, and another that not")
    if not best:
        return None
    failing = sum(one.error is not None for one in known)
    return best[0] if best[0].error is None or failing >= agreeing else None
