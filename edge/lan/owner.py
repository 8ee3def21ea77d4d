"""This gate as an owner: it hears the members that it is connected to, and answers claims
(spec/claims.md §3). What it decides is `shared.claims.leases`; here are the connections.

Everything is on the event loop. A handler changes what is known before it waits for anything,
so that requests of one peer count in the order in which they came.
"""

import asyncio
import logging
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Final

from edge.lan.entries import Entries
from edge.lan.home import Home
from edge.lan.lan import Lan
from edge.lan.peer import Peer
from edge.lan.rules import neighbours
from edge.store.database import StorageFailed
from shared.claims import doubts, leases
from shared.claims.messages import Answer, Claim, Held, InDoubt, decode_claim, encode_answer
from shared.claims.told import decode_release, decode_told, encode_tell
from shared.devices.roster import TrustedRoster
from shared.errors import UsherError
from shared.lan import Reason

CLAIM: Final = 0x40
TELL: Final = 0x41
RELEASE: Final = 0x42
TELL_SECONDS: Final = 2.0
AGAIN_SECONDS: Final = 0.1
LOG: Final = logging.getLogger(__name__)


class Owner:
    """`moved` is called when another roster is in force."""

    def __init__(self, lan: Lan, home: Home, entries: Entries, moved: Callable[[], None]) -> None:
        self._lan = lan
        self._home = home
        self._me = home.me.device
        self._entries = entries
        self._moved = moved
        self._hearing: dict[bytes, asyncio.Task[None]] = {}
        self.read = False  # whether all entries on the disk are among `entries`
        roster = home.trust().roster
        self._leases = leases.started(roster.version, neighbours(roster, self._me), self.now())
        self._doubts = doubts.Doubts(self.now())

    def now(self) -> int:
        """Return monotonic milliseconds."""
        return int(self._lan.loop.time() * 1000)

    def roster(self) -> TrustedRoster:
        """Return the roster in force, having gone over to it if it is new."""
        roster = self._home.trust().roster
        if roster.version != self._leases.roster:
            others, now = neighbours(roster, self._me), self.now()
            self._leases = leases.moved(self._leases, self._me, roster.version, others, now)
            self._moved()
        return roster

    def answer(self, claim: Claim) -> Answer:
        """Answer a claim whose author was checked."""
        self.roster()
        if not self.read:
            return InDoubt(claim.nonce)
        used = self._entries.used(claim.event, claim.ticket, claim.rights)
        self._leases, said = leases.answer(self._leases, claim, self._awaited(), used, self.now())
        return said

    def ready(self) -> bool:
        """Whether this gate could grant anything now."""
        self.roster()
        return self.read and self._leases.ready(self._awaited(), self.now())

    async def claimed(self, peer: Peer, content: bytes) -> bytes | None:
        """Answer a peer's claim; the entry that stands in its way is sent before."""
        claim = decode_claim(content)
        member = self.roster().devices.get(peer.device)
        if member is None:
            return None
        if claim.device != peer.device or not claim.signed_by(member.pk):
            peer.line.close(Reason.UNTRUSTED)
            return None
        said = self.answer(claim)
        if isinstance(said, Held) and isinstance(said.by, bytes):
            with suppress(StorageFailed):  # the answer shows the entry by itself
                peer.push(await self._home.off_loop(self._home.replica.of, (said.by,)))
        return encode_answer(said)

    async def released(self, peer: Peer, content: bytes) -> bytes:
        """Take a claim for given up."""
        self._leases = leases.released(self._leases, peer.device, decode_release(content))
        return b""

    def gives_up(self, claim: Claim) -> None:
        """Note that this gate itself will not write with a claim."""
        self._leases = leases.released(self._leases, self._me, claim.nonce)

    def holds(self, claim: Claim) -> None:
        """Note that this gate itself may write with a claim, whoever granted it."""
        self._leases = leases.holding(self._leases, claim, self.now())

    def used(self, rights: Collection[bytes]) -> None:
        """Note entries that are in the log here."""
        for right in rights:
            self._leases = leases.used(self._leases, right)

    def begins(self, peer: Peer) -> None:
        """Hear a member that is connected now."""
        self.ends(peer)
        self._hearing[peer.device] = asyncio.create_task(self._hear(peer))

    def ends(self, peer: Peer) -> None:
        """Note that a connection is gone."""
        self._leases = leases.lost(self._leases, peer.device)
        if (hearing := self._hearing.pop(peer.device, None)) is not None:
            hearing.cancel()

    async def stop(self) -> None:
        """Hear nobody any more."""
        for each in self._hearing.values():
            each.cancel()
        await asyncio.gather(*self._hearing.values(), return_exceptions=True)

    def _awaited(self) -> set[bytes]:
        """Return the members that are connected, without those that used up their time."""
        connected = {peer.device for peer in self._lan.peers.all()} & self._leases.others
        before = doubts.worn_out(self._doubts)
        self._doubts = doubts.passed(self._doubts, connected - self._leases.heard, self.now())
        after = doubts.worn_out(self._doubts)
        for device in after - before:
            LOG.warning("%s does not say what it holds: it is not waited for", device.hex())
        return connected - (after - self._leases.heard)

    async def _hear(self, peer: Peer) -> None:
        """Ask a member what it holds, until it was heard; and again under each new roster."""
        while True:
            if peer.device not in self._leases.heard:
                await self._ask(peer)
            await asyncio.sleep(AGAIN_SECONDS)

    async def _ask(self, peer: Peer) -> None:
        version = self.roster().version
        member = self._home.trust().roster.devices.get(peer.device)
        if member is None or peer.news.roster != version:
            return
        raw = await peer.ask(TELL, encode_tell(version), TELL_SECONDS)
        if raw is None:
            return
        try:
            told = decode_told(raw, peer.device, member.pk)
        except UsherError as error:
            LOG.warning("a member's word on its claims is wrong: %s", error)
            peer.line.close(Reason.UNTRUSTED)
            return
        if not await peer.caught_up() or self._lan.peers.get(peer.device) is not peer:
            return
        self.roster()
        self._leases = leases.heard(self._leases, peer.device, told, self.now())
