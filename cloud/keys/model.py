"""A tenant's keys: their roles, their times, and which of several signs.

- Of each role, and of each event, the newest key whose time has come signs.
- The first key signs at once: no gate has loaded a keyset that lacks it. A later one is
  published a day before it signs, so that gates know it by then.
- A withdrawn key that was signing is replaced by one that signs at once. A gate that has not
  heard of it refuses its tickets, as it would have to refuse those of the withdrawn key.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple
from uuid import UUID

Role = Literal["root", "issuer", "manifest", "roster", "command"]
FOUNDING: Final[tuple[Role, ...]] = ("root", "manifest", "roster", "command")

TOKEN_GRACE: Final = timedelta(days=30)  # a token outlives its event: late scans are still read
NOTICE: Final = timedelta(hours=24)  # from a key's publication to its first signature
ROOT_NOTICE: Final = timedelta(days=7)  # the same for a root: a device must not miss it
SLACK: Final = timedelta(minutes=5)  # how far a gate's clock may be behind ours
ROLE_LIFE: Final = timedelta(days=730)  # of a manifest, roster or command key
ROLE_RENEWAL: Final = timedelta(days=90)  # before its end, when its successor is made
ROOT_LIFE: Final = timedelta(days=36525)  # in no keyset: a root lasts until its successor signs
KEYSET_LIFE: Final = timedelta(days=30)
KEYSET_AGE: Final = timedelta(days=7)  # when it is published anew, changed or not


class KeyRow(NamedTuple):
    """A key as stored, without its private half."""

    public: bytes
    kid: bytes
    role: Role
    event_id: UUID | None
    event_ref: bytes | None
    not_before: datetime
    not_after: datetime
    signs_from: datetime
    revoked_at: datetime | None
    sealed: bytes

    def signs(self, now: datetime) -> bool:
        """Whether it may sign now."""
        return self.revoked_at is None and self.signs_from <= now < self.not_after

    def waits(self, now: datetime) -> bool:
        """Whether it is published and does not sign yet."""
        return self.revoked_at is None and now < self.signs_from


class NewKey(NamedTuple):
    """What a key is made for, and its times."""

    role: Role
    event_id: UUID | None
    not_before: datetime
    not_after: datetime
    signs_from: datetime


def first(role: Role, event_id: UUID | None, now: datetime, not_after: datetime) -> NewKey:
    """Return the times of a key that signs at once."""
    since = now - SLACK
    return NewKey(role, event_id, since, not_after, since)


def later(
    role: Role,
    event_id: UUID | None,
    now: datetime,
    not_after: datetime,
    notice: timedelta = NOTICE,
) -> NewKey:
    """Return the times of a key that is published now and signs after its notice."""
    return NewKey(role, event_id, now - SLACK, not_after, now + notice)


def signing(keys: Iterable[KeyRow], now: datetime) -> KeyRow | None:
    """Return which of the keys of one role (and event) signs now."""
    ready = [key for key in keys if key.signs(now)]
    return max(ready, key=lambda key: (key.signs_from, key.public), default=None)


def waiting(keys: Iterable[KeyRow], now: datetime) -> KeyRow | None:
    """Return which of them is published and signs next."""
    ahead = [key for key in keys if key.waits(now)]
    return min(ahead, key=lambda key: (key.signs_from, key.public), default=None)


def token_end(ends_at: datetime) -> datetime:
    """Return when the tokens of an event that ends then cease: their `exp`."""
    return ends_at + TOKEN_GRACE


def context(tenant: UUID, role: Role, public: bytes) -> str:
    """Return what a private half is sealed with: it opens in its own row alone."""
    return f"tenant-key/{tenant}/{role}/{public.hex()}"
