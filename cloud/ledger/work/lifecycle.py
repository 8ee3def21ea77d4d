"""The life of a signed transaction: every state, and every move between them. Pure.

    signed --done--> landed          its events told what it did
    signed --refused--> failed       it landed, and did nothing but cost its fee
    signed --waiting--> signed       not seen yet: the same bytes are sent again
    signed --expired--> dead         not seen, can land no more, and its leaves are nowhere
    signed --found--> landed         its signature is forgotten, its leaves are in the tree
    signed --lost--> review          it can land no more, but the tree's history has a gap
    review --retry--> signed         a person lets it be looked for again

Only `failed` and `dead` free its tickets to be signed for again: minting twice is worse than
not minting.
"""

from enum import StrEnum
from typing import Final

from cloud.ledger.ports import Done, Expired, Failed, Outcome


class State(StrEnum):
    """Stored in ledger_job.state."""

    SIGNED = "signed"
    LANDED = "landed"
    FAILED = "failed"
    DEAD = "dead"
    REVIEW = "review"


class News(StrEnum):
    """What was found out about a job."""

    DONE = "done"
    REFUSED = "refused"
    WAITING = "waiting"
    EXPIRED = "expired"
    FOUND = "found"
    LOST = "lost"
    RETRY = "retry"


S, N = State, News
TRANSITIONS: Final = {
    (S.SIGNED, N.DONE): S.LANDED,
    (S.SIGNED, N.REFUSED): S.FAILED,
    (S.SIGNED, N.WAITING): S.SIGNED,
    (S.SIGNED, N.EXPIRED): S.DEAD,
    (S.SIGNED, N.FOUND): S.LANDED,
    (S.SIGNED, N.LOST): S.REVIEW,
    (S.REVIEW, N.RETRY): S.SIGNED,
}


def advance(state: State, news: News) -> State:
    """Return the state after *news*. A move that is not there is the caller's fault."""
    try:
        return TRANSITIONS[state, news]
    except KeyError:
        raise ValueError(f"{news} while {state}") from None


def news_of(outcome: Outcome) -> News:
    """Return what an outcome says by itself: an `Expired` mint is first looked for in the tree."""
    match outcome:
        case Done():
            return News.DONE
        case Failed():
            return News.REFUSED
        case Expired():
            return News.EXPIRED
    return News.WAITING


def searched(found: int, wanted: int, *, gap: bool) -> News:
    """Return what a tree's history says of a mint that expired: *found* of *wanted* leaves, and
    whether it has a *gap* in which they may be.

    Some but not all can't be: a transaction lands as a whole. A person must look.
    """
    if wanted and found == wanted:
        return News.FOUND
    return News.LOST if found or gap else News.EXPIRED


FIRST_WAIT: Final = 2.0  # seconds between two sends of the same bytes
MOST_ATTEMPTS: Final = 8  # of a ticket, before a person must look
