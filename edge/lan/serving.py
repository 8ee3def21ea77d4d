"""From a handshake to the end of a connection: who may come in, and who is kept out.

Everybody on the network can shake hands. What a stranger can make us hold is bounded in number,
size and time; what a peer can make us do, by its budget.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from edge.lan.dialling import Ended
from edge.lan.documents import Documents
from edge.lan.greeting import Greeting, standing_of
from edge.lan.home import Home
from edge.lan.line import Hangup, Line
from edge.lan.peer import Handler, Peer
from edge.lan.peers import Peers
from edge.lan.rules import Budget, Opened, Standing
from shared import hashing
from shared.lan import Hello, Reason

LOG: Final = logging.getLogger(__name__)
GREETING_SECONDS: Final = 10.0
HEARING_SECONDS: Final = 15.0  # for what a copy has to tell that is not let in
MOST_CONNECTIONS: Final = 512
MOST_STRANGERS: Final = 16  # of those, who are not on our roster and may show a newer one
RATE: Final = 400.0  # units a second that a device may cost us (`Peer`)
BURST: Final = 4000.0
CONNECTION_UNITS: Final = 50
BANNED_SECONDS: Final = 60.0
BANNED_FOR: Final = frozenset({Reason.MALFORMED, Reason.UNTRUSTED, Reason.FLOOD})


class Serving:
    """`handlers`: by type of request. `look` is called before anything that a peer says."""

    def __init__(
        self, home: Home, documents: Documents, peers: Peers, look: Callable[[], None]
    ) -> None:
        self.handlers: dict[int, Handler] = {}
        self.digest = bytes(32)  # of our vector, as of late
        self._home = home
        self._documents = documents
        self._peers = peers
        self._look = look
        self._budgets: dict[bytes, Budget] = {}
        self._banned: dict[bytes, float] = {}
        self._number = 0
        self._open = self._strangers = 0
        self._loop = asyncio.get_running_loop()

    async def answer(self, line: Line) -> None:
        """Talk with whoever has called, until it ends."""
        await self._serve(line, dialled=False)

    async def call(self, line: Line) -> Ended:
        """Talk with whom we have called, until it ends."""
        self._number += 1
        return await self._serve(line, dialled=True)

    async def _serve(self, line: Line, *, dialled: bool) -> Ended:
        pk, up = line.pk, False
        device = hashing.device_id(pk) if pk else b""
        self._open += 1
        try:
            peer = await self._greet(line, device, dialled=dialled)
            await self._enter(peer)
            up = True
            await self._run(peer)
        except Hangup as hangup:
            self._note(device, hangup.told or line.why, hangup)
            line.close(hangup.told or Reason.LEAVING)
        except Exception:  # a connection is lost, and never the LAN
            LOG.exception("a connection with %s failed", device.hex() or "nobody")
            line.close(Reason.OTHER)
        finally:
            self._open -= 1
            line.close(Reason.LEAVING)
            await line.closed()
        return Ended(device, up, line.why)

    async def _enter(self, peer: Peer) -> None:
        """Make this the connection to its device. One that is kept out in favour of another that
        runs with the same key is heard first: what the two wrote shows that one was copied."""
        try:
            await self._peers.enter(peer, self.digest)
        except Hangup:
            other = self._peers.get(peer.device)
            if other is not None and other.session != peer.session:
                await self._hear_out(peer)
            raise

    async def _hear_out(self, peer: Peer) -> None:
        try:
            async with asyncio.timeout(HEARING_SECONDS):
                await peer.hear_out()
        except TimeoutError:
            raise Hangup(Reason.DUPLICATE, "another copy of it is connected") from None

    async def _run(self, peer: Peer) -> None:
        """Let it speak, if it is a peer still: a roster may have come before it entered."""
        try:
            if standing_of(self._home, peer.line) is not Standing.PEER:
                raise Hangup(Reason.NOT_LISTED, "not a peer any more")
            peer.show_newer()
            await peer.run()
        finally:
            self._peers.leave(peer)

    async def _greet(self, line: Line, device: bytes, *, dialled: bool) -> Peer:
        mine = self._home.hello(self._number, self._documents.news())
        greeting = Greeting(line, self._home, self._documents, mine)
        stranger = standing_of(self._home, line) is Standing.STRANGER
        if self._open > MOST_CONNECTIONS or (stranger and self._strangers >= MOST_STRANGERS):
            raise Hangup(Reason.FULL, "too many connections")
        if self._is_banned(device):
            raise Hangup(Reason.FLOOD, "this device has to wait")
        self._strangers += stranger
        try:
            async with asyncio.timeout(GREETING_SECONDS):
                theirs = await greeting.exchange(dialled=dialled)
        except TimeoutError:
            raise Hangup(Reason.TOO_SLOW, "no hello in time") from None
        finally:
            self._strangers -= stranger
        return self._peer(line, device, theirs, self._opened(device, theirs, mine, dialled))

    def _opened(self, device: bytes, theirs: Hello, mine: Hello, dialled: bool) -> Opened:
        me = self._home.me.device
        by, other = (me, device) if dialled else (device, me)
        number = mine.number if dialled else theirs.number
        return Opened(theirs.incarnation + mine.incarnation, by < other, number)

    def _peer(self, line: Line, device: bytes, theirs: Hello, opened: Opened) -> Peer:
        now = self._loop.time()
        budget = self._budgets.setdefault(device, Budget(RATE, BURST, now))
        if not budget.spend(CONNECTION_UNITS, now):
            raise Hangup(Reason.FLOOD, "too many connections one after the other")
        return Peer(
            line, self._home, self._documents, device, theirs, opened, budget,
            self.handlers, self._look,
        )  # fmt: skip

    def _is_banned(self, device: bytes) -> bool:
        return self._banned.get(device, 0.0) > self._loop.time()

    def _note(self, device: bytes, why: Reason | None, hangup: Hangup) -> None:
        """Remember whom not to listen to for a while: those alone whom the roster names, so that
        strangers can't fill our memory. `why`: the line is closed where a request or an answer
        turns out to be bad, and only then is the connection over."""
        known = device in self._home.trust().roster.devices
        if known and why in BANNED_FOR and not self._is_banned(device):
            LOG.warning("hung up on %s: %s (%s)", device.hex(), hangup, why)
            self._banned[device] = self._loop.time() + BANNED_SECONDS
            if why is Reason.UNTRUSTED:
                self._home.distrust(device)
        else:
            LOG.debug("connection with %s: %s", device.hex() or "nobody", hangup)
