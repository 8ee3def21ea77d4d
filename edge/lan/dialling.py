"""Calling addresses, one task for each: from the settings, or found by discovery.

An address proves nothing. Which device stands behind it is learnt by the handshake; as long as
that device is connected, by whichever address, nobody dials.
"""

import asyncio
import logging
import random
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, NamedTuple

from edge.lan.line import Line, dial
from edge.lan.peers import Peers
from edge.lan.rules import pause
from shared.lan import Reason

LOG: Final = logging.getLogger(__name__)
CONNECT_SECONDS: Final = 6.0
REFUSED_SECONDS: Final = 30.0  # until somebody is tried again whom we have refused
SELF_SECONDS: Final = 300.0  # until an address of our own is tried again, which may move
MOST_HINTS: Final = 256
REFUSALS: Final = frozenset({Reason.NOT_LISTED, Reason.REVOKED, Reason.FLOOD})


class Address(NamedTuple):
    """Where somebody may listen."""

    host: str
    port: int


class Ended(NamedTuple):
    """What came of a connection."""

    device: bytes  # who it was, empty for nobody that we know
    up: bool  # it was in use
    why: Reason | None  # why we hung up, if we did


class Target:
    """An address, and what we know of it."""

    def __init__(self, *, hint: bool) -> None:
        self.hint = hint  # found by discovery, which anybody can make say anything
        self.device = b""  # who was there, once a handshake told
        self.proved = False  # a peer was there
        self.failures = 0
        self.line: Line | None = None  # the newest
        self.task: asyncio.Task[None] | None = None

    def wait(self, ended: Ended, me: bytes, chance: float) -> float:
        """Return seconds until the next attempt, after one that ended so."""
        self.device = ended.device or self.device
        self.proved |= ended.up
        self.failures = 0 if ended.up else self.failures + 1
        if ended.device == me:
            return SELF_SECONDS
        if ended.why in REFUSALS:
            return REFUSED_SECONDS
        return pause(self.failures, chance, unproved=self.hint and not self.proved)


class Dialling:
    """`serve` is given a connection and says what came of it. Used by the event loop alone."""

    def __init__(
        self,
        context: ssl.SSLContext,
        peers: Peers,
        me: bytes,
        serve: Callable[[Line], Awaitable[Ended]],
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._context = context
        self._peers = peers
        self._me = me
        self._serve = serve
        self._chance = chance
        self._targets: dict[Address, Target] = {}
        self._again = asyncio.Event()

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Everything that is dialled."""
        return tuple(self._targets)

    def aim(self, address: Address, *, hint: bool = False) -> None:
        """Keep a connection to whoever is there."""
        known = self._targets.get(address)
        if known is not None:
            known.hint &= hint
            return
        if hint and not self._room():
            return
        target = self._targets[address] = Target(hint=hint)
        target.task = asyncio.create_task(self._keep(address, target))

    def try_again(self) -> None:
        """Dial everybody now whom we wait to dial: something has changed."""
        self._again.set()
        self._again = asyncio.Event()

    async def stop(self) -> None:
        """Hang up on everybody whom we have dialled."""
        tasks = [target.task for target in self._targets.values() if target.task is not None]
        self._targets.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _room(self) -> bool:
        """Make room for another hint: the oldest goes at which no peer ever was."""
        hints = [each for each in self._targets.items() if each[1].hint]
        if len(hints) < MOST_HINTS:
            return True
        used = {peer.line for peer in self._peers.all()}
        for address, target in hints:
            if not target.proved and target.line not in used and target.task is not None:
                target.task.cancel()
                del self._targets[address]
                return True
        return False

    async def _keep(self, address: Address, target: Target) -> None:
        while True:
            if target.device:
                await self._peers.absent(target.device)
            ended = await self._try(address, target)
            wait = target.wait(ended, self._me, self._chance())
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._again.wait()
                    target.failures = 0

    async def _try(self, address: Address, target: Target) -> Ended:
        try:
            line = target.line = await dial(*address, self._context, CONNECT_SECONDS)
        except (OSError, UnicodeError) as error:
            LOG.debug("nobody at %s: %s", address, error)
            return Ended(b"", up=False, why=None)
        return await self._serve(line)
