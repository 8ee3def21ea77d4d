"""Views that a worker goes on from, each of an event that it merged: no records are read twice."""

from collections import OrderedDict
from typing import Final, NamedTuple
from uuid import UUID

from cloud.checkins.view import Merged

MOST: Final = 250_000  # records of all events together: some 100 MB
Key = tuple[UUID, bytes]  # tenant and event


class Known(NamedTuple):
    """A view, and of which base it is (cloud/checkins/tallies.py)."""

    whole: Merged
    base: UUID


class Kept:
    """The views that were used last. Not safe to share between merges of one event."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._views: OrderedDict[Key, Known] = OrderedDict()

    def take(self, key: Key) -> Known | None:
        """Take an event's view out: whoever fails while it grows leaves none behind."""
        return self._views.pop(key, None)

    def keep(self, key: Key, known: Known) -> None:
        """Keep it, and let go of those that were not used for longest."""
        self._views[key] = known
        while sum(len(each.whole.raws) for each in self._views.values()) > self._most:
            self._views.popitem(last=False)
