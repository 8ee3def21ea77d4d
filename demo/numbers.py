"""The numbers that are shown while it goes on: what screens and the cloud say."""

import asyncio
from collections import Counter
from contextlib import suppress
from typing import Any, Final

import httpx

from demo.api import Refused
from demo.crowd import Plan
from demo.office import Office
from demo.queues import Happened, settled
from demo.stage import Stage
from demo.telling import PULSE, Telling

CLOUD: Final = 1.0  # seconds between two questions to the cloud


class Numbers:
    """Keeps the telling's numbers up to date."""

    def __init__(self, stage: Stage, telling: Telling, plan: Plan) -> None:
        self._stage, self._telling, self._plan = stage, telling, plan
        self.happened: list[Happened] = []

    def tell(self, each: Happened) -> None:
        """Take note of what came of a visit; of rivals, once both have had an answer."""
        self.happened.append(each)
        rival = each.visit.rival
        pair = [other for other in self.happened if other.visit.number == rival]
        if rival is None or pair:
            for one in settled([each, *pair]):
                if not one.as_expected:
                    self._complain(one)

    def _complain(self, each: Happened) -> None:
        visit = each.visit
        guest = self._plan.guests[visit.guest]
        self._telling.say(
            f"{visit.lane}: {guest.name}, {guest.ticket_class}, with {visit.held}"
            f" ({guest.fate}): {each.code} instead of {visit.expected}",
            "bad",
        )

    async def run(self) -> None:
        """Look at everything, until cancelled."""
        while True:
            self._telling.set(
                gates=[self._gate(name) for name in self._stage.gates],
                links=self._links(),
                done=len(self.happened),
                of=len(self._plan.visits),
                outcomes=dict(Counter(each.code for each in self.happened)),
            )
            await asyncio.sleep(PULSE)

    async def follow_cloud(self, office: Office) -> None:
        """Ask the cloud what it knows, until cancelled."""
        while True:
            with suppress(httpx.HTTPError, Refused):
                self._telling.set(cloud=await office.figures())
            await asyncio.sleep(CLOUD)

    def _gate(self, name: str) -> dict[str, Any]:
        gate = self._stage.gates[name]
        screens = {lane.id: self._stage.screens.get(lane.id) for lane in gate.lanes}
        first = next((screen for screen in screens.values() if screen is not None), None)
        status, counts = (first.status, first.counts) if first else ({}, {})
        return {
            "name": name,
            "lanes": [
                {"id": lane, "shown": screen.shown if screen else {}}
                for lane, screen in screens.items()
            ],
            **{key: counts.get(key, 0) for key in ("entered", "left", "inside", "refused")},
            **{key: status.get(key) for key in ("link", "peers", "waiting", "data_age", "ready")},
        }

    def _links(self) -> dict[str, bool]:
        stage = self._stage
        pairs = {
            cable.name: cable.whole and stage.lan[other, one].whole
            for (one, other), cable in stage.lan.items()
            if one < other
        }
        return {"internet": stage.internet.whole, **pairs}
