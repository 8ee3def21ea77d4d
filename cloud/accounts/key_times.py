"""When the keys of access tokens sign and verify. Pure.

- The first key signs at once: nobody holds a list of keys that lacks it.
- A successor is published `NOTICE` before it signs, so that every worker, and every service
  that reads our JWKS, has it by then.
- A retired key verifies until the last token that it signed has ended.
- A withdrawn key is void at once, with its tokens; its successor signs at once.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from cloud.accounts.jwt import LONGEST_LIFETIME

LIFE: Final = timedelta(days=30)  # from a key's first signature to its successor's
NOTICE: Final = timedelta(hours=1)
LAST_TOKENS: Final = timedelta(seconds=LONGEST_LIFETIME + 300)  # after its retirement


class TokenKey(NamedTuple):
    """A key as stored."""

    kid: str
    public: bytes
    sealed: bytes
    signs_from: datetime
    retired_at: datetime | None
    withdrawn_at: datetime | None

    def verifies(self, now: datetime) -> bool:
        """Whether its tokens are good."""
        over = self.retired_at is not None and now >= self.retired_at + LAST_TOKENS
        return self.withdrawn_at is None and not over


def verifying(keys: Iterable[TokenKey], now: datetime) -> list[TokenKey]:
    """Return the keys whose tokens are good: what is published."""
    return [key for key in keys if key.verifies(now)]


def signing(keys: Iterable[TokenKey], now: datetime) -> TokenKey | None:
    """Return which key signs now."""
    ready = [key for key in verifying(keys, now) if key.signs_from <= now]
    return max(ready, key=lambda key: (key.signs_from, key.kid), default=None)


def due(keys: Sequence[TokenKey], now: datetime) -> datetime | None:
    """Return since when a new key must sign, or None where none is needed."""
    signer = signing(keys, now)
    if signer is None:
        return now
    newest = max(key.signs_from for key in verifying(keys, now))
    return now + NOTICE if now >= newest + LIFE else None
