"""Waiting for what others have to notice, learn or agree on, and saying so when they don't.

What does not come in time is told, and the evening goes on: the table at its end shows what came
of it.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, Final

from demo.api import until
from demo.crowd import Totals, gate_of, totals
from demo.numbers import Numbers
from demo.organizer import Organizer
from demo.stage import Stage
from demo.telling import Telling

NOTICED: Final = 30.0  # seconds within which a gate must have noticed what was done to it
AGREED: Final = 75.0  # the same, until everybody says the same, or an owner reads of it


class Waiting:
    """Asks gates and cloud until they say what they should."""

    def __init__(
        self, stage: Stage, telling: Telling, numbers: Numbers, organizer: Organizer
    ) -> None:
        self._stage, self._telling = stage, telling
        self._numbers, self._organizer = numbers, organizer

    async def noticed(
        self, told: Callable[[dict[str, Any]], bool], what: str, gate: str = ""
    ) -> bool:
        """Wait until every gate, or one, says of itself what was done to it."""

        async def look() -> bool:
            screens = self._stage.screens.values()
            said = [each.status for each in screens if not gate or each.status["device"] == gate]
            return all(map(told, said))

        return await self._until(look, NOTICED, what)

    async def news(self, act: Callable[[], Awaitable[None]]) -> dict[str, float]:
        """Do something at the box office; return after how many seconds each gate goes by a
        newer list."""
        gates, ref = self._stage.gates.values(), self._organizer.ref
        before = {gate.name: await self._stage.version_at(gate, ref) for gate in gates}
        begun = time.monotonic()
        await act()
        knew: dict[str, float] = {}

        async def learn(name: str) -> None:
            async def newer() -> bool:
                held = await self._stage.version_at(self._stage.gates[name], ref)
                return held > before[name]

            if await self._until(newer, NOTICED, f"{name} hears the news", 0.02):
                knew[name] = time.monotonic() - begun

        await asyncio.gather(*map(learn, before))
        return knew

    async def gates_agree(self) -> bool:
        """Wait until all gates count as many people inside as there are."""

        async def look() -> bool:
            inside = self._sums().inside
            return {each.counts["inside"] for each in self._stage.screens.values()} == {inside}

        return await self._until(look, AGREED, "the gates agree")

    async def cloud_agrees(self) -> bool:
        """Wait until the cloud has all that the gates wrote, and counts the same."""

        async def look() -> bool:
            if any(each.status["waiting"] for each in self._stage.screens.values()):
                return False
            seen, sums = await self._organizer.office.figures(), self._sums()
            return (seen["entered"], seen["inside"]) == (sums.entered.total(), sums.inside)

        return await self._until(look, AGREED, "the cloud agrees", 0.5)

    async def gates_current(self) -> bool:
        """Wait until every gate goes by the newest list."""
        gates, ref = self._stage.gates.values(), self._organizer.ref

        async def look() -> bool:
            newest = await self._organizer.office.newest()
            held = [await self._stage.version_at(gate, ref) for gate in gates]
            return min(held) >= newest

        return await self._until(look, AGREED, "all gates go by the newest list", 0.5)

    async def all_ready(self) -> bool:
        """Wait until the organizer reads of every gate that it is ready."""

        async def look() -> bool:
            return set((await self._organizer.office.words()).values()) == {"ready"}

        return await self._until(look, AGREED, "the owner reads that all gates are ready", 0.5)

    async def to_settle(self, expected: Counter[str]) -> Counter[str]:
        """Return what the organizer is asked to settle, once the worker has listed all of it."""
        listed: Counter[str] = Counter()

        async def look() -> bool:
            listed.clear()
            listed.update(each["kind"] for each in await self._organizer.office.incidents())
            return listed == expected

        await self._until(look, AGREED, "the incidents are listed", 0.5)
        return listed

    def _sums(self) -> Totals:
        return totals((gate_of(h.visit.lane), h.code) for h in self._numbers.happened)

    async def _until(
        self, look: Callable[[], Awaitable[bool]], seconds: float, what: str, every: float = 0.1
    ) -> bool:
        try:
            return await until(look, seconds, what, every)
        except TimeoutError as error:
            self._telling.say(f"{error}.", "bad")
            return False
