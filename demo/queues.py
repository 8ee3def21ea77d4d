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
WALK: Final = 3.0  # seconds from one gate to another; a lane remembers what it saw for two
LINGERS: Final = 0.3  # seconds that somebody with an answer stays before the camera at the most
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


def settled(happened: Sequence[Happened]) -> list[Happened]:
    """Return the same, with rivals judged as a pair: if the other one got in than was planned,
    what was expected of the two is the other way round."""
    by_number = {each.visit.number: each for each in happened}
    return [_of_pair(each, by_number.get(each.visit.rival or -1)) for each in happened]


def _of_pair(each: Happened, other: Happened | None) -> Happened:
    if other is None:
        return each
    wanted = other.visit.expected, each.visit.expected
    if (each.code, other.code) != wanted:
        return each
    return each._replace(visit=each.visit._replace(expected=each.code))


class Carried(NamedTuple):
    """What guests carry, by their numbers."""

    guests: Sequence[Guest]
    tickets: Mapping[int, Ticket]
    old_codes: Mapping[int, str]
    other_night: Mapping[int, str]  # by visit

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
                return self.other_night[visit.number]
            case Held.ADVERT:
                return f"https://tickets.example/free?n={visit.number}"
            case Held.TICKET | Held.SCREENSHOT:
                return ticket.code

    def thing(self, visit: Visit, at: int) -> picture.Grey:
        """Return what is held up, flat."""
        drawn = picture.paper if visit.paper else picture.phone
        return drawn(self.text(visit, at), self.guests[visit.guest].name)


class Meeting:
    """How the queues of a chapter wait for one another."""

    def __init__(self, visits: Sequence[Visit]) -> None:
        loop = asyncio.get_running_loop()
        self.over: dict[int, asyncio.Future[float]] = {
            v.number: loop.create_future() for v in visits
        }
        pairs = {min(v.number, v.rival) for v in visits if v.rival is not None}
        self.at_once = {number: asyncio.Barrier(2) for number in pairs}


class Queue:
    """Those who wait at one lane."""

    def __init__(self, lens: Lens, screen: Screen, carried: Carried) -> None:
        self._lens, self._screen, self._carried = lens, screen, carried

    async def go(
        self,
        visits: Sequence[Visit],
        meeting: Meeting,
        tell: Callable[[Happened], None],
        lasts: float,
    ) -> None:
        """Let everybody come, in order, spread over `lasts` seconds."""
        begun = time.monotonic()
        try:
            for visit in visits:
                wait = begun + visit.moment * lasts - time.monotonic()
                if wait > LINGERS or visit.after is not None or visit.rival is not None:
                    self._lens.leave()  # who stayed would be taken for the same scan
                await asyncio.sleep(max(0.0, wait))
                if visit.after is not None:
                    ended = await meeting.over[visit.after]
                    await asyncio.sleep(max(0.0, ended + WALK - time.monotonic()))
                tell(await self._come(visit, meeting))
                meeting.over[visit.number].set_result(time.monotonic())
        finally:
            self._lens.leave()

    async def _come(self, visit: Visit, meeting: Meeting) -> Happened:
        thing = await asyncio.to_thread(self._carried.thing, visit, int(time.time()))
        if visit.rival is not None:
            await meeting.at_once[min(visit.number, visit.rival)].wait()
        self._screen.forget()
        begun = time.monotonic()
        self._lens.hold(thing)
        verdict: dict[str, Any] = await self._screen.verdict(PATIENCE) or {"code": UNREAD}
        seconds = time.monotonic() - begun
        return Happened(visit, verdict["code"], seconds, verdict.get("name", ""))
