"""Incarnations in which a device wrote two histories, sent to everybody who asks.

    walks.sent(to, keys, parcel)   # their next pieces; False: there is more
    walks.note(raws)               # written just now
    walks.lost(to)                 # what was sent last did not arrive

No vector can say which of the histories its holder has (spec/log.md §6). So such an incarnation
is sent from the start, a piece at each call, and then not for a while, but for the places at
which something is written meanwhile: whoever writes in it would else wait for as long.
"""

import threading
from collections.abc import Iterable
from typing import Final, NamedTuple

from edge.gate.parcel import Parcel
from edge.store.log import LogStore
from shared.log.gossip import Key, Span
from shared.log.record import place_of

REST: Final = 64  # calls between two walks through a forked incarnation
HALF: Final = 1 << 20  # bytes, of a file
MAX_SEQ: Final = 2**63 - 1
MOST: Final = 4096  # walks that are remembered


class Places(NamedTuple):
    """Behind one place and up to another."""

    after: int
    upto: int


class Walk(NamedTuple):
    """How far an incarnation has been sent to somebody. `rest`: calls until it is sent from the
    start again; `fresh`: where something was written since."""

    after: int = 0
    rest: int = 0
    fresh: Places | None = None


Walking = tuple[bytes, Key]  # to whom, and through what


class Walks:
    """Safe to share between threads."""

    def __init__(self, log: LogStore) -> None:
        self._log = log
        self._walks: dict[Walking, Walk] = {}
        self._before: dict[bytes, dict[Walking, Walk]] = {}  # to whom: as it was at the last call
        self._walking = threading.Lock()
        self._noted: dict[Key, Places] = {}
        self._noting = threading.Lock()  # never held for the disk: a scan may wait for it

    def note(self, raws: Iterable[bytes]) -> None:
        """Note what was written just now."""
        with self._noting:
            for raw in raws:
                device, incarnation, seq = place_of(raw)
                places = Places(seq - 1, seq)
                known = self._noted.get((device, incarnation), places)
                self._noted[device, incarnation] = _hull(known, places)

    def sent(self, to: bytes, keys: Iterable[Key], parcel: Parcel) -> bool:
        """Add the next piece of each incarnation; return whether these were the last ones."""
        with self._walking:
            self._spread()
            before = self._before[to] = {}
            for key in keys:
                before[to, key] = walk = self._walks.get((to, key), Walk())
                self._walks[to, key], whole = self._next(key, walk, parcel)
                if not whole:
                    return False
        return True

    def lost(self, to: bytes) -> None:
        """Send once more what was sent last."""
        with self._walking:
            for name, before in self._before.pop(to, {}).items():
                fresh = _joined(before.fresh, self._walks.get(name, Walk()).fresh)
                self._walks[name] = before._replace(fresh=fresh)

    def _spread(self) -> None:
        """Have what was written told to all who were sent the rest of it."""
        with self._noting:
            noted, self._noted = self._noted, {}
        if len(self._walks) >= MOST:
            self._walks.clear()
            self._before.clear()
        for name, walk in self._walks.items() if noted else ():
            if name[1] in noted:
                self._walks[name] = walk._replace(fresh=_joined(walk.fresh, noted[name[1]]))

    def _next(self, key: Key, walk: Walk, parcel: Parcel) -> tuple[Walk, bool]:
        """Add the next piece of one; return the walk behind it, and whether that was the last."""
        if walk.rest:
            walk = walk._replace(rest=walk.rest - 1)
        else:
            behind = _upto(walk.fresh, walk.after)  # what lies before us is sent in its turn
            stopped = self._added(key, Places(walk.after, MAX_SEQ), parcel)
            if stopped is not None:
                return Walk(stopped, fresh=behind), False
            walk = Walk(rest=REST, fresh=behind)
        if walk.fresh is None:
            return walk, True
        stopped = self._added(key, walk.fresh, parcel)
        if stopped is None:
            return walk._replace(fresh=None), True
        return walk._replace(fresh=walk.fresh._replace(after=stopped)), False

    def _added(self, key: Key, places: Places, parcel: Parcel) -> int | None:
        """Add what fits; return behind which place to go on, None: all of it fitted."""
        before = parcel.size
        for raw, blob in self._log.held(Span(*key, *places)):
            if not parcel.add(raw, blob):
                after = place_of(raw)[2] - 1
                # More records at one place than a file holds: those that were sent tell.
                return after + (after == places.after and parcel.size - before > HALF)
        return None


def _joined(one: Places | None, other: Places | None) -> Places | None:
    """Return the places of both, and those between."""
    return one or other if one is None or other is None else _hull(one, other)


def _upto(places: Places | None, last: int) -> Places | None:
    """Return those that are no further than `last`."""
    if places is None or places.after >= last:
        return None
    return places._replace(upto=min(places.upto, last))


def _hull(one: Places, other: Places) -> Places:
    return Places(min(one.after, other.after), max(one.upto, other.upto))
