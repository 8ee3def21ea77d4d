"""The crowd comes: everybody of a chapter, each to their lane."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Final

from demo.crowd import LEFT, TICKETS, Chapter, Plan
from demo.numbers import Numbers
from demo.queues import Carried, Happened, Meeting, Queue, settled
from demo.stage import Stage
from demo.telling import Telling
from shared.outcomes import BY_CODE, Signal

DID: Final = {
    Signal.ADMIT: "let in",
    Signal.ACT: "asked again",
    Signal.REFUSE: "refused",
    Signal.TROUBLE: "not answered",
}
LASTS: Final = {  # seconds, of the whole crowd
    Chapter.STEADY: 25.0,
    Chapter.NEWS: 0.0,
    Chapter.OFFLINE: 18.0,
    Chapter.PARTED: 16.0,
    Chapter.HEALED: 8.0,
}


class Coming:
    """`play` has a chapter's guests come, and tells what came of it."""

    def __init__(self, stage: Stage, telling: Telling, plan: Plan, numbers: Numbers) -> None:
        self._stage, self._telling = stage, telling
        self._plan, self._numbers = plan, numbers

    async def play(self, chapter: Chapter, carried: Carried) -> None:
        """Have everybody come; return when the last has had an answer."""
        before, lanes = len(self._numbers.happened), self._plan.chapter(chapter)
        meeting = Meeting([visit for visits in lanes.values() for visit in visits])
        lasts = LASTS[chapter] * min(1.0, len(self._plan.guests) / TICKETS)
        async with asyncio.TaskGroup() as tasks:
            for lane, visits in lanes.items():
                queue = Queue(self._stage.lenses[lane], self._stage.screens[lane], carried)
                tasks.create_task(queue.go(visits, meeting, self._numbers.tell, lasts))
        happened = settled(self._numbers.happened[before:])
        odd = sum(not each.as_expected for each in happened)
        ending = f"{odd} OTHERWISE than planned" if odd else "each as planned"
        told = f"{len(happened)} came: {summed_up(happened)}; {ending}."
        self._telling.say(told, "bad" if odd else "good")


def summed_up(happened: Sequence[Happened]) -> str:
    """Return in words what visits came to."""
    did = Counter(DID[signal_of(each.code)] for each in happened)
    did["let out"] = sum(each.code == LEFT for each in happened)
    did["let in"] -= did["let out"]
    return ", ".join(f"{count} {what}" for what, count in did.most_common() if count)


def signal_of(code: str) -> Signal:
    """Return what a gate looked like; what never came is trouble."""
    outcome = BY_CODE.get(code)
    return outcome.signal if outcome else Signal.TROUBLE
