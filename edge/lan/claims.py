"""Claims of a running gate: what a lane asks before green (spec/claims.md).

    claims = Claims(lan, home, gate.ledger, gate.stores.log)
    claims.start()                         # station.claim and station.over are its methods
    claims.claim(Claiming(...))            # from any thread; blocks

Whom to ask and what answers mean is `shared.claims.claimant`. Everything happens on the event
loop; threads hand their claim over and wait. A loop that hangs costs a claim its patience and
no more: the gate lets in alone, and the record says so.
"""

import asyncio
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from edge.gate.claiming import Claiming, Standing
from edge.gate.ledger import Ledger
from edge.lan.entries import Entries
from edge.lan.home import Home
from edge.lan.lan import Lan
from edge.lan.owner import CLAIM, RELEASE, TELL, Owner
from edge.lan.peer import Peer
from edge.store.log import LogStore
from shared.claims.claimant import (
    PATIENCE_MS,
    Ask,
    Claimant,
    Granted,
    Step,
    Taken,
    Wait,
    answered,
    begin,
    late,
)
from shared.claims.messages import Answer, Claim, decode_answer, encode_claim
from shared.claims.owners import owners
from shared.claims.told import MAX_CLAIMS, Told, decode_tell, encode_told
from shared.errors import Malformed
from shared.lan import Reason

LOG: Final = logging.getLogger(__name__)
ALONE: Final = Standing(degraded=True)
LOOK_SECONDS: Final = 0.1  # between looks at the roster, and at who was not heard
CATCH_UP_SECONDS: Final = 1.0  # for an entry that an owner named
RELEASE_SECONDS: Final = 2.0


def alone(_claiming: Claiming) -> Standing:
    """Answer for a gate that ought to have others beside it, and can't ask them."""
    return ALONE


@dataclass
class Attempt:
    """One claim of this gate, until its entry is written or given up."""

    claim: Claim
    asked: list[Peer] = field(default_factory=list)
    granted: bool = False


