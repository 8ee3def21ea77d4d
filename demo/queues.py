"""The guests before the cameras: each holds up what they have until the lane has answered."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from demo import picture
from demo.crowd import Guest, Held, Visit
from demo.lens import Lens
from demo.wallet import STALE, Ticket, foreign, forged
from demo.watch import Screen

PATIENCE: Final = 15.0  # seconds that a guest waits for an answer
WALK: Final = 2.5  # seconds from one gate to another, and the least until one is taken as new
UNREAD: Final = "unread"  # what we call an answer that never came


class Happened(NamedTuple):
    """What came of a visit."""

    visit: Visit
    code: str
    seconds: float  # from holding it up to the answer
    name: str  # that the screen showed

    @property
    def as_expected(self) -> bool:
        """Whether it is what the plan says."""
        return self.code == self.visit.expected


class Carried(NamedTuple):
    """What guests carry, by their numbers."""

    guests: Sequence[Guest]
    tickets: Mapping[int, Ticket]
    old_codes: Mapping[int, str]
    other_night: Sequence[str]

    def text(self, visit: Visit, at: int) -> str:
        """Return the text of the code that is held up."""
        ticket = self.tickets[visit.guest]
        match visit.held:
            case Held.NOW:
                return ticket.live(at)
            case Held.STALE:
                return ticket.live(at - STALE)
            case Held.OLD:
                return self.old_codes[visit.guest]
            case Held.FORGED:
                return forged(ticket.code)
            case Held.FOREIGN:
                return foreign(ticket.code)
            case Held.OTHER_NIGHT:
                return self.other_night[visit.guest % len(self.other_night)]
            case Held.ADVERT:
                return f"https://tickets.example/free?n={visit.number}"
            case Held.TICKET | Held.SCREENSHOT:
                return ticket.code

    def thing(self, visit: Visit, at: int) -> picture.Grey:
        """Return what is held up, flat."""
        drawn = picture.paper if visit.paper else picture.phone
        return drawn(self.text(visit, at), self.guests[visit.guest].name)


class Queue:
    """Those who wait at one lane."""

    def __init__(self, lens: Lens, screen: Screen, carried: Carried) -> None:
        self._lens, self._screen, self._carried = lens, screen, carried

    async def go(
        self,
        visits: Sequence[Visit],
        over: Mapping[int, "asyncio.Future[float]"],
        tell: Callable[[Happened], None],
        lasts: float,
    ) -> None:
        """Let everybody come, in order, spread over `lasts` seconds; `over` knows when each visit
        was over."""
        begun = time.monotonic()
        try:
            for visit in visits:
                await asyncio.sleep(max(0.0, begun + visit.moment * lasts - time.monotonic()))
                if visit.after is not None:
                    ended = await over[visit.after]
                    await asyncio.sleep(max(0.0, ended + WALK - time.monotonic()))
                tell(await self._come(visit))
                over[visit.number].set_result(time.monotonic())
        finally:
            self._lens.leave()

    async def _come(self, visit: Visit) -> Happened:
        thing = await asyncio.to_thread(self._carried.thing, visit, int(time.time()))
        self._screen.forget()
        begun = time.monotonic()
        self._lens.hold(thing)
        verdict: dict[str, Any] = await self._screen.verdict(PATIENCE) or {"code": UNREAD}
        seconds = time.monotonic() - begun
        return Happened(visit, verdict["code"], seconds, verdict.get("name", ""))
