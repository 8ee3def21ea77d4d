"""Whom we are connected to: at most one connection for each device (spec/lan.md §2)."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from edge.lan.line import Hangup
from edge.lan.peer import Peer
from edge.lan.rules import outlives
from shared.lan import Reason, Type

PROOF_SECONDS: Final = 1.0  # in which an older connection has to prove that it lives
STEP_SECONDS: Final = 0.02
Watcher = Callable[[Peer, bool], None]  # whose connection begins (True) or has ended


class Peers:
    """Changed by the event loop alone; any thread may look."""

    def __init__(self) -> None:
        self._here: dict[bytes, Peer] = {}
        self._watchers: list[Watcher] = []
        self._changed = asyncio.Event()

    def get(self, device: bytes) -> Peer | None:
        """Return the connection to a device."""
        return self._here.get(device)

    def all(self) -> tuple[Peer, ...]:
        """Return every connection."""
        return tuple(self._here.values())

    def watch(self, watcher: Watcher) -> None:
        """Have `watcher` called, by the loop, whenever a connection begins or ends."""
        self._watchers.append(watcher)

    async def enter(self, peer: Peer, digest: bytes) -> None:
        """Make this the connection to its device, or raise `Hangup`.

        Of two that live, both ends keep the same one. One that does not answer is left over
        from a cut that the other end has noticed before us.
        """
        while (old := self._here.get(peer.device)) is not None:
            if not outlives(peer.opened, old.opened) and await _lives(old, digest):
                raise Hangup(Reason.DUPLICATE, "connected already")
            old.line.close(Reason.DUPLICATE)
            if self._here.get(peer.device) is old:
                self._remove(old)
        self._here[peer.device] = peer
        self._tell(peer, here=True)

    def leave(self, peer: Peer) -> None:
        """The connection has ended."""
        if self._here.get(peer.device) is peer:
            self._remove(peer)

    async def absent(self, device: bytes) -> None:
        """Wait until a device is not connected."""
        while device in self._here:
            await self._changed.wait()

    def _remove(self, peer: Peer) -> None:
        del self._here[peer.device]
        self._tell(peer, here=False)

    def _tell(self, peer: Peer, *, here: bool) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
        for watcher in self._watchers:
            watcher(peer, here)


async def _lives(old: Peer, digest: bytes) -> bool:
    """Whether something comes back on a connection."""
    before = old.line.heard_at
    old.line.send(Type.PING, digest)
    with suppress(TimeoutError):
        async with asyncio.timeout(PROOF_SECONDS):
            while old.line.heard_at == before and not old.line.closing:  # noqa: ASYNC110
                await asyncio.sleep(STEP_SECONDS)
    return old.line.heard_at != before and not old.line.closing