class Claims:
    """`claim`, `over` and `written` may be called by any thread; all else by the loop alone."""

    def __init__(
        self,
        lan: Lan,
        home: Home,
        ledger: Ledger,
        log: LogStore,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._lan = lan
        self._home = home
        self._me = home.me
        self._ledger = ledger
        self._log = log
        self._random = random
        self._entries = Entries(ledger.history)
        self._news = asyncio.Event()  # an entry, or another roster
        self._owner = Owner(lan, home, self._entries, self._news.set)
        self._numbers: dict[Peer, int] = {}
        self._count = count(1)
        self._attempts: dict[bytes, Attempt] = {}  # by nonce
        self._tasks: list[asyncio.Task[None]] = []
        self._releases: set[asyncio.Task[bytes | None]] = set()

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
        await asyncio.gather(*self._tasks, *self._releases, return_exceptions=True)
        await self._owner.stop()

    def claim(self, claiming: Claiming) -> Standing:
        """Return how far the others agreed to an admission. Blocks, `PATIENCE_MS` at the most."""
        asking = self._claim(claiming)
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
        self._later(lambda: self._over(ticket))

    def written(self, raws: Sequence[bytes], _own: bool) -> None:
        """Note records that are on the disk: what `Ledger.listen` calls."""
        self._later(lambda: self._enter(raws))

    def _later(self, call: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop has ended: so does this process
            self._lan.loop.call_soon_threadsafe(call)

    # -- one claim --

    async def _claim(self, claiming: Claiming) -> Standing:
        """Ask until somebody says; a new roster makes what is not granted start anew."""
        end: int | None = None
        while True:
            roster = self._owner.roster()
            own = roster.devices.get(self._me.device)
            ranking = owners(roster.devices, own.site, claiming.ticket) if own else ()
            if self._me.device not in ranking or len(self._attempts) >= MAX_CLAIMS:
                return ALONE
            place = self._random(16), self._me.device, claiming.event, claiming.ticket
            claim = Claim(roster.version, *place, tuple(sorted(claiming.rights)))
            attempt = Attempt(claim.signed(self._me.secret))
            self._attempts[claim.nonce] = attempt
            state = begin(attempt.claim, ranking, self._peers(), self._owner.now(), end)
            try:
                standing = await self._steps(attempt, *state)
            except BaseException:
                self._give_up(attempt)
                raise
            if standing is not None:
                return standing
            self._give_up(attempt)
            end = state[0].end

    async def _steps(self, attempt: Attempt, claimant: Claimant, step: Step) -> Standing | None:
        """Go step by step; None if the roster changed on the way."""
        while True:
            if self._owner.roster().version != attempt.claim.roster:
                return None
            match step:
                case Granted(confirm, degraded):
                    attempt.granted = True
                    self._owner.holds(attempt.claim)
                    return Standing(confirm, degraded, roster=attempt.claim.roster)
                case Taken(record):
                    await self._caught_up(attempt, record)
                    self._give_up(attempt)
                    return Standing(held=True)
                case Wait(until):
                    if await self._in_the_way(attempt.claim, until):
                        self._give_up(attempt)
                        return Standing(held=True)
                    claimant, step = late(claimant, self._owner.now())
                case Ask():
                    claimant, step = await self._ask(attempt, claimant, step)

    async def _ask(self, attempt: Attempt, claimant: Claimant, step: Ask) -> tuple[Claimant, Step]:
        """Ask one owner, and take in what it says."""
        if step.owner == self._me.device:
            said: Answer | None = self._owner.answer(attempt.claim)
        else:
            said = await self._asked(attempt, claimant, step)
        now = self._owner.now()
        if said is None:
            return late(claimant, now)
        connection, devices = claimant.owners[0][1], self._home.trust().roster.devices
        return answered(claimant, connection, said, devices, now) or late(claimant, now)

    async def _asked(self, attempt: Attempt, claimant: Claimant, step: Ask) -> Answer | None:
        """Return a peer's answer, None where none came on the connection that still stands."""
        peer = self._lan.peers.get(step.owner)
        if peer is None or self._numbers.get(peer) != claimant.owners[0][1]:
            return None
        attempt.asked.append(peer)
        within = max(0, step.until - self._owner.now()) / 1000
        raw = await peer.ask(CLAIM, encode_claim(attempt.claim), within)
        if raw is None or self._lan.peers.get(step.owner) is not peer:
            return None
        try:
            return decode_answer(raw)
        except Malformed as error:
            LOG.warning("a peer's answer to a claim is malformed: %s", error)
            peer.line.close(Reason.MALFORMED)
            return None

    async def _in_the_way(self, claim: Claim, until: int) -> bool:
        """Wait for what another does with its claim; whether its entry has come."""
        while (left := until - self._owner.now()) > 0:
            if self._entries.used(claim.event, claim.ticket, claim.rights):
                return True
            self._news.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(left / 1000):
                    await self._news.wait()
        return False

    async def _caught_up(self, attempt: Attempt, record: bytes) -> None:
        """Have what the owner has: the entry counts only with the log that leads to it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CATCH_UP_SECONDS):
                while not self._entries.has(record) and attempt.asked:
                    if not await attempt.asked[-1].caught_up():
                        return
                    await asyncio.sleep(0)

    def _give_up(self, attempt: Attempt) -> None:
        """Tell everybody who was asked that nobody will write with this claim."""
        claim = attempt.claim
        if self._attempts.pop(claim.nonce, None) is None:
            return
        self._owner.gives_up(claim)
        for peer in attempt.asked:
            if self._lan.peers.get(peer.device) is peer:
                asking = peer.ask(RELEASE, claim.nonce, RELEASE_SECONDS)
                task = asyncio.create_task(asking)
                self._releases.add(task)
                task.add_done_callback(self._releases.discard)

    # -- what happens meanwhile --

    def _over(self, ticket: bytes) -> None:
        """What was written speaks for itself, and a release might overtake its push."""
        for attempt in [*self._attempts.values()]:
            claim = attempt.claim
            if claim.ticket != ticket or not attempt.granted:
                continue
            if self._entries.wrote(self._me.device, claim.event, ticket, claim.rights):
                del self._attempts[claim.nonce]
            else:
                self._give_up(attempt)

    def _enter(self, raws: Sequence[bytes]) -> None:
        if rights := self._entries.add(raws):
            self._owner.used(rights)
            self._news.set()

    def _connection(self, peer: Peer, here: bool) -> None:
        if here:
            self._numbers[peer] = next(self._count)
            self._owner.begins(peer)
        else:
            self._numbers.pop(peer, None)
            self._owner.ends(peer)

    def _peers(self) -> Mapping[bytes, int]:
        """Return the connections to members that go by our roster, and to ourselves."""
        version = self._owner.roster().version
        same = [peer for peer in self._lan.peers.all() if peer.news.roster == version]
        return {peer.device: self._numbers[peer] for peer in same if peer in self._numbers} | {
            self._me.device: 0
        }

    async def _told(self, _peer: Peer, content: bytes) -> bytes:
        """Tell an owner what this gate may still write."""
        decode_tell(content)
        roster = self._owner.roster().version
        claims = tuple(a.claim for a in self._attempts.values() if a.granted)
        return encode_told(Told(roster, claims))

    async def _read(self) -> None:
        """Take in the entries on the disk; until then this gate is in doubt."""
        self._entries.add(await self._home.off_loop(lambda: [*self._log.records()]))
        self._owner.read = True

    async def _look(self) -> None:
        while True:
            self._owner.ready()
            await asyncio.sleep(LOOK_SECONDS)
