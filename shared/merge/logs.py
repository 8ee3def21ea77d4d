"""Which records count as a device's word: those that chain back to a BOOT (spec/merge.md §2).

A record waits, visibly, until the one that its `prev` names is here; it is never dropped. A
device that wrote two records at one place has both of them counted, since each is an
admission that a guest was given, and is reported once for that place.
"""

from collections.abc import Iterator
from hashlib import sha256
from typing import NamedTuple


class Place(NamedTuple):
    """Where a record stands. Ordered as the device wrote them."""

    device: bytes  # 16
    incarnation: int
    seq: int


class Incarnation:
    """The records of one boot of one device: `chained` to its BOOT, or `waiting`."""

    __slots__ = ("_branches", "_trunk", "_waiting")

    def __init__(self) -> None:
        self._trunk: list[bytes] = []  # the first chained record of each seq
        self._branches: dict[int, dict[bytes, bytes]] = {}  # the others, by their hash
        self._waiting: dict[int, list[bytes]] = {}

    def add(self, raw: bytes, seq: int, prev: bytes) -> list[bytes] | None:
        """Take one record in; return what now counts, in order, or None if it was known.

        An empty list says that the record waits.
        """
        if self.knows(raw, seq):
            return None
        if seq > 1 and not self._has_parent(seq, prev):
            self._waiting.setdefault(seq, []).append(raw)
            return []
        return self._release(raw, seq)

    def at(self, seq: int) -> list[bytes]:
        """Return every record known at this place; two or more are an equivocation."""
        trunk = self._trunk[seq - 1 : seq]
        return [*trunk, *self._branches.get(seq, {}).values(), *self._waiting.get(seq, [])]

    def knows(self, raw: bytes, seq: int) -> bool:
        """Whether this record is here at its place, chained or waiting."""
        if raw in self._trunk[seq - 1 : seq]:
            return True
        return bool(self._branches or self._waiting) and raw in self.at(seq)

    def end(self) -> bytes | None:
        """Return a record at the highest seq that is held without a gap, None before a BOOT."""
        return self._trunk[-1] if self._trunk else None

    def counted(self) -> Iterator[bytes]:
        """Yield every chained record."""
        yield from self._trunk
        for seq in sorted(self._branches):
            yield from self._branches[seq].values()

    def waiting(self) -> Iterator[tuple[int, bytes]]:
        """Yield (seq, record) of what waits for an earlier record."""
        for seq in sorted(self._waiting):
            yield from ((seq, raw) for raw in self._waiting[seq])

    def split(self) -> list[int]:
        """Return each seq at which the device wrote more than one record."""
        if not (self._branches or self._waiting):
            return []  # nearly all logs
        beside = self._branches.keys() | self._waiting.keys()
        return [seq for seq in sorted(beside) if len(self.at(seq)) > 1]

    def _has_parent(self, seq: int, prev: bytes) -> bool:
        if prev in self._branches.get(seq - 1, {}):
            return True
        return any(sha256(raw).digest() == prev for raw in self._trunk[seq - 2 : seq - 1])

    def _release(self, raw: bytes, seq: int) -> list[bytes]:
        """Count `raw` and all that waited for it."""
        ready = [(seq, raw)]
        for at, record in ready:  # grows while it is walked
            if at == len(self._trunk) + 1:
                self._trunk.append(record)
            else:
                self._branches.setdefault(at, {})[sha256(record).digest()] = record
            if at + 1 in self._waiting:
                ready += [(at + 1, heir) for heir in self._heirs(at + 1, record)]
        return [record for _, record in ready]

    def _heirs(self, seq: int, record: bytes) -> list[bytes]:
        """Take from the waiting records at `seq` those that follow `record`."""
        digest = sha256(record).digest()
        waiting = self._waiting.pop(seq)
        if rest := [raw for raw in waiting if raw[32:64] != digest]:
            self._waiting[seq] = rest
        return [raw for raw in waiting if raw[32:64] == digest]
