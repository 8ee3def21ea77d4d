"""Whether one verified ticket may pass one gate now (spec/rules.md).

Pure: the same arguments give the same decision at every gate, and it never raises. What it
returns is only shown as green after the rights are claimed and the drafts are stored.

    rules = compile_rules(event, plan, issued, sales_end)      # once per manifest head
    post = rules.post(7, exiting=False)                        # once per choice of staff
    decide(scan, post, rules, record, history, now, Ask(people=2))

Order: another event; an exit, which always lets out; objections, the first of which is the
refusal (`shared.rules.objections`); rights of the pool; the minimum gap; what staff must still
do (`shared.rules.holds`). So nobody is asked for money or a signature before a refusal.
"""

from typing import Final

from shared.history import History
from shared.instant import Instant
from shared.log.record import ZERO16, Kind, Shown
from shared.manifest.ticket import TicketRecord
from shared.outcomes import Outcome
from shared.rules.case import Case, consider
from shared.rules.compiled import Age, ClassRule, Post, Rules
from shared.rules.decision import Admit, Ask, Decision, Deny, Draft, Refusal, Trouble
from shared.rules.holds import first_hold, flag, given
from shared.rules.moves import depart, moves
from shared.rules.objections import objection_of_class, objection_to_ticket
from shared.rules.rights import Claim, claim, lacking, too_soon
from shared.token import STATIC, Token
from shared.verify import Verified

NOTHING_ASKED: Final = Ask()
NEVER: Final = 0xFFFF_FFFF


def decide(
    scan: Verified,
    post: Post,
    rules: Rules,
    record: TicketRecord | None,
    history: History,
    now: Instant,
    ask: Ask = NOTHING_ASKED,
) -> Decision:
    """Return what comes of one scan. `record`: the manifest's word, None where it has none."""
    case = consider(scan, post, rules, record, history, now, ask)
    if post.exiting:
        return depart(case)
    if scan.token.event != post.event:
        return Deny(Outcome.WRONG_EVENT)  # counted and not recorded: this log has no place for it
    rule, refusal = case.rule, objection_to_ticket(case)
    if rule is None:  # rules that can't be read are nobody's to override
        return Trouble(Outcome.RULES_BROKEN) if refusal is None else refusal
    if refusal is None:
        refusal = objection_of_class(case, rule)
    if refusal is not None:
        return _refuse(case, rule, refusal)
    found = claim(case, rule)
    leaving = moves(case, rule)
    refusal = lacking(case, rule, found) or too_soon(case, rule, found, moved=bool(leaving))
    if refusal is not None:
        return _refuse(case, rule, refusal)
    return _hold_or_admit(case, rule, found, leaving)


def by_hand(record: TicketRecord, event: bytes) -> Verified:
    """Return the scan of a ticket that a supervisor picked from a list, with no code shown."""
    token = Token(STATIC, 0, bytes(4), event, bytes(16), record.gen, record.ticket_class, NEVER)
    return Verified(token, Shown.MANUAL, bytes(32), record.ticket_hash)


def _refuse(case: Case, rule: ClassRule, refusal: Refusal) -> Decision:
    """Return the refusal, unless a supervisor overrides it."""
    reason = case.ask.override.strip() if case.ask.supervisor else ""
    if isinstance(refusal, Trouble) or not refusal.overridable or not reason:
        return refusal
    if case.people > rule.allowance:
        return refusal
    if case.day is None and not case.timed:
        return case.without_time()  # the record needs a day: one more thing for the supervisor
    if case.day is None:
        case = case._replace(day=case.rules.nearest_day(case.since))
    if (hold := first_hold(case, rule, returning=False)) is not None:
        return hold
    rights = (ZERO16,) * case.people  # an override has a right of its own, without a name
    entries = _entries(case, rule, Kind.OVERRIDE, rights, refusal.outcome)
    drafts = moves(case, rule) + entries
    return _admit(case, rule, Outcome.ADMITTED, drafts, 0, refusal.outcome, reason)


def _hold_or_admit(
    case: Case, rule: ClassRule, found: Claim, leaving: tuple[Draft, ...]
) -> Decision:
    returning = found.returning == case.people
    if (hold := first_hold(case, rule, returning=returning)) is not None:
        return hold
    because = flag(case)
    drafts = leaving + _entries(case, rule, Kind.IN, found.rights, because)
    outcome = Outcome.READMITTED if returning else Outcome.ADMITTED
    return _admit(case, rule, outcome, drafts, found.left, because)


def _entries(
    case: Case, rule: ClassRule, kind: Kind, rights: tuple[bytes, ...], because: Outcome | None
) -> tuple[Draft, ...]:
    zone, day, reason = case.post.zone, case.day or 0, because.number if because else 0
    return tuple(
        Draft(kind, zone, day, rule.allowance, rule.terms, right, reason) for right in rights
    )


def _admit(
    case: Case,
    rule: ClassRule,
    outcome: Outcome,
    drafts: tuple[Draft, ...],
    left: int,
    because: Outcome | None,
    note: str = "",
) -> Admit:
    return Admit(
        outcome,
        drafts,
        case.people,
        left,
        because,
        rule.attention,
        given(case, rule),
        note,
        raises=case.scan.token.gen > case.gen,
        stale=case.age is not Age.FRESH,
        moved=drafts[0].kind is Kind.OUT,
    )
