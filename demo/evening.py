"""The evening, chapter by chapter: what is done to the venue, and what is told of it."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Final

from demo import organizer as organizers
from demo.api import until
from demo.coming import Coming
from demo.crowd import Chapter, Fate, Plan
from demo.gate import Gate
from demo.numbers import Numbers
from demo.organizer import Organizer
from demo.reckoning import Row, speed, table
from demo.stage import Stage
from demo.telling import Telling
from demo.venue import NORTH, WEST
from demo.waiting import Waiting

PRELOADED: Final = 60.0  # seconds


class Evening:
    """Played once, on a stage."""

    def __init__(self, stage: Stage, telling: Telling, plan: Plan) -> None:
        self.stage, self.telling, self.plan = stage, telling, plan
        self.numbers = Numbers(stage, telling, plan)
        self.coming = Coming(stage, telling, plan, self.numbers)
        self.organizer: Organizer
        self.waiting: Waiting

    async def play(self) -> list[Row]:
        """Play all of it, and return what it came to."""
        self.stage.run(asyncio.create_task(self.numbers.run()))
        for chapter in (self.set_up, self.preload, self.steady, self.news, self.offline,
                        self.parted, self.healing, self.healed):  # fmt: skip
            self.stage.programs.check()
            await chapter()
        return await self.reckon()

    async def set_up(self) -> None:
        """Start the cloud; the organizer sells."""
        tell = self._begin("setup")
        await self.stage.start_cloud()
        tell("The cloud runs, with a PostgreSQL and a Valkey of its own.")
        self.organizer = await organizers.sign_up(self.stage.service)
        self.waiting = Waiting(self.stage, self.telling, self.numbers, self.organizer)
        self.stage.run(asyncio.create_task(self.numbers.follow_cloud(self.organizer.office)))
        tell("Olivia has signed up, proved her address and opened Harbour Hall.")
        await organizers.prepare(self.organizer, self.plan)
        tell(f"{len(self.plan.guests):,} tickets are issued, and every guest has a code.")

    async def preload(self) -> None:
        """Enrol the gates, and have them fetch what they decide by."""
        tell = self._begin("preload")
        gates = self.stage.gates.values()
        async with asyncio.TaskGroup() as tasks:
            for gate in gates:
                tasks.create_task(self._enrol(gate))
        await self.stage.open_gates()
        await until(self.stage.preloaded, PRELOADED, "the lists are there")
        for gate in gates:
            await gate.post(self.stage.venue, self.organizer.ref)
        cable = self.stage.internet
        tell(f"Three gates have {len(self.plan.guests):,} tickets; {cable.carried / 1e6:.1f} MB"
             " went over the venue's line. Every camera sees.")  # fmt: skip

    async def steady(self) -> None:
        """Everything works; some cheat."""
        tell = self._begin("steady")
        await self._come(Chapter.STEADY)
        if await self.waiting.all_ready():
            tell("The owner's list of gates has one word for each: ready.")

    async def news(self) -> None:
        """Sell, cancel and replace a ticket: every gate knows before its guest is there."""
        tell = self._begin("news")
        for guest in self.plan.guests:
            if guest.fate in (Fate.SOLD_NOW, Fate.REVOKED_NOW, Fate.REPLACED_NOW):
                knew = await self.waiting.news(partial(self.organizer.act, guest))
                told = ", ".join(f"{name} after {seconds:.2f} s" for name, seconds in knew.items())
                tell(f"A ticket is {guest.fate}. It is on the list of {told}.")
        await self._come(Chapter.NEWS)

    async def offline(self) -> None:
        """Cut the internet; what the organizer does then reaches no gate."""
        tell = self._begin("offline")
        self.stage.internet.cut()
        if await self.waiting.noticed(lambda status: status["link"] != "cloud", "all miss it"):
            tell("No gate reaches the cloud, and no gate asked anybody what to do.")
        await self.organizer.take_back(self.plan, Fate.REVOKED_UNHEARD, Fate.REPLACED_UNHEARD)
        tell("Olivia cancels and replaces some tickets meanwhile: the gates can't know.")
        await self._come(Chapter.OFFLINE)

    async def parted(self) -> None:
        """Part the LAN; two can then come in on one ticket."""
        tell = self._begin("parted")
        self.stage.part(WEST)
        if await self.waiting.noticed(lambda status: not status["peers"], "it is missed", WEST):
            tell("West is alone. North and South still hear each other.")
        await self._come(Chapter.PARTED)

    async def healing(self) -> None:
        """Mend both, and wait until everybody agrees."""
        tell = self._begin("healing")
        self.stage.join()
        if await self.waiting.gates_agree():
            tell("The LAN is whole: all three gates count the same people.", "good")
        self.stage.internet.heal()
        if await self.waiting.cloud_agrees():
            tell("The internet is back: the cloud has every record.", "good")
        if await self.waiting.gates_current():
            tell("Every gate has the newest list, and knows what it could not know.", "good")

    async def healed(self) -> None:
        """Some more come; what was cancelled meanwhile is refused now."""
        self._begin("healed")
        await self._come(Chapter.HEALED)
        await self.waiting.gates_agree()
        await self.waiting.cloud_agrees()

    async def reckon(self) -> list[Row]:
        """Return what was expected beside what happened."""
        tell = self._begin("reckoning")
        median, most = speed(self.numbers.happened)
        tell(f"From holding a code up to the answer: {median} ms in the middle, {most} ms for all"
             " but one in twenty.")  # fmt: skip
        to_settle = await self.waiting.to_settle(self.plan.incidents)
        gates, ref = self.stage.gates.values(), self.organizer.ref
        views = await asyncio.gather(
            *(gate.view(ref) for gate in gates), self.organizer.office.view()
        )
        seen = dict(zip((*self.stage.gates, "the cloud"), views, strict=True))
        rows = table(self.plan, self.numbers.happened, seen, to_settle)
        self.telling.set(table=[(*row, row.same) for row in rows])
        return rows

    def _begin(self, name: str) -> Callable[..., None]:
        self.telling.chapter(name)
        return self.telling.say

    async def _enrol(self, gate: Gate) -> None:
        by_camera = gate.name == NORTH
        digits = await gate.enrol(self.organizer.office, by_camera=by_camera)
        how = "saw the code by its camera" if by_camera else "was given the code by hand"
        self.telling.say(f"{gate.name} {how}; its digits {digits} were typed at the console.")

    async def _come(self, chapter: Chapter) -> None:
        await self.coming.play(chapter, self.organizer.carried(self.plan.guests))
