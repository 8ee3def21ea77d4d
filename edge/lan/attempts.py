"""This gate's own claims: whom each asks, what comes of it, and when it is given up.

Whom to ask and what answers mean is `shared.claims.claimant`; here is who hears it. Whoever was
asked is told once nobody will write with a claim: else its right stays taken for seconds.
"""

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from edge.gate.claiming import Claiming, Standing
from edge.lan.entries import Entries
from edge.lan.home import Home
from edge.lan.numbered import Numbered
from edge.lan.owner import CLAIM, RELEASE, Owner
from edge.lan.peer import Peer
from shared.claims.claimant import (
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
from shared.claims.told import MAX_CLAIMS
from shared.errors import Malformed
from shared.lan import Reason

LOG: Final = logging.getLogger(__name__)
ALONE: Final = Standing(degraded=True)
CATCH_UP_SECONDS: Final = 1.0  # for an entry that an owner named
RELEASE_SECONDS: Final = 2.0


@dataclass
class Attempt:
    """One claim of this gate, until its entry is written or given up."""

    claim: Claim
    asked: list[Peer] = field(default_factory=list)
    granted: bool = False


class Attempts:
    """Used by the event loop alone. `news` is set by an entry, or another roster."""

    def __init__(
        self,
        home: Home,
        owner: Owner,
        entries: Entries,
        connections: Numbered,
        news: asyncio.Event,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._home = home
        self._me = home.me
        self._owner = owner
        self._entries = entries
        self._connections = connections
        self._news = news
        self._random = random
        self._attempts: dict[bytes, Attempt] = {}  # by nonce
        self._releases: set[asyncio.Task[bytes | None]] = set()

    async def stop(self) -> None:
        """Wait for what is still being told."""
        await asyncio.gather(*self._releases, return_exceptions=True)

    def granted(self) -> Sequence[Claim]:
        """Return with which claims this gate may still write."""
        return [each.claim for each in self._attempts.values() if each.granted]

    def over(self, ticket: bytes) -> None:
        """What was written speaks for itself, and a release might overtake its push."""
        for attempt in [*self._attempts.values()]:
            claim = attempt.claim
            if claim.ticket != ticket or not attempt.granted:
                continue
            if self._entries.wrote(self._me.device, claim.event, ticket, claim.rights):
                del self._attempts[claim.nonce]
            else:
                self._give_up(attempt)

    async def claim(self, claiming: Claiming) -> Standing:
        """Ask until somebody says; a new roster makes what is not granted start anew."""
        end: int | None = None
        while True:
            roster = self._owner.roster()
            own = roster.devices.get(self._me.device)
            ranking = owners(roster.devices, own.site, claiming.ticket) if own else ()
            if self._me.device not in ranking or len(self._attempts) >= MAX_CLAIMS:
                return ALONE
            attempt = self._begun(claiming, roster.version)
            here, now = self._connections.members(roster.version), self._owner.now()
            state = begin(attempt.claim, ranking, here, now, end)
            try:
                standing = await self._steps(attempt, *state)
            except BaseException:
                self._give_up(attempt)
                raise
            if standing is not None:
                return standing
            self._give_up(attempt)
            end = state[0].end

    def _begun(self, claiming: Claiming, roster: int) -> Attempt:
        place = self._random(16), self._me.device, claiming.event, claiming.ticket
        claim = Claim(roster, *place, tuple(sorted(claiming.rights)))
        attempt = Attempt(claim.signed(self._me.secret))
        self._attempts[claim.nonce] = attempt
        return attempt

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
        connection = claimant.owners[0][1]
        if step.owner == self._me.device:
            said: Answer | None = self._owner.answer(attempt.claim)
        else:
            said = await self._asked(attempt, connection, step)
        now = self._owner.now()
        if said is None:
            return late(claimant, now)
        devices = self._home.trust().roster.devices
        return answered(claimant, connection, said, devices, now) or late(claimant, now)

    async def _asked(self, attempt: Attempt, connection: int, step: Ask) -> Answer | None:
        """Return a peer's answer, None where none came on the connection that still stands."""
        peer = self._connections.find(step.owner, connection)
        if peer is None:
            return None
        attempt.asked.append(peer)
        within = max(0, step.until - self._owner.now()) / 1000
        raw = await peer.ask(CLAIM, encode_claim(attempt.claim), within)
        if raw is None or not self._connections.stands(peer):
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
        for peer in filter(self._connections.stands, attempt.asked):
            task = asyncio.create_task(peer.ask(RELEASE, claim.nonce, RELEASE_SECONDS))
            self._releases.add(task)
            task.add_done_callback(self._releases.discard)
