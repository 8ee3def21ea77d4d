"""What staff say beside a scan."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import msgspec

from edge.errors import Refused
from edge.store.database import StorageFailed

OTHER: Final = "other"
# Numbers are stored in records (spec/log.md §2, "OVERRIDE"): never renumber.
REASONS: Final[Mapping[str, int]] = {
    "guest_known": 1,
    "ticket_damaged": 2,
    "phone_dead": 3,
    "wrong_seat_swap": 4,
    "staff_error": 5,
    "emergency": 6,
    OTHER: 99,
}
MAX_WORDS: Final = 80


class Act(msgspec.Struct, frozen=True):
    """`approve`, `override` and `day` are a supervisor's."""

    people: int = 1
    answers: dict[int, str] = {}
    confirmed: bool = False
    approve: bool = False
    override: str = ""  # a key of REASONS, or "other: WORDS"
    day: int = 0

    @property
    def supervised(self) -> bool:
        """Whether a supervisor has to sign."""
        return self.approve or bool(self.override) or bool(self.day)


def reason_number(override: str) -> int | None:
    """Return the number that records keep of an override's reason, None if it is none."""
    name, _, words = override.partition(": ")
    if len(words) > MAX_WORDS or (words and not words.isprintable()):
        return None
    if bool(words) is not (name == OTHER):
        return None
    return REASONS.get(name)


@contextmanager
def stored() -> Iterator[None]:
    """Have a disk that fails refuse the act."""
    try:
        yield
    except StorageFailed:
        raise Refused("storage_failed") from None
