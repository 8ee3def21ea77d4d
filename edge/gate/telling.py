"""From a decision to what people are told: values and codes, no sentences.

Pure: everything that a verdict says is in the arguments.
"""

from collections.abc import Mapping
from typing import Any, Final

from edge.gate.trust import Book
from edge.gate.verdict import Action, Asked, PickedDay, Prior
from shared.history import Visit
from shared.manifest.sealed import Name
from shared.outcomes import Outcome
from shared.rules.decision import Admit, Decision, Deny, Hold, Trouble
from shared.verify import Verified

CHALLENGED: Final = frozenset({Outcome.CHALLENGE_REQUIRED, Outcome.STALE_CODE})
HOLDS: Final[Mapping[Outcome, Action]] = {
    Outcome.ATTENTION: Action.CONFIRM,
    Outcome.ANSWERS_REQUIRED: Action.ANSWER,
    Outcome.SUPERVISOR_REQUIRED: Action.APPROVE,
    Outcome.NOT_IN_MANIFEST: Action.APPROVE,
}


def of_outcome(outcome: Outcome, reason: str = "") -> dict[str, Any]:
    """Return what is told of a code that did not verify, or of a gate that can't scan."""
    actions = (Action.CHALLENGE,) if outcome in CHALLENGED else ()
    return {
        "code": outcome.code,
        "signal": outcome.signal,
        "reason": "" if reason == outcome.code else reason,
        "actions": actions,
    }


def of_decision(
    decision: Decision, scan: Verified, book: Book | None, name: Name, device: bytes
) -> dict[str, Any]:
    """Return what is told of a genuine ticket. `book`: that of the event that was decided by."""
    told: dict[str, Any] = of_outcome(decision.outcome)
    ours = book is not None and book.rules.event == scan.token.event
    rule = book.rules.classes.get(scan.token.ticket_class) if book and ours else None
    told |= {"ticket_class": rule.name if rule else "", "name": name.name, "seat": name.seat}
    group = rule is not None and rule.group
    if isinstance(decision, Admit):
        return told | _admitted(decision, group=group)
    if isinstance(decision, Hold):
        return told | _held(decision)
    if isinstance(decision, Deny):
        return told | _denied(decision, book, device)
    return told | _troubled(decision, book)


def _admitted(decision: Admit, *, group: bool) -> dict[str, Any]:
    exiting = decision.outcome is Outcome.EXIT
    undo = () if exiting or not decision.drafts else (Action.UNDO,)
    more = (Action.PEOPLE,) if group and decision.left and not exiting else ()
    return {
        "people": decision.people,
        "left": decision.left,
        "flag": decision.flag.code if decision.flag else "",
        "attention": decision.attention,
        "stale": decision.stale,
        "moved": decision.moved and not exiting,
        "actions": more + undo,
    }


def _held(decision: Hold) -> dict[str, Any]:
    questions = (Asked(q.id, q.text, q.required, q.choices) for q in decision.questions)
    return {
        "why": decision.why.code if decision.why else "",
        "attention": decision.attention,
        "questions": tuple(questions),
        "actions": (HOLDS[decision.outcome],),
    }


def _denied(decision: Deny, book: Book | None, device: bytes) -> dict[str, Any]:
    gates = book.rules.gates if book else {}
    more = (Action.PEOPLE,) if decision.left else ()
    override = (Action.OVERRIDE,) if decision.overridable else ()
    return {
        "prior": _prior(decision.prior, book, device) if decision.prior else None,
        "gates": tuple(gates[gate].name for gate in decision.gates if gate in gates),
        "when": decision.when,
        "left": decision.left,
        "actions": more + override,
    }


def _troubled(decision: Trouble, book: Book | None) -> dict[str, Any]:
    days = [day for day in book.rules.days if day.index in decision.days] if book else []
    return {
        "days": tuple(PickedDay(day.index, day.start, day.end) for day in days),
        "actions": (Action.PICK_DAY,) if days else (),
    }


def _prior(visit: Visit, book: Book | None, device: bytes) -> Prior:
    gate = book.rules.gates.get(visit.gate) if book else None
    return Prior(gate.name if gate else str(visit.gate), visit.ms, visit.device == device)
