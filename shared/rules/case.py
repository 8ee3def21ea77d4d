"""One scan in front of the rules: all that they may look at, and how they refuse."""

from typing import NamedTuple

from shared.generations import accept
from shared.history import History, Visit
from shared.instant import Instant
from shared.log.record import Kind
from shared.manifest.ticket import TicketRecord
from shared.outcomes import Outcome
from shared.rules.compiled import Age, ClassRule, Post, Rules
from shared.rules.decision import Ask, Deny, Draft, Refusal, Trouble
from shared.verify import Verified


class Case(NamedTuple):
    """A scan. The time is some second of `since <= t < until` (spec/rules.md §3)."""

    scan: Verified
    post: Post
    rules: Rules
    rule: ClassRule | None  # None: the class is unknown or has a fault
    record: TicketRecord | None
    history: History
    now: Instant
    ask: Ask
    since: int
    until: int
    timed: bool  # something vouches for that time
    day: int | None  # of the pool; None: outside every day, or not known
    people: int  # to pass: one, unless the class is a group's
    age: Age  # of the manifest
    gen: int  # the highest that the manifest or a token has proved

    def deny(
        self,
        outcome: Outcome,
        *,
        prior: Visit | None = None,
        gates: tuple[int, ...] = (),
        when: int | None = None,
        left: int = 0,
    ) -> Deny:
        """Return a refusal, and the record of it."""
        draft = Draft(Kind.DENY, self.post.zone, self.day or 0, 0, 0, reason=outcome.number)
        return Deny(outcome, (draft,), prior, gates, when, left)

    def deny_by_time(self, outcome: Outcome, when: int | None) -> Refusal:
        """Return a refusal that rests on the time, if anything vouches for that."""
        return self.deny(outcome, when=when) if self.timed else self.without_time()

    def without_time(self) -> Trouble:
        """Return that nobody knows the time, and the days of which a supervisor may pick."""
        days = tuple(day.index for day in self.rules.days)
        return Trouble(Outcome.CLOCK_UNTRUSTED, days)


def consider(
    scan: Verified,
    post: Post,
    rules: Rules,
    record: TicketRecord | None,
    history: History,
    now: Instant,
    ask: Ask,
) -> Case:
    """Return the case, its time and its day settled."""
    rule = rules.classes.get(scan.token.ticket_class)
    since, until, timed = now.seconds, now.seconds + 1, now.trusted
    picked = rules.day(ask.day) if ask.supervisor and not timed else None
    if picked is not None:
        since, until, timed = picked.start, picked.end, True
    day: int | None = 0
    if rule is not None and rule.per_day:
        day = rules.day_at(since) if timed else None
    return Case(
        scan, post, rules, rule, record, history, now, ask, since, until, timed, day,
        people=max(1, ask.people) if rule is not None and rule.group else 1,
        age=rules.age(now),
        gen=history.gen if record is None else accept(history.gen, record.gen, proved=True),
    )  # fmt: skip
