"""Passing on what the organizer signed: an older roster nearby is replaced by ours, and ours
by a newer one (spec/lan.md §3).

A peer's word counts for nothing here. What it relays is judged by the checks of any delivery;
the first look, at what is in memory, keeps junk from costing more than a signature.
"""

import asyncio
import logging
from collections.abc import Iterator
from typing import Final

from edge.gate.gate import NotSetUp
from edge.lan.home import Home
from edge.lan.line import Hangup
from edge.store.database import StorageFailed
from shared.devices.command import COMMAND, open_stamp
from shared.devices.receipt import open_receipt
from shared.errors import UsherError
from shared.lan import MAX_EVENTS, EventVersion, News, Reason, Type
from shared.signed import Kind, open_signed

LOG: Final = logging.getLogger(__name__)
# What no honest peer relays. Other faults are the organizer's, or of a keyset that we don't have.
FORGED: Final = frozenset(
    f"document_{fault}"
    for fault in ("too_large", "truncated", "magic", "kind", "length", "bad_signature")
) | {"stamp_length", "stamp_bad_signature"}
# The organizer signed two of one version: somebody else has its key, or it has lost its own count.
FORKED: Final = frozenset({"keyset_forked", "roster_forked"})


class Documents:
    """Used by the event loop alone."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._taking = asyncio.Lock()

    def news(self) -> News:
        """Say what is in force here."""
        trust = self._home.trust()
        keyset = trust.keys.keyset.version if trust.keys.keyset else 0
        heads = [(event.hex(), book.manifest.head) for event, book in trust.books.items()]
        events = [EventVersion(event, head.version) for event, head in sorted(heads, key=_event)]
        return News(trust.roster.version, keyset, tuple(events[:MAX_EVENTS]))

    def newer_than(self, theirs: News) -> Iterator[tuple[Type, bytes]]:
        """Yield what is newer here, in the order in which it has to be taken."""
        trust, mine = self._home.trust(), self.news()
        if mine.keyset > theirs.keyset and trust.keys.raw is not None:
            yield Type.KEYSET, trust.keys.raw
        if mine.roster > theirs.roster:
            yield Type.ROSTER, trust.roster.raw

    async def take(self, kind: int, raw: bytes) -> None:
        """Take in what a peer relays. What is refused for its age is passed over; raises
        `Hangup` for what is damaged or forged."""
        async with self._taking:
            try:
                await self._home.off_loop(self._take, kind, raw)
            except UsherError as error:
                if error.code in FORGED:
                    raise Hangup(Reason.UNTRUSTED, str(error)) from None
                level = logging.ERROR if error.code in FORKED else logging.INFO
                LOG.log(level, "a relayed document was passed over: %s", error)
            except (StorageFailed, NotSetUp) as error:
                LOG.warning("a relayed document was not kept: %s", error)

    def _take(self, kind: int, raw: bytes) -> None:
        """Put a document in force, by the checks of any delivery. Blocks."""
        if not self._judged(kind, raw):
            return
        if kind == Type.KEYSET:
            self._home.taking.keyset([raw])
        elif kind == Type.ROSTER:
            self._home.taking.roster(raw)
        elif kind == Type.COMMAND:
            self._home.taking.command(raw)
        elif kind == Type.RECEIPT:
            self._home.receipt(raw)
        else:
            trust = self._home.trust()
            self._home.learn(open_stamp(raw, trust.keys, self._home.now()))

    def _judged(self, kind: int, raw: bytes) -> bool:
        """Whether a document is news for this device; raises `UsherError`."""
        trust, now = self._home.trust(), self._home.now()
        if kind == Type.KEYSET:
            return trust.keys.update([raw], now) is not trust.keys
        if kind == Type.ROSTER:
            return trust.roster.update(raw, trust.keys, now) is not trust.roster
        if kind == Type.COMMAND:
            command = open_signed(Kind.COMMAND, raw, trust.keys.of("command", now), COMMAND)
            return command.device == self._home.me.device.hex()
        if kind == Type.RECEIPT:
            open_receipt(raw, trust.keys, now, trust.roster.tenant)
        else:
            open_stamp(raw, trust.keys, now)
        return True


def _event(entry: tuple[str, object]) -> str:
    return entry[0]
