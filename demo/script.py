"""The script of an evening: the plan of a crowd, made by a seed. Pure."""

import random
from collections import Counter
from typing import Final

from demo import venue
from demo.crowd import TICKETS, Chapter, Fate, Guest, Held, Plan, Visit, gate_of
from demo.names import FIRST, LAST
from demo.venue import ENTRIES, EXIT, FAMILY, LIVE, SEATED, STANDING, Lane
from shared.merge.incidents import Incident
from shared.outcomes import Outcome

SEATED_SHARE: Final = 0.3  # of those with one of the two plain tickets
WALK: Final = 0.12  # of a chapter: the least between two appearances of one ticket
SHARE_OF: Final = {
    Chapter.STEADY: 1.0,
    Chapter.OFFLINE: 0.6,
    Chapter.PARTED: 0.5,
    Chapter.HEALED: 0.25,
}


def make(seed: int, tickets: int = TICKETS) -> Plan:
    """Return the evening that a seed names, of so many tickets."""
    return _Writer(random.Random(seed), tickets).write()


class _Writer:
    def __init__(self, rng: random.Random, tickets: int) -> None:
        self.rng = rng
        self.tickets = tickets
        self.guests: list[Guest] = []
        self.visits: list[Visit] = []
        self.incidents: Counter[str] = Counter()

    def write(self) -> Plan:
        for chapter, share in SHARE_OF.items():
            few = max(1, round(self.tickets * share / 100))
            self._cheats(chapter, few)
            self._rivals(chapter, max(1, few // 2))
            self._returns(chapter, few)
            self._families(chapter, max(1, few // 3))
            for _ in range(3 * few):
                self._come(chapter, self._guest(LIVE), held=Held.NOW)
        self._news()
        self._unheard()
        self._parted(max(2, self.tickets // 250))
        while len(self.guests) < self.tickets:
            (chapter,) = self.rng.choices(list(SHARE_OF), list(SHARE_OF.values()))
            self._come(chapter, self._plain())
        return Plan(self.guests, self.visits, +self.incidents)

    def _cheats(self, chapter: Chapter, few: int) -> None:
        for _ in range(few):
            first = self._come(chapter, self._plain(), lane=self._heard(chapter), until=1 - WALK)
            self._again(first, Outcome.ALREADY_ADMITTED)  # a copy
            shot = self._come(chapter, self._guest(LIVE), Outcome.LIVE_CODE_REQUIRED,
                              Held.SCREENSHOT, until=1 - WALK)  # fmt: skip
            self._again(shot, Outcome.ADMITTED, Held.NOW, lane=self._lane())  # by its owner
        for _ in range(max(1, few // 2)):
            stale = self._come(chapter, self._guest(LIVE), Outcome.STALE_CODE, Held.STALE,
                               until=1 - WALK)  # fmt: skip
            self._again(stale, Outcome.ADMITTED, Held.NOW, lane=self._lane())
            true = self._plain()
            self._come(chapter, true, Outcome.BAD_SIGNATURE, Held.FORGED)
            self._come(chapter, true, Outcome.UNKNOWN_ISSUER, Held.FOREIGN)
            self._come(chapter, true, Outcome.NOT_A_TICKET, Held.ADVERT)
            self._come(chapter, true, Outcome.WRONG_EVENT, Held.OTHER_NIGHT)
            self._come(chapter, true)
            self._come(chapter, self._plain(Fate.REVOKED), Outcome.REVOKED)
            self._come(chapter, self._plain(Fate.BLOCKED), Outcome.BLOCKED)
            replaced = self._plain(Fate.REPLACED)
            old = self._come(chapter, replaced, Outcome.SUPERSEDED, Held.OLD, until=1 - WALK)
            self._again(old, Outcome.ADMITTED, Held.TICKET, lane=self._lane())

    def _rivals(self, chapter: Chapter, few: int) -> None:
        """Two hold up one ticket at two gates in the same instant: one of them gets in."""
        for _ in range(few):
            one = self._come(chapter, self._plain(), lane=self._heard(chapter))
            lane, moment = self._elsewhere(one), one.moment
            other = self._note(chapter, moment, one.guest, lane, one.held, Outcome.ALREADY_ADMITTED)
            self.visits[one.number] = one._replace(rival=other.number)
            self.visits[other.number] = other._replace(rival=one.number)

    def _returns(self, chapter: Chapter, few: int) -> None:
        """Some go out for air, and come back by any gate that hears of West."""
        for _ in range(few):
            first = self._come(chapter, self._guest(STANDING), lane=self._near(chapter),
                               until=1 - 2 * WALK)  # fmt: skip
            out = self._again(first, Outcome.EXIT, lane=EXIT, until=1 - WALK)
            self._again(out, Outcome.READMITTED, lane=self._near(chapter))

    def _families(self, chapter: Chapter, few: int) -> None:
        """A ticket for four whose people come one by one; and somebody who tries to be a fifth."""
        for _ in range(few):
            lane = self._heard(chapter)
            last = self._come(chapter, self._guest(FAMILY), lane=lane, until=0.4)
            for _ in range(venue.FAMILY_OF - 1):
                lane, soon = self._beside(last), last.moment + WALK
                last = self._again(last, Outcome.ADMITTED, lane=lane, until=soon)
            self._again(last, Outcome.NO_ENTRIES_LEFT, lane=self._beside(last))

    def _news(self) -> None:
        """What the organizer does while the doors are open, and gates hear of at once."""
        for fate, ticket_class, held, outcome in (
            (Fate.SOLD_NOW, venue.LATE, Held.TICKET, Outcome.ADMITTED),
            (Fate.REVOKED_NOW, STANDING, Held.TICKET, Outcome.REVOKED),
            (Fate.REPLACED_NOW, STANDING, Held.OLD, Outcome.SUPERSEDED),
        ):
            self._come(Chapter.NEWS, self._guest(ticket_class, fate), outcome, held)

    def _unheard(self) -> None:
        """What the organizer does while the gates have no internet; they learn of it too late."""
        for fate, kind, held in (
            (Fate.REVOKED_UNHEARD, Incident.REVOKED_ADMISSION, Held.TICKET),
            (Fate.REPLACED_UNHEARD, Incident.SUPERSEDED_ADMISSION, Held.OLD),
        ):
            for _ in range(max(1, self.tickets // 500)):
                self._come(Chapter.OFFLINE, self._plain(fate), held=held)
                self.incidents[kind] += 1
        for _ in range(max(1, self.tickets // 500)):
            self._come(Chapter.HEALED, self._plain(Fate.REVOKED_UNHEARD), Outcome.REVOKED)

    def _parted(self, few: int) -> None:
        """What nobody can prevent while West is cut off from the others."""
        here, there = _at(venue.WEST), (*_at(venue.NORTH), *_at(venue.SOUTH))
        chapter = Chapter.PARTED
        for number in range(few):
            guest = self._guest(SEATED if number % 2 else STANDING)
            sides = (here, there) if number % 4 < 2 else (there, here)
            first = self._come(chapter, guest, lane=self.rng.choice(sides[0]), until=1 - WALK)
            self._again(first, Outcome.ADMITTED, lane=self.rng.choice(sides[1]))
            self.incidents[Incident.DOUBLE_ADMISSION] += 1
        for _ in range(max(1, few // 3)):
            # In and out at West, in where nobody saw either: it looks like a copy, and is none.
            first = self._come(chapter, self._guest(STANDING), lane=here[0], until=1 - 2 * WALK)
            out = self._again(first, Outcome.EXIT, lane=EXIT, until=1 - WALK)
            self._again(out, Outcome.ADMITTED, lane=self.rng.choice(there))
            self.incidents[Incident.UNSEEN_EXIT] += 1
            # Out at West, where their entry was not heard of, and in there: nothing is amiss.
            first = self._come(chapter, self._guest(STANDING), lane=self.rng.choice(there),
                               until=1 - 2 * WALK)  # fmt: skip
            out = self._again(first, Outcome.EXIT, lane=EXIT, until=1 - WALK)
            self._again(out, Outcome.ADMITTED, lane=here[0])

    def _plain(self, fate: Fate = Fate.PLAIN) -> Guest:
        return self._guest(SEATED if self.rng.random() < SEATED_SHARE else STANDING, fate)

    def _guest(self, ticket_class: str, fate: Fate = Fate.PLAIN) -> Guest:
        name = f"{self.rng.choice(FIRST)} {self.rng.choice(LAST)}"
        guest = Guest(len(self.guests), name, ticket_class, fate)
        self.guests.append(guest)
        return guest

    def _come(
        self,
        chapter: Chapter,
        guest: Guest,
        outcome: Outcome = Outcome.ADMITTED,
        held: Held = Held.TICKET,
        *,
        lane: Lane | None = None,
        until: float = 1.0,
    ) -> Visit:
        """Have somebody come at any moment before `until`."""
        lane = lane or self.rng.choice(ENTRIES)
        moment = self.rng.uniform(0, until)
        return self._note(chapter, moment, guest.number, lane, held, outcome)

    def _again(
        self,
        first: Visit,
        outcome: Outcome,
        held: Held | None = None,
        *,
        lane: Lane | None = None,
        until: float = 1.0,
    ) -> Visit:
        """Have the same ticket come again, later and elsewhere."""
        lane = lane or self._elsewhere(first)
        moment = self.rng.uniform(min(first.moment + WALK, until), until)
        held = held or first.held
        return self._note(first.chapter, moment, first.guest, lane, held, outcome, first.number)

    def _note(
        self,
        chapter: Chapter,
        moment: float,
        guest: int,
        lane: Lane,
        held: Held,
        outcome: Outcome,
        after: int | None = None,
    ) -> Visit:
        paper = held is Held.TICKET and self.rng.random() < 0.4
        visit = Visit(
            len(self.visits), chapter, moment, guest, lane.id, held, outcome.code, after, paper
        )
        self.visits.append(visit)
        return visit

    def _lane(self) -> Lane:
        return self.rng.choice(ENTRIES)

    def _elsewhere(self, first: Visit) -> Lane:
        """Return a lane of another gate that hears of the first visit."""
        gate = gate_of(first.lane)
        return self.rng.choice(
            [e for e in ENTRIES if e.gate != gate and _hears(first.chapter, e.gate, gate)]
        )

    def _beside(self, first: Visit) -> Lane:
        """Return another lane that hears of the first visit, perhaps of the same gate."""
        gate = gate_of(first.lane)
        return self.rng.choice(
            [e for e in ENTRIES if e.id != first.lane and _hears(first.chapter, e.gate, gate)]
        )

    def _heard(self, chapter: Chapter) -> Lane:
        """Return a lane whose gate another gate hears of."""
        parted = chapter is Chapter.PARTED
        return self.rng.choice([e for e in ENTRIES if not (parted and e.gate == venue.WEST)])

    def _near(self, chapter: Chapter) -> Lane:
        """Return a lane that hears of the exit."""
        return self.rng.choice([e for e in ENTRIES if _hears(chapter, e.gate, EXIT.gate)])


def _hears(chapter: Chapter, gate: str, other: str) -> bool:
    """Say whether a gate hears of another in a chapter."""
    return chapter is not Chapter.PARTED or (gate == venue.WEST) is (other == venue.WEST)


def _at(gate: str) -> tuple[Lane, ...]:
    return tuple(lane for lane in ENTRIES if lane.gate == gate)
