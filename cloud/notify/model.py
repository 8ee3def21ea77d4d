"""What is mailed, how long that is worth sending, and when it is tried again. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple


class Kind(StrEnum):
    """What a mail says. Stored: renaming one is a migration."""

    ORDER = "order"
    REFUND = "refund"
    PAYMENT_RETURNED = "payment_returned"
    OFFER = "offer"
    OFFER_DECLINED = "offer_declined"
    OFFER_LAPSED = "offer_lapsed"
    OFFER_WITHDRAWN = "offer_withdrawn"
    HANDED_OVER = "handed_over"
    TAKEN_OVER = "taken_over"
    GUEST = "guest"
    EVENT_MOVED = "event_moved"
    EVENT_CANCELLED = "event_cancelled"
    INCIDENT = "incident"
    INVITATION = "invitation"
    KEY_EXPORTED = "key_exported"
    VERIFY = "verify"
    RESET = "reset"
    KNOWN = "known"
    CHANGED = "changed"
    REUSED = "reused"


class Category(StrEnum):
    """What may be refused, by an address and from one organizer. Stored."""

    INCIDENTS = "incidents"
    INVITATIONS = "invitations"
    OFFERS = "offers"


# The rest follows from what its reader did: it is sent as long as they have an account.
CATEGORIES: Final[Mapping[Kind, Category]] = {
    Kind.INCIDENT: Category.INCIDENTS,
    Kind.INVITATION: Category.INVITATIONS,
    Kind.OFFER: Category.OFFERS,
    Kind.OFFER_WITHDRAWN: Category.OFFERS,
    Kind.GUEST: Category.INVITATIONS,
}


# Those that carry a secret, which is not kept once they are sent.
SECRET: Final = frozenset({Kind.INVITATION, Kind.OFFER})


class State(StrEnum):
    """What became of a mail. Stored."""

    WAITING = "waiting"
    SENT = "sent"  # the mail server has taken it
    KEPT = "kept"  # it lies in the mailbox of a service that sends nothing
    BOUNCED = "bounced"  # refused for good
    DROPPED = "dropped"  # there was nothing to send any more, or nobody who wants it
    FAILED = "failed"  # tried as often as makes sense


# After the last of them it is given up: a day and a half in all.
WAITS: Final = tuple(
    timedelta(seconds=each) for each in (60, 300, 900, 1800, 3600, 7200, 14_400, 28_800, 57_600)
)
AWAY: Final = timedelta(seconds=30)  # a mail rests while the server is away; it counts as no try
FRESH: Final = timedelta(days=5)  # what is older helps nobody
FRESH_FOR: Final[Mapping[Kind, timedelta]] = {
    Kind.VERIFY: timedelta(days=3),  # as long as their secrets last
    Kind.RESET: timedelta(hours=1),
    Kind.INCIDENT: timedelta(hours=12),
}
GATHERS: Final = timedelta(seconds=30)  # incidents of one evening come together
INCIDENTS_REST: Final = timedelta(minutes=15)  # from one mail about an event's to the next


class Outcome(NamedTuple):
    """What a mail came to. `again`: when it is tried again, while it is waiting."""

    state: State
    fault: str = ""  # a code, never a server's own words
    again: datetime | None = None
    counts: bool = True  # as a try


def is_stale(kind: Kind, created_at: datetime, now: datetime) -> bool:
    """Whether a mail is no longer worth sending."""
    return now - created_at > FRESH_FOR.get(kind, FRESH)


def after_fault(attempts: int, fault: str, now: datetime, jitter: float) -> Outcome:
    """Return what follows a try that failed for now. `attempts`: with it; `jitter`: 0 to 1."""
    if attempts > len(WAITS):
        return Outcome(State.FAILED, fault)
    return Outcome(State.WAITING, fault, now + WAITS[attempts - 1] * (1 + jitter / 5))
