"""The rules that can refuse a ticket before its entries are counted (spec/rules.md §5).

Rule 1: whatever may refuse at an entry gate stands in one of the two tables below, in the
order in which staff should hear of it, the most basic reason first. The first to object wins.
"""

from collections.abc import Callable, Mapping
from typing import Final

from shared.hashing import holder_hash
from shared.log.record import Shown
from shared.manifest.ticket import NO_HOLDER, Status
from shared.outcomes import Outcome
from shared.rules.case import Case
from shared.rules.compiled import Age, ClassRule
from shared.rules.decision import Refusal, Trouble

WITHDRAWN: Final[Mapping[Status, Outcome]] = {
    Status.REVOKED: Outcome.REVOKED,
    Status.REFUNDED: Outcome.REFUNDED,
    Status.BLOCKED: Outcome.BLOCKED,
}


def objection_to_ticket(case: Case) -> Refusal | None:
    """Return the first objection that needs no class."""
    for objects in OF_THE_TICKET:
        if (refusal := objects(case)) is not None:
            return refusal
    return None


def objection_of_class(case: Case, rule: ClassRule) -> Refusal | None:
    """Return the first objection of the ticket's class."""
    for objects in OF_THE_CLASS:
        if (refusal := objects(case, rule)) is not None:
            return refusal
    return None


def _age(case: Case) -> Refusal | None:
    if case.rules.policy.restricted == "refuse" and case.age is Age.RESTRICTED:
        return Trouble(Outcome.MANIFEST_EXPIRED)
    return None


def _status(case: Case) -> Refusal | None:
    if case.record is None or case.record.status is Status.ACTIVE:
        return None
    if (outcome := WITHDRAWN.get(case.record.status)) is not None:
        return case.deny(outcome)
    collected = case.rule is not None and case.rule.collect_unpaid
    return None if collected else case.deny(Outcome.UNPAID)


def _generation(case: Case) -> Refusal | None:
    token = case.scan.token
    if token.gen < case.gen:
        return case.deny(Outcome.SUPERSEDED)
    if case.record is None or token.gen > case.record.gen or case.scan.shown is Shown.MANUAL:
        return None
    holder = holder_hash(token.holder_pk) if token.holder_pk else NO_HOLDER
    return None if holder == case.record.holder else case.deny(Outcome.SUPERSEDED)


def _exp(case: Case) -> Refusal | None:
    exp = case.scan.token.exp
    return case.deny_by_time(Outcome.EXPIRED, exp) if case.since >= exp else None


def _place(case: Case, rule: ClassRule) -> Refusal | None:
    if case.post.zone not in rule.zones:
        return case.deny(Outcome.WRONG_ZONE, gates=rule.gates)
    if case.post.gate not in rule.gates:
        return case.deny(Outcome.WRONG_GATE, gates=rule.gates)
    return None


def _validity(case: Case, rule: ClassRule) -> Refusal | None:
    if case.until <= rule.valid_from:
        return case.deny_by_time(Outcome.NOT_YET_VALID, rule.valid_from)
    if case.since >= rule.valid_until:
        return case.deny_by_time(Outcome.EXPIRED, rule.valid_until)
    return None


def _window(case: Case, rule: ClassRule) -> Refusal | None:
    if not rule.windows:
        return None
    if any(w.start < case.until and case.since < w.end for w in rule.windows):
        return None
    later = (window.start for window in rule.windows if window.start > case.since)
    return case.deny_by_time(Outcome.OUTSIDE_WINDOW, next(later, None))


def _day(case: Case, rule: ClassRule) -> Refusal | None:
    if not rule.per_day or case.day is not None:
        return None
    later = (start for start in case.rules.starts if start > case.since)
    return case.deny_by_time(Outcome.OUTSIDE_WINDOW, next(later, None))


def _day_cap(case: Case, rule: ClassRule) -> Refusal | None:
    days = case.history.days
    if not rule.day_cap or case.day in days or len(days) < rule.day_cap:
        return None
    return case.deny(Outcome.NO_DAYS_LEFT, prior=case.history.last)


OF_THE_TICKET: Final[tuple[Callable[[Case], Refusal | None], ...]] = (
    _age,
    _status,
    _generation,
    _exp,
)
OF_THE_CLASS: Final[tuple[Callable[[Case, ClassRule], Refusal | None], ...]] = (
    _place,
    _validity,
    _window,
    _day,
    _day_cap,
)
