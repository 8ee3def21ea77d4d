"""Claims of a running gate: what a lane asks before green (spec/claims.md).

    claims = Claims(lan, home, gate.ledger, gate.stores.log)
    claims.start()                         # station.claim and station.over are its methods
    claims.claim(Claiming(...))            # from any thread; blocks

Here is what stands between threads and the event loop, on which everything happens: `Owner`
answers others' claims, `Attempts` makes this gate's own. Threads hand their claim over and wait.
A loop that hangs costs a claim its patience and no more: the gate lets in alone, and the record
says so.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import Final

from edge.gate.claiming import Claiming, Standing
from edge.gate.ledger import Ledger
from edge.lan.attempts import ALONE, CATCH_UP_SECONDS, Attempts
from edge.lan.entries import Entries
from edge.lan.home import Home
from edge.lan.lan import Lan
from edge.lan.numbered import Numbered
from edge.lan.owner import CLAIM, RELEASE, TELL, Owner
from edge.lan.peer import Peer
from edge.store.log import LogStore
from shared.claims.claimant import PATIENCE_MS
from shared.claims.told import Told, decode_tell, encode_told

LOG: Final = logging.getLogger(__name__)
LOOK_SECONDS: Final = 0.1  # between looks at the roster, and at who was not heard


def alone(_claiming: Claiming) -> Standing:
    """Answer for a gate that ought to have others beside it, and can't ask them."""
    return ALONE


class Claims:
    """`claim`, `over` and `written` may be called by any thread; all else by the loop alone."""

    def __init__(self, lan: Lan, home: Home, ledger: Ledger, log: LogStore) -> None:
        self._lan = lan
        self._home = home
        self._ledger = ledger
        self._log = log
        self._entries = Entries(ledger.history)
        self._news = asyncio.Event()  # an entry, or another roster
        self._owner = Owner(lan, home, self._entries, self._news.set)
        self._connections = Numbered(lan.peers, home.me.device)
        self._attempts = Attempts(home, self._owner, self._entries, self._connections, self._news)
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Answer peers, and be ready to be asked. Once, before the LAN starts."""
        self._lan.on_request(CLAIM, self._owner.claimed)
        self._lan.on_request(RELEASE, self._owner.released)
        self._lan.on_request(TELL, self._told)
        self._lan.peers.watch(self._connection)
        self._ledger.listen(self.written)
        self._tasks += [asyncio.create_task(self._read()), asyncio.create_task(self._look())]

    async def stop(self) -> None:
        """Answer nobody any more."""
        for each in self._tasks:
            each.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._attempts.stop()
        await self._owner.stop()

    def claim(self, claiming: Claiming) -> Standing:
        """Return how far the others agreed to an admission. Blocks, `PATIENCE_MS` at the most."""
        asking = self._attempts.claim(claiming)
        try:
            going = asyncio.run_coroutine_threadsafe(asking, self._lan.loop)
        except RuntimeError:  # the loop has ended: so does this process
            asking.close()
            return ALONE
        try:
            return going.result(PATIENCE_MS / 1000 + 2 * CATCH_UP_SECONDS)
        except (TimeoutError, CancelledError):
            going.cancel()
            return ALONE
        except Exception:  # a fault of ours must not keep a guest out
            LOG.exception("a claim failed")
            return ALONE

    def ready(self) -> bool:
        """Whether this gate has heard all who are there, and grants as their owner."""
        return self._owner.ready()

    def over(self, ticket: bytes) -> None:
        """Note that what was claimed of a ticket has been written, or will not be."""
        self._later(lambda: self._attempts.over(ticket))

    def written(self, raws: Sequence[bytes], _own: bool) -> None:
        """Note records that are on the disk: what `Ledger.listen` calls."""
        self._later(lambda: self._enter(raws))

    def _later(self, call: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop has ended: so does this process
            self._lan.loop.call_soon_threadsafe(call)

    def _enter(self, raws: Sequence[bytes]) -> None:
        if rights := self._entries.add(raws):
            self._owner.used(rights)
            self._news.set()

    def _connection(self, peer: Peer, here: bool) -> None:
        if here:
            self._connections.begins(peer)
            self._owner.begins(peer)
        else:
            self._connections.ends(peer)
            self._owner.ends(peer)

    async def _told(self, _peer: Peer, content: bytes) -> bytes:
        """Tell an owner what this gate may still write."""
        decode_tell(content)
        return encode_told(Told(self._owner.roster().version, tuple(self._attempts.granted())))

    async def _read(self) -> None:
        """Take in the entries on the disk; until then this gate is in doubt."""
        self._entries.add(await self._home.off_loop(lambda: [*self._log.records()]))
        self._owner.read = True

    async def _look(self) -> None:
        while True:
            self._owner.ready()
            await asyncio.sleep(LOOK_SECONDS)
