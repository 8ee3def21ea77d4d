"""Breakers of one process, which share what they know through Redis.

    breakers = Breakers(line)
    stripe = breakers.of("payments")
    async with stripe.guarding() as call:  # raises Resting
        ...
        call.outcome = Outcome.BAD

What a process hears it also notes for itself: where Redis is away, each goes on by its own notes,
and nobody waits for Redis.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Final

import structlog

from cloud.breakers.model import CLOSED, Asked, Outcome, Rule, State, ask, tell
from cloud.breakers.script import STEP
from cloud.http.line import Away, Line
from cloud.watch.breakers import OPEN, by_kind, listing

LOG = structlog.get_logger("usher.breakers")
SLOW: Final = 4.0  # seconds after which a call that was given up counts as one that failed
MOST: Final = 4096  # notes of a process's own: as many names are used at a time


class Resting(Exception):
    """The other side has failed too often, and is left alone for `seconds` more."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class Call:
    """A call that goes. Without an `outcome` an exception is BAD, and none is GOOD."""

    def __init__(self, asked: Asked, *, shared: bool) -> None:
        self.asked = asked
        self.shared = shared  # whether Redis let it go
        self.outcome: Outcome | None = None


class Breakers:
    """Those of one process."""

    def __init__(self, line: Line | None, clock: Callable[[], float] = time.time) -> None:
        """`line` None: this process stands alone. `clock`: seconds, for its own notes."""
        self._line = line
        self._clock = clock
        self._own: dict[str, State] = {}
        self._late: set[asyncio.Task[None]] = set()

    def of(self, name: str, rule: Rule = Rule()) -> "Breaker":  # noqa: B008 - it is immutable
        """Return the breaker of a name: a kind, or kind:id."""
        return Breaker(self, name, rule)

    async def open(self) -> Mapping[str, int]:
        """Return how many are not closed, by kind, as all processes know it."""
        try:
            names = await self._asked(*listing(self._clock()))
            return by_kind(name.decode() for name in names)
        except Away:
            return by_kind(name for name, state in self._own.items() if state.until)

    async def ask(self, name: str, rule: Rule) -> Call:
        """Ask for a call, of all processes or of this one."""
        try:
            wait, probe = await self._step(name, rule, "ask", 0)
            return Call(Asked(wait, probe), shared=True)
        except Away:
            state, asked = ask(self._own.get(name, CLOSED), rule, self._now())
            self._note(name, state)
            return Call(asked, shared=False)

    async def tell(self, name: str, rule: Rule, call: Call, outcome: Outcome) -> None:
        """Note how a call went, for this process and for all."""
        probe = call.asked.probe
        before = self._own.get(name, CLOSED)
        mine = 0 if call.shared else probe
        state = tell(before, rule, self._now(), outcome, mine)
        if call.shared and probe and outcome is Outcome.GOOD:
            state = CLOSED  # it is well again, whoever found out
        self._note(name, state)
        if state.until and not before.until:
            LOG.warning("breaker_open", breaker=name)
        try:
            await self._step(name, rule, outcome, probe if call.shared else 0)
        except Away:
            return

    def tell_late(self, name: str, rule: Rule, call: Call, outcome: Outcome) -> None:
        """The same for a call that was cancelled, and can't wait."""
        task = asyncio.get_running_loop().create_task(self.tell(name, rule, call, outcome))
        self._late.add(task)
        task.add_done_callback(self._late.discard)

    async def _step(self, name: str, rule: Rule, act: str, probe: int) -> tuple[int, int]:
        keys = f"usher:breaker:{name}", OPEN
        wait, given = await self._asked("EVAL", STEP, 2, *keys, act, probe, 0, name, *rule)
        return int(wait), int(given)

    async def _asked(self, *words: str | int) -> list[bytes]:
        if self._line is None:
            raise Away
        reply: list[bytes] = await self._line.ask(*words)
        return reply

    def _note(self, name: str, state: State) -> None:
        self._own.pop(name, None)
        if state != CLOSED:
            self._own[name] = state  # the newest is the last
        if len(self._own) > MOST:
            del self._own[next(iter(self._own))]

    def _now(self) -> int:
        return int(self._clock() * 1000)


class Breaker:
    """One of them."""

    def __init__(self, all_: Breakers, name: str, rule: Rule) -> None:
        self._all = all_
        self._name = name
        self._rule = rule

    @asynccontextmanager
    async def guarding(self) -> AsyncIterator[Call]:
        """Let a call go, and note how it went; or raise `Resting`."""
        call = await self._all.ask(self._name, self._rule)
        if call.asked.wait:
            raise Resting(call.asked.wait / 1000)
        began = time.monotonic()
        try:
            yield call
        except Exception:
            await self._all.tell(self._name, self._rule, call, call.outcome or Outcome.BAD)
            raise
        except BaseException:  # cancelled: by somebody who waited long, or for reasons of his own
            slow = time.monotonic() - began >= SLOW
            self._all.tell_late(self._name, self._rule, call, Outcome.BAD if slow else Outcome.NONE)
            raise
        await self._all.tell(self._name, self._rule, call, call.outcome or Outcome.GOOD)
