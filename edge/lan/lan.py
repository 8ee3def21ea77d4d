"""The gates of one site as one: connected, alike in what they know, told of every record.

    lan = Lan(home, settings)
    lan.on_request(0x40, handler)      # claims (spec/claims.md)
    lan.start()
    lan.peers.get(device)              # a `Peer`, or None
    await lan.stop()

Nothing here decides an admission. Whatever fails, the gate scans on alone.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from typing import Final

from edge.gate.trust import Trust
from edge.lan.dialling import Address, Dialling
from edge.lan.documents import Documents
from edge.lan.greeting import standing_of
from edge.lan.home import Home
from edge.lan.listening import Listening
from edge.lan.peer import Handler, Peer
from edge.lan.peers import Peers
from edge.lan.proofs import wanted
from edge.lan.pushing import Pushing
from edge.lan.rules import Standing, is_listed, neighbours
from edge.lan.serving import Serving
from edge.lan.tls import contexts
from edge.settings import LanSettings
from edge.store.database import StorageFailed
from shared.lan import Reason, Type, encode_news, encode_places

LOG: Final = logging.getLogger(__name__)
LOOK_SECONDS: Final = 0.25  # between looks at the roster in force
TURN_SECONDS: Final = 2.0  # between rounds of gossip, give or take a third
WANT_TURNS: Final = 3  # between two questions for blobs
ASKED_A_TURN: Final = 4  # peers, drawn by lot from those that hold something else
AGAIN_SECONDS: Final = 1.0  # until a part that failed starts again


class Lan:
    """Made and used on the event loop; any thread may call `peers.get`, `peers.all`, `expected`
    and `written`."""

    def __init__(self, home: Home, settings: LanSettings) -> None:
        self.loop = asyncio.get_running_loop()
        self.peers = Peers()
        self._home = home
        self._settings = settings
        self._documents = Documents(home)
        self._serving = Serving(home, self._documents, self.peers, self.look)
        listening, dialling = contexts(home.me)
        self._listening = Listening(listening, self._serving.answer)
        self._dialling = Dialling(dialling, self.peers, home.me.device, self._serving.call)
        self._pushing = Pushing(home, self.peers)
        self._seen: Trust | None = None  # what connections were last judged by
        self._tasks: list[asyncio.Task[None]] = []
        self._listed = asyncio.Event()
        self._listens = asyncio.Event()

    @property
    def port(self) -> int:
        """The port that is listened on, 0 for none."""
        return self._listening.port

    def expected(self) -> int:
        """Return how many devices the roster has beside this one."""
        return len(neighbours(self._home.trust().roster, self._home.me.device))

    def written(self, raws: Sequence[bytes], own: bool) -> None:
        """Note records that are on our disk: what `Ledger.listen` is to call."""
        self._pushing.written(raws, own)

    def on_request(self, kind: int, handler: Handler) -> None:
        """Have requests of a type answered; the handler's None is no answer."""
        self._serving.handlers[kind] = handler

    def aim(self, host: str, port: int, *, hint: bool = False) -> None:
        """Keep a connection to whoever listens there. `hint`: nobody vouches for the address."""
        self._dialling.aim(Address(host, port), hint=hint)

    def relay(self, kind: Type, raw: bytes) -> None:
        """Pass on a stamp, a receipt or a command; whoever it is not for passes it over."""
        for peer in self.peers.all():
            peer.relay(kind, raw)

    def start(self) -> None:
        """Listen, dial and gossip, until `stop`."""
        for part in (self._listen, self._pushing.run, self._watch, self._gossip):
            self._tasks.append(asyncio.create_task(_kept(part)))
        for address in self._settings.addresses:
            self.aim(*address)

    async def listening(self) -> int:
        """Wait until calls are taken; return the port."""
        await self._listens.wait()
        return self.port

    async def stop(self) -> None:
        """Hang up on everybody."""
        for task in self._tasks:
            task.cancel()
        await self._dialling.stop()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def look(self) -> None:
        """Judge every connection by the roster in force, and tell peers what is new here."""
        trust = self._home.trust()
        if trust is self._seen and not self._home.wiped():
            return
        before, self._seen = self._seen, trust
        if is_listed(trust.roster, self._home.me.device):
            self._listed.set()
        news = encode_news(self._documents.news())
        for peer in self.peers.all():
            now = standing_of(self._home, peer.line)
            if now is Standing.PEER:
                peer.line.send(Type.NEWS, news)
                peer.show_newer()
            else:
                _cut_off(peer, now)
        if before is None or before.roster is not trust.roster:
            self._dialling.try_again()

    async def _listen(self) -> None:
        """Take calls, once this gate is somebody's neighbour."""
        await self._listed.wait()
        await self._listening.run(self._settings.host, self._settings.port, self._listens.set)

    async def _watch(self) -> None:
        while True:
            self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def _gossip(self) -> None:
        """Tell peers that we live, and ask some of those that hold something else than we."""
        for turn in count():
            await asyncio.sleep(TURN_SECONDS * random.uniform(2 / 3, 4 / 3))
            mine = self._serving.digest = await self._home.off_loop(self._home.digest)
            for peer in self.peers.all():
                if peer.line.stalled():
                    peer.line.close(Reason.TOO_SLOW)
                else:
                    peer.line.send(Type.PING, mine)
            others = [peer for peer in self.peers.all() if peer.digest != mine]
            for peer in random.sample(others, min(ASKED_A_TURN, len(others))):
                peer.want()
            if turn % WANT_TURNS == 0:
                await self._want_blobs()

    async def _want_blobs(self) -> None:
        """Ask one peer, drawn by lot, for blobs that records here wait for."""
        try:
            places = await self._home.off_loop(wanted, self._home)
        except StorageFailed as error:
            LOG.warning("nobody was asked for blobs: %s", error)
            return
        peers = self.peers.all()
        if places and peers:
            random.choice(peers).line.send(Type.WANT, encode_places(places))


def _cut_off(peer: Peer, now: Standing) -> None:
    """Hang up on a device that the roster no longer has beside us, and show it why."""
    if now is Standing.REVOKED:
        peer.show_newer()
    peer.line.close(Reason.REVOKED if now is Standing.REVOKED else Reason.NOT_LISTED)


async def _kept(part: Callable[[], Awaitable[None]]) -> None:
    """Run a part until cancelled, whatever happens in it."""
    while True:
        try:
            await part()
        except Exception:  # one turn is lost, and never the LAN
            LOG.exception("a part of the LAN failed")
        await asyncio.sleep(AGAIN_SECONDS)
