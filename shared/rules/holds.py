"""What staff must do before a ticket without objections is admitted (spec/rules.md §8)."""

from collections.abc import Iterator
from typing import Final

from shared.event import Question
from shared.log.record import Shown
from shared.manifest.ticket import Status
from shared.outcomes import Outcome
from shared.rules.case import Case
from shared.rules.compiled import Age, ClassRule
from shared.rules.decision import Hold

MAX_ANSWER: Final = 200


def first_hold(case: Case, rule: ClassRule, *, returning: bool) -> Hold | None:
    """Return the first thing left to do, if any."""
    if not case.ask.supervisor and (hold := _for_supervisor(case)) is not None:
        return hold
    if not returning and (open_questions := tuple(unanswered(case, rule))):
        return Hold(Outcome.ANSWERS_REQUIRED, questions=open_questions)
    if rule.attention and not case.ask.confirmed:
        return Hold(Outcome.ATTENTION, attention=rule.attention)
    return None


def flag(case: Case) -> Outcome | None:
    """Return what reports must say of an admission that no rule refuses."""
    if case.record is None:
        return Outcome.NOT_IN_MANIFEST
    if case.record.status is Status.UNPAID:
        return Outcome.UNPAID
    return Outcome.MANIFEST_EXPIRED if case.age is Age.RESTRICTED else None


def unanswered(case: Case, rule: ClassRule) -> Iterator[Question]:
    """Yield the questions without a good answer. An empty one passes over an optional one."""
    for question in rule.questions:
        answer = case.ask.answers.get(question.id)
        if answer is None or not _good(question, answer):
            yield question


def given(case: Case, rule: ClassRule) -> tuple[tuple[int, str], ...]:
    """Return the good answers, which travel with the record."""
    return tuple(
        (question.id, answer)
        for question in rule.questions
        if (answer := case.ask.answers.get(question.id)) and _good(question, answer)
    )


def _for_supervisor(case: Case) -> Hold | None:
    """Return what only a supervisor may let pass."""
    policy = case.rules.policy
    if case.record is None:
        # A signed ticket that the manifest lacks can only be newer than it, while sales last.
        newer = case.rules.issued < case.rules.sales_end
        if policy.unknown_ticket == "hold" or not newer:
            return Hold(Outcome.NOT_IN_MANIFEST)
    elif case.record.status is Status.UNPAID:
        return Hold(Outcome.SUPERVISOR_REQUIRED, Outcome.UNPAID)
    if policy.restricted == "hold" and case.age is Age.RESTRICTED:
        return Hold(Outcome.SUPERVISOR_REQUIRED, Outcome.MANIFEST_EXPIRED)
    return Hold(Outcome.SUPERVISOR_REQUIRED) if case.scan.shown is Shown.MANUAL else None


def _good(question: Question, answer: str) -> bool:
    if not answer:
        return not question.required
    if question.choices:
        return answer in question.choices
    return len(answer) <= MAX_ANSWER and answer.isprintable() and not answer.isspace()
