"""From a decision to what the caller is told. Pure."""

from collections.abc import Mapping, Set
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from cloud.checkins.model import Asked, Prior, Redeemed
from shared.event import Gate
from shared.history import Visit
from shared.outcomes import Outcome
from shared.rules.compiled import Rules
from shared.rules.decision import Admit, Decision, Deny, Hold


class Whose(NamedTuple):
    """Whose ticket it is, as the cloud knows. Told of genuine tickets alone."""

    ticket_id: UUID | None = None
    attendee: str = ""
    seat: str = ""


NOBODY = Whose()


def of_outcome(outcome: Outcome, reason: str = "", **more: Any) -> Redeemed:
    """Return what is told of a code that did not verify."""
    return Redeemed(
        code=outcome.code,
        signal=outcome.signal,
        sentence=outcome.sentence,
        reason="" if reason == outcome.code else reason,
        **more,
    )


def of_decision(
    decision: Decision,
    rules: Rules,
    ticket_class: int | None,
    whose: Whose,
    entries: tuple[str, ...],
    workers: Set[bytes],
) -> Redeemed:
    """Return what is told of a genuine ticket. `ticket_class`: None for another event's."""
    rule = None if ticket_class is None else rules.classes.get(ticket_class)
    told: dict[str, Any] = {
        "ticket_id": whose.ticket_id,
        "ticket_class": rule.name if rule else "",
        "attendee": whose.attendee,
        "seat": whose.seat,
        "entries": entries,
    }
    if isinstance(decision, Admit):
        told |= _admitted(decision)
    elif isinstance(decision, Hold):
        told |= _held(decision)
    elif isinstance(decision, Deny):
        told |= _denied(decision, rules.gates, workers)
    return of_outcome(decision.outcome, **told)


def _admitted(decision: Admit) -> dict[str, Any]:
    return {
        "people": decision.people,
        "left": decision.left,
        "flag": decision.flag.code if decision.flag else "",
        "attention": decision.attention,
        "moved": decision.moved and decision.outcome is not Outcome.EXIT,
    }


def _held(decision: Hold) -> dict[str, Any]:
    return {
        "why": decision.why.code if decision.why else "",
        "attention": decision.attention,
        "questions": tuple(Asked(q.id, q.text, q.required, q.choices) for q in decision.questions),
    }


def _denied(decision: Deny, gates: Mapping[int, Gate], workers: Set[bytes]) -> dict[str, Any]:
    return {
        "prior": _prior(decision.prior, gates, workers) if decision.prior else None,
        "gates": tuple(gates[gate].name for gate in decision.gates if gate in gates),
        "when": None if decision.when is None else _moment(decision.when * 1000),
        "left": decision.left,
        "overridable": decision.overridable,
    }


def _prior(visit: Visit, gates: Mapping[int, Gate], workers: Set[bytes]) -> Prior:
    gate = gates.get(visit.gate)
    name = gate.name if gate else str(visit.gate)
    return Prior(visit.gate, name, _moment(visit.ms), visit.device in workers)


def _moment(ms: int) -> datetime:
    """Return a time of a record or a rule, within what a datetime can hold."""
    return datetime.fromtimestamp(min(ms, 253_402_300_799_000) / 1000, UTC)
