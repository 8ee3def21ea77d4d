"""Telling every peer at once what this device has just written.

A push may be lost (a peer that is slow, a connection that breaks): the next question by vector
makes up for it, so nothing is kept here for anybody.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from edge.lan.home import Home
from edge.lan.peers import Peers
from edge.store.database import StorageFailed
from shared.lan import CAPS, Type

LOG: Final = logging.getLogger(__name__)
MOST_AT_ONCE: Final = 256  # records of one push
MOST_WAITING: Final = 4096  # beyond it, peers ask


class Pushing:
    """`written` may be called by any thread, the rest by the event loop."""

    def __init__(self, home: Home, peers: Peers) -> None:
        self._home = home
        self._peers = peers
        self._loop = asyncio.get_running_loop()
        self._waiting: list[bytes] = []
        self._arrived = asyncio.Event()

    def written(self, raws: Sequence[bytes], own: bool) -> None:
        """Note records that are on our disk; others' come to our peers from their writers."""
        if own and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._note, tuple(raws))

    async def run(self) -> None:
        """Push whatever is written, until cancelled."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                some, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
                await self._push(some)

    def _note(self, raws: Sequence[bytes]) -> None:
        if self._peers.all() and len(self._waiting) < MOST_WAITING:
            self._waiting += raws
            self._arrived.set()

    async def _push(self, raws: Sequence[bytes]) -> None:
        try:
            file = await self._home.off_loop(self._home.replica.of, raws)
        except StorageFailed as error:
            LOG.warning("records were not pushed: %s", error)
            return
        if len(file) <= CAPS[Type.PUSH]:
            for peer in self._peers.all():
                peer.push(file)
