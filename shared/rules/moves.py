"""Who leaves where: exits, and moves from one zone to a sibling (spec/rules.md §7)."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from shared.history import Visit
from shared.log.record import Kind
from shared.outcomes import Outcome
from shared.rules.case import Case
from shared.rules.compiled import NO_TERMS, ClassRule
from shared.rules.decision import Admit, Draft
from shared.rules.rights import UNTOUCHED

UNKNOWN_TERMS: Final = (1, NO_TERMS)  # allowance and terms of a class that has no rule


def depart(case: Case) -> Admit:
    """Let out, whatever is the matter with the ticket, and close what can be closed."""
    if case.scan.token.event != case.post.event:
        return Admit(Outcome.EXIT, (), flag=Outcome.WRONG_EVENT)  # this log has no place for it
    allowance, terms = _terms(case.rule)
    people = min(case.people, allowance)
    here = _newest_first(case)
    drafts = [*_outs(here[:people], allowance, terms)]
    blind = Draft(Kind.OUT, case.post.zone, _day(case), allowance, terms, _left(case))
    drafts += [blind] * (people - len(here))
    staying = Counter(visit.day for visit in here[people:])
    for (zone, day), pool in case.history.pools.items():
        if zone in case.post.inner:
            # Whoever is further inside is inside here too: no more of them can remain.
            leaving = min(people, len(pool.inside) - staying[day])
            drafts += _outs(_newest(pool.inside, leaving), allowance, terms)
    return Admit(Outcome.EXIT, tuple(drafts), people)


def moves(case: Case, rule: ClassRule) -> Iterator[Draft]:
    """Yield the exits from sibling zones that an entry here implies.

    Nobody is in two zones of which neither lies in the other: the people of a ticket who are
    in such a zone, and those who are here now, are together no more than the ticket has.
    """
    everybody = rule.allowance if rule.group else 1
    day = case.day or 0
    here = len(case.history.pools.get((case.post.zone, day), UNTOUCHED).inside)
    for (zone, on), pool in sorted(case.history.pools.items()):
        if on == day and pool.inside and zone not in case.post.related:
            over = len(pool.inside) + here + case.people - everybody
            yield from _outs(_newest(pool.inside, over), rule.allowance, rule.terms)


def _terms(rule: ClassRule | None) -> tuple[int, int]:
    return (rule.allowance, rule.terms) if rule is not None else UNKNOWN_TERMS


def _newest_first(case: Case) -> list[Visit]:
    """Return who is inside the gate's own zone, on whatever day they came."""
    inside = (pool.inside for (z, _), pool in case.history.pools.items() if z == case.post.zone)
    visits = [visit for pool in inside for visit in pool]
    return sorted(visits, key=lambda visit: (visit.ms, visit.id), reverse=True)


def _newest(inside: tuple[Visit, ...], count: int) -> tuple[Visit, ...]:
    return inside[-count:] if count > 0 else ()


def _outs(visits: Iterable[Visit], allowance: int, terms: int) -> Iterator[Draft]:
    for visit in visits:
        yield Draft(Kind.OUT, visit.zone, visit.day, allowance, terms, visit.id)


def _day(case: Case) -> int:
    """Return the day of an exit that closes nobody known."""
    return case.rules.nearest_day(case.since) if case.day is None else case.day


def _left(case: Case) -> bytes:
    return case.history.pools.get((case.post.zone, _day(case)), UNTOUCHED).left
