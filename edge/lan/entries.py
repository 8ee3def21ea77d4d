"""Which rights are used up, and by which record: what an owner shows to whoever it refuses."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from shared.history import History
from shared.log.record import Kind

_TICKET: Final = slice(96, 112)
_EVENT: Final = slice(80, 88)
_REF: Final = slice(140, 156)
_IN: Final = int(Kind.IN)


class Entries:
    """Entries by ticket. Used by the event loop alone.

    `history` is asked only about tickets that have an entry: whether it still stands is for the
    merged view to say.
    """

    def __init__(self, history: Callable[[bytes, bytes], History]) -> None:
        self._history = history
        self._of: dict[bytes, tuple[bytes, ...]] = {}  # event and ticket: raw records

    def add(self, raws: Iterable[bytes]) -> set[bytes]:
        """Take in durable records; return the rights that they name."""
        rights = set[bytes]()
        for raw in raws:
            if raw[1] != _IN:
                continue
            rights.add(raw[_REF])
            key = raw[_EVENT] + raw[_TICKET]
            held = self._of.get(key, ())
            if raw not in held:
                self._of[key] = (*held, raw)
        return rights

    def has(self, raw: bytes) -> bool:
        """Whether a record is here."""
        return raw in self._of.get(raw[_EVENT] + raw[_TICKET], ())

    def wrote(self, device: bytes, event: bytes, ticket: bytes, rights: Iterable[bytes]) -> bool:
        """Whether a device has entries on all of these rights."""
        named = {raw[_REF] for raw in self._of.get(event + ticket, ()) if raw[4:20] == device}
        return named.issuperset(rights)

    def used(self, event: bytes, ticket: bytes, rights: Iterable[bytes]) -> Mapping[bytes, bytes]:
        """Return the entries that stand on these rights."""
        named = {raw[_REF]: raw for raw in self._of.get(event + ticket, ())}
        found = {right: named[right] for right in rights if right in named}
        if not found:
            return found
        pools = self._history(event, ticket).pools.values()
        claimed = {right for pool in pools for right in pool.claimed}
        return {right: raw for right, raw in found.items() if right in claimed}
