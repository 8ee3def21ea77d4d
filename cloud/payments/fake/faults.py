"""What goes wrong with the next requests, as a test or a person at the demo has asked."""

from enum import StrEnum
from typing import Final, NamedTuple

from cloud.payments.fake.database import Database


class Fault(StrEnum):
    """One way of going wrong. `before`: nothing was done. `after`: all was done."""

    OUTAGE_BEFORE = "outage_before"  # 503
    OUTAGE_AFTER = "outage_after"  # 500
    RATE_LIMIT = "rate_limit"  # 429, nothing done
    HANG_BEFORE = "hang_before"  # no answer for so many seconds
    HANG_AFTER = "hang_after"
    SLOW_AFTER = "slow_after"  # answered, but only after so many seconds
    BUSY = "busy"  # 409: the same key is being worked on


class Trouble(NamedTuple):
    """A fault that has come up."""

    kind: Fault
    seconds: float


class Faults:
    """Faults yet to come, in the order in which they were asked for."""

    def __init__(self, database: Database) -> None:
        self._database = database

    _ADD: Final = "INSERT INTO fault (kind, path, left, seconds) VALUES (?, ?, ?, ?)"

    def add(self, kind: Fault, path: str, requests: int, seconds: float) -> None:
        """Let the next *requests* whose path begins with *path* go wrong."""
        self._database.run(self._ADD, kind.value, path, requests, seconds)

    _TAKE: Final = """
    UPDATE fault SET left = left - 1
    WHERE seq = (SELECT min(seq) FROM fault WHERE left > 0 AND substr(?1, 1, length(path)) = path)
    RETURNING kind, seconds
    """

    def take(self, path: str) -> Trouble | None:
        """Return what goes wrong with this request."""
        rows = self._database.run(self._TAKE, path)
        return Trouble(Fault(rows[0]["kind"]), rows[0]["seconds"]) if rows else None

    def clear(self) -> None:
        """Let nothing more go wrong."""
        self._database.run("DELETE FROM fault")
