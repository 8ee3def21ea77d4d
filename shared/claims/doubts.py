"""How long one member can keep an owner in doubt (spec/claims.md §3).

An owner waits for everybody that it is connected to. Who never tells, or hangs up and calls
again whenever it was heard, would so make all entries degraded. So each member has some time
to be unheard in; once that is used up it counts as if it were not connected, until it is heard.
"""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

MOST_MS: Final = 30_000  # longer than to catch up with an evening's log
CALM: Final = 60  # so much longer has it to be heard, or away, until it has its time back


class Doubts(NamedTuple):
    """What members have used up, in ms; none of those that are not named."""

    at: int  # monotonic ms
    spent: Mapping[bytes, float] = MappingProxyType({})


def passed(doubts: Doubts, unheard: Collection[bytes], now: int) -> Doubts:
    """Count the time since the last call: `unheard` are connected, and were not heard."""
    gone = now - doubts.at
    calm = {
        member: left
        for member, spent in doubts.spent.items()
        if member not in unheard and (left := spent - gone / CALM) > 0
    }
    waited = {member: min(MOST_MS, doubts.spent.get(member, 0) + gone) for member in unheard}
    return Doubts(now, MappingProxyType(calm | waited))


def worn_out(doubts: Doubts) -> frozenset[bytes]:
    """Return the members that are not waited for any more."""
    return frozenset(member for member, spent in doubts.spent.items() if spent >= MOST_MS)
