"""Who leaves where: exits, and moves from one zone to a sibling (spec/rules.md §7)."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
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
    if case.scan.token.gen < case.gen:  # else an old code frees the right of whoever has the new
        return Admit(Outcome.EXIT, (), people, flag=Outcome.SUPERSEDED)
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
    raises = case.scan.token.gen > case.gen
    return Admit(Outcome.EXIT, tuple(drafts), people, raises=raises)


def moves(case: Case, rule: ClassRule) -> tuple[Draft, ...]:
    """Return the exits from sibling zones that an entry here implies.

    Nobody is in two zones of which neither lies in the other: the people of a ticket who are
    in all such zones, and those who are here now, are together no more than the ticket has.
    """
    day = case.day or 0
    beside = {
        zone: pool.inside
        for (zone, on), pool in case.history.pools.items()
        if on == day and pool.inside and zone not in case.post.related
    }
    if not beside:
        return ()
    everybody = rule.allowance if rule.group else 1
    here = len(case.history.pools.get((case.post.zone, day), UNTOUCHED).inside)
    staying = _staying(beside, everybody - here - case.people, case.rules.parents)
    leaving = [visit for zone in sorted(beside) for visit in beside[zone][staying[zone] :]]
    return tuple(_outs(leaving, rule.allowance, rule.terms))


def _staying(
    beside: Mapping[int, tuple[Visit, ...]], room: int, parents: Mapping[int, int]
) -> Counter[int | None]:
    """Return how many stay in each zone, so that `room` people stay in all: the oldest."""
    staying: Counter[int | None] = Counter()
    if room <= 0:
        return staying
    within = {zone: _around(zone, beside, parents) for zone in beside}
    visits = [(visit.ms, visit.id, zone) for zone, inside in beside.items() for visit in inside]
    for _, _, zone in sorted(visits):
        staying[zone] += 1
        if _headcount(staying, within, None) > room:
            staying[zone] -= 1
    return staying


def _headcount(
    staying: Counter[int | None], within: Mapping[int, int | None], zone: int | None
) -> int:
    """Return the fewest people who are in `zone` and those inside it. None: in all of them."""
    inner = (_headcount(staying, within, z) for z, outer in within.items() if outer == zone)
    return max(staying[zone], sum(inner))


def _around(
    zone: int, beside: Mapping[int, tuple[Visit, ...]], parents: Mapping[int, int]
) -> int | None:
    """Return the nearest of these zones that `zone` lies in."""
    outer = parents.get(zone, 0)
    while outer and outer not in beside:
        outer = parents.get(outer, 0)
    return outer or None


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
