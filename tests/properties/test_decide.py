"""Laws of the decision, for whatever well-typed input (spec/rules.md §11)."""

from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shared.decide import decide
from shared.event import Day, Gate, Plan, Policy, Question, TicketClass, Window, Zone
from shared.hashing import evidence, root_right
from shared.history import History, PoolHistory, Visit
from shared.instant import Instant
from shared.log.record import EMPTY, Kind, Shown, check
from shared.manifest.ticket import NO_HOLDER, Status, TicketRecord
from shared.outcomes import Outcome, Signal
from shared.rules.compiled import Post, Rules, compile_rules
from shared.rules.decision import Admit, Ask, Decision, Deny, Hold, Trouble
from shared.rules.faults import faults, sound
from shared.token import BOUND, STATIC, Token
from shared.verify import Verified
from tests.scribe import EVENT, hashed

SIGNALS = {
    Admit: Signal.ADMIT,
    Hold: Signal.ACT,
    Deny: Signal.REFUSE,
    Trouble: Signal.TROUBLE,
}
BY_TIME = {Outcome.EXPIRED, Outcome.NOT_YET_VALID, Outcome.OUTSIDE_WINDOW}
TICKET = hashed("anna")

# Small numbers, so that everything meets: three zones, three gates, days and bounds up to 40.
ids = st.integers(1, 3)
seconds = st.integers(0, 40)
names = st.just("n")
spans = st.builds(Window, start=seconds, end=seconds)
questions = st.builds(
    Question,
    id=ids,
    text=names,
    required=st.booleans(),
    choices=st.sampled_from([(), ("yes", "no")]),
)
classes = st.builds(
    TicketClass,
    index=st.integers(0, 2),
    name=names,
    zones=st.lists(ids, min_size=1, max_size=3, unique=True).map(tuple),
    gates=st.lists(ids, max_size=1).map(tuple),
    valid_from=seconds | st.just(0),
    valid_until=seconds | st.just(2**40),
    windows=st.lists(spans, max_size=2).map(tuple),
    per=st.sampled_from(["event", "day"]),
    allowance=st.integers(1, 4),
    day_cap=st.sampled_from([0, 0, 1, 2]),
    re_entry=st.booleans(),
    min_gap=st.sampled_from([0, 0, 5]),
    group=st.booleans(),
    collect_unpaid=st.booleans(),
    attention=st.sampled_from(["", "", "look"]),
    questions=st.lists(questions, max_size=2).map(tuple),
)
policies = st.builds(
    Policy,
    unknown_ticket=st.sampled_from(["admit", "hold"]),
    warn_age=seconds,
    restrict_age=st.sampled_from([99, 99, 99, 10]),
    restricted=st.sampled_from(["admit", "hold", "refuse"]),
)
days = st.sampled_from([
    (),
    (Day(index=1, start=0, end=20), Day(index=2, start=20, end=35)),
    (Day(index=1, start=10, end=12), Day(index=3, start=15, end=30)),
    (Day(index=2, start=10, end=20), Day(index=1, start=15, end=30)),
])  # fmt: skip
wild_plans = st.builds(
    Plan,
    zones=st.lists(
        st.builds(Zone, id=ids, name=names, parent=st.sampled_from([0, 0, 1, 2])), max_size=4
    ).map(tuple),
    gates=st.lists(
        st.builds(
            Gate,
            id=ids,
            name=names,
            zone=ids,
            direction=st.sampled_from(["both", "both", "entry", "exit"]),
        ),
        min_size=1,
        max_size=3,
        unique_by=lambda gate: gate.id,
    ).map(tuple),
    classes=st.lists(classes, min_size=1, max_size=3).map(tuple),
    days=days,
    policy=policies,
)
SANE_ZONES = tuple(Zone(id=i, name="n", parent=int(i == 2)) for i in (1, 2, 3))
SANE_GATES = tuple(Gate(id=i, name="n", zone=i, direction="both") for i in (1, 2, 3))
SANE_DAYS = (Day(index=1, start=0, end=20), Day(index=2, start=20, end=41))
sane_classes = st.builds(
    TicketClass,
    index=st.just(0),
    name=names,
    zones=st.sampled_from([(1, 2, 3), (1, 2, 3), (1, 3)]),
    valid_from=st.sampled_from([0, 0, 0, 10]),
    windows=st.sampled_from([(), (), (Window(start=5, end=30),)]),
    per=st.just("day"),
    allowance=st.sampled_from([1, 1, 2, 4]),
    day_cap=st.sampled_from([0, 0, 1, 2]),
    re_entry=st.booleans(),
    min_gap=st.sampled_from([0, 0, 5]),
    group=st.booleans(),
    collect_unpaid=st.booleans(),
    attention=st.sampled_from(["", "", "look"]),
    questions=st.sampled_from([(), (), (Question(id=1, text="n"),)]),
)
by_event = sane_classes.map(lambda rule: replace(rule, per="event", day_cap=0))
sane_plans = st.builds(
    Plan,
    st.just(SANE_ZONES),
    st.just(SANE_GATES),
    st.tuples(by_event | by_event | sane_classes),
    st.just(SANE_DAYS),
    policies,
)
plans = st.sampled_from([sane_plans] * 5 + [wild_plans]).flatmap(lambda plan: plan)
rights = st.sampled_from(
    [root_right(EVENT, TICKET, zone, 0, i) for zone in (1, 2) for i in range(3)]
)
visits = st.builds(
    Visit,
    id=st.binary(min_size=15, max_size=15).map(lambda rest: b"v" + rest),
    zone=ids,
    day=st.integers(0, 3),
    gate=ids,
    device=st.just(bytes(16)),
    ms=st.integers(0, 40_000),
    right=rights | st.just(bytes(16)),  # zero: an override
)


@st.composite
def pool_histories(draw: st.DrawFn, zone: int, day: int) -> PoolHistory:
    entered = tuple(
        visit._replace(zone=zone, day=day) for visit in draw(st.lists(visits, max_size=5))
    )
    return PoolHistory(
        len(entered),
        entered[draw(st.integers(0, len(entered))) :],
        frozenset(visit.right for visit in entered),
        tuple(draw(st.lists(rights, max_size=3))),
        draw(st.sampled_from([bytes(16), b"o" * 16])),
        max(entered, key=lambda visit: visit.ms, default=None),
    )


@st.composite
def histories(draw: st.DrawFn) -> History:
    day = st.sampled_from([0, 0, 1, 2])
    places = draw(st.lists(st.tuples(ids, day), max_size=3, unique=True))
    pools = {place: draw(pool_histories(*place)) for place in places}
    last = draw(st.none() | visits)
    gen = draw(st.sampled_from([0] * 8 + [1, 2, 3]))
    return History(pools, frozenset(draw(st.sets(st.integers(1, 3), max_size=2))), last, gen)


asks = st.builds(
    Ask,
    people=st.integers(-1, 6),
    answers=st.dictionaries(
        st.integers(1, 4), st.sampled_from(["yes", "no", "", " ", "7"]), max_size=3
    ),
    confirmed=st.booleans(),
    supervisor=st.booleans(),
    override=st.sampled_from(["", "", " ", "reason"]),
    day=st.integers(0, 4),
)
instants = st.builds(Instant, st.integers(0, 41_000), st.sampled_from([True, True, False]))
Situation = dict[str, Any]


@st.composite
def situations(draw: st.DrawFn, exiting: bool | None = None) -> Situation:
    """All that a decision may look at; the gate exists, and nothing else need make sense."""
    plan = draw(plans)
    rules = compile_rules(EVENT, plan, draw(seconds), draw(seconds))
    return situation(draw, rules, exiting)


def situation(draw: st.DrawFn, rules: Rules, exiting: bool | None) -> Situation:
    ways = [
        (gate.id, out)
        for gate in rules.gates.values()
        for out in (False, True)
        if gate.direction in ("both", "exit" if out else "entry") and exiting in (None, out)
    ]
    # A plan without a sound gate is met by a post of an earlier one.
    gate, out = draw(st.sampled_from(ways)) if ways else (1, bool(exiting))
    stale = Post(EVENT, gate, 1, out, frozenset(), frozenset({1}))
    holder = draw(st.sampled_from([b""] * 6 + [b"h" * 32]))
    token = Token(
        BOUND if holder else STATIC,
        0,
        bytes(4),
        draw(st.sampled_from([EVENT] * 9 + [b"theother"])),
        bytes(16),
        draw(st.sampled_from([2] * 8 + [0, 1, 3])),
        draw(st.sampled_from([*rules.classes] * 12 + [0, 3])),
        draw(st.sampled_from([2**32 - 1] * 5 + [*range(41)])),
        holder,
    )
    records = st.builds(
        TicketRecord,
        st.just(TICKET),
        st.just(0),
        st.sampled_from([2] * 8 + [0, 1]),
        st.just(token.ticket_class),
        st.sampled_from([Status.ACTIVE] * 12 + [Status.UNPAID] * 2 + [*Status]),
        st.sampled_from([NO_HOLDER] * 6 + [b"hold"]),
    )
    return {
        "scan": Verified(token, draw(st.sampled_from(Shown)), bytes(32), TICKET),
        "post": rules.post(gate, exiting=out) if ways else stale,
        "rules": rules,
        "record": draw(st.none() | records),
        "history": draw(histories()),
        "now": draw(instants),
        "ask": draw(asks),
    }


def overridden(decision: Admit, ask: Ask) -> bool:
    kinds = {draft.kind for draft in decision.drafts}
    return Kind.OVERRIDE in kinds and ask.supervisor and bool(ask.override.strip())


@given(situations())
def test_a_decision_is_always_reached_and_always_the_same(given: Situation) -> None:
    """No input raises; the kind of a decision is its colour; and it is a function."""
    decision: Decision = decide(**given)
    assert SIGNALS[type(decision)] is decision.outcome.signal
    assert decide(**given) == decision


@given(situations(exiting=False))
def test_green_at_an_entry_has_a_cause(given: Situation) -> None:
    """Right event and, unless overridden, an active ticket, or an unpaid one and a supervisor."""
    decision = decide(**given)
    if not isinstance(decision, Admit):
        return
    record, ask, rules = given["record"], given["ask"], given["rules"]
    token = given["scan"].token
    rule = rules.classes[token.ticket_class]
    assert token.event == EVENT
    if overridden(decision, ask):
        assert decision.flag is not None
        return
    assert token.gen >= max(given["history"].gen, record.gen if record else 0)
    assert given["post"].zone in rule.zones
    assert given["post"].gate in rule.gates
    if record is not None and record.status is not Status.ACTIVE:
        assert record.status is Status.UNPAID
        assert rule.collect_unpaid
        assert ask.supervisor
    if given["now"].trusted:
        assert given["now"].seconds < min(token.exp, rule.valid_until)
        assert given["now"].seconds >= rule.valid_from


@given(situations(exiting=False))
def test_no_more_entries_than_free_rights(given: Situation) -> None:
    """Each right is free, none twice but as often as exits opened it, and all have room."""
    decision = decide(**given)
    entries = [draft for draft in decision.drafts if draft.kind is Kind.IN]
    if not entries:
        return
    assert isinstance(decision, Admit)
    [(zone, day)] = {(draft.zone, draft.day) for draft in entries}
    rule = given["rules"].classes[given["scan"].token.ticket_class]
    pool = given["history"].pools.get((zone, day), PoolHistory(0, (), frozenset(), ()))
    assert len(entries) + (len(pool.inside) if rule.re_entry else pool.entries) <= rule.allowance
    roots = {root_right(EVENT, TICKET, zone, day, i) for i in range(rule.allowance)}
    free = Counter(roots - pool.claimed)
    free.update(pool.opened if rule.re_entry else ())
    assert not Counter(decision.rights) - free
    assert len(entries) == decision.people


@given(situations(exiting=False))
def test_a_move_takes_as_few_people_out_as_must(given: Situation) -> None:
    """Beside the gate's zone the newest leave, until all of a ticket are no more than it has."""
    decision, post = decide(**given), given["post"]
    if not isinstance(decision, Admit):
        return
    day = decision.drafts[-1].day
    pools = {z: p.inside for (z, on), p in given["history"].pools.items() if on == day}
    out = Counter(draft.zone for draft in decision.drafts if draft.kind is Kind.OUT)
    assert decision.moved is bool(out)
    before = Counter({z: len(p) for z, p in pools.items() if z not in post.related})
    rule = given["rules"].classes[given["scan"].token.ticket_class]
    everybody = rule.allowance if rule.group else 1
    parents = given["rules"].parents
    stay = max(0, everybody - len(pools.get(post.zone, ())) - decision.people)
    assert heads(before - out, parents) == min(stay, heads(before, parents))
    for zone, count in out.items():
        refs = [draft.ref for draft in decision.drafts if draft.zone == zone][:count]
        assert refs == [visit.id for visit in pools[zone][-count:]]


def heads(inside: Counter[int], parents: Mapping[int, int]) -> int:
    """Return how few people can be in these zones: who is in an inner one is in the outer too."""
    within = {zone: {z for z in inside if zone in lineage(z, parents)} for zone in inside}
    chains = [zone for zone in inside if not any(z in inside for z in lineage(zone, parents))]
    return sum(max(inside[zone], heads(only(inside, within[zone]), parents)) for zone in chains)


def only(inside: Counter[int], zones: set[int]) -> Counter[int]:
    return Counter({zone: inside[zone] for zone in zones})


def lineage(zone: int, parents: Mapping[int, int]) -> list[int]:
    outer = parents.get(zone, 0)
    return [outer, *lineage(outer, parents)] if outer else []


@given(situations(exiting=True))
def test_an_exit_is_never_refused(given: Situation) -> None:
    """Whoever asks is let out, and each entry is closed once at most."""
    decision = decide(**given)
    assert decision.outcome is Outcome.EXIT
    token, record = given["scan"].token, given["record"]
    proved = max(given["history"].gen, record.gen if record else 0)
    assert bool(decision.drafts) is (token.event == EVENT and token.gen >= proved)
    assert {draft.kind for draft in decision.drafts} <= {Kind.OUT}
    inside = {visit.id for pool in given["history"].pools.values() for visit in pool.inside}
    closed = [draft.ref for draft in decision.drafts if draft.ref in inside]
    named = Counter(v.id for pool in given["history"].pools.values() for v in pool.inside)
    assert not Counter(closed) - named


@given(situations())
def test_every_draft_makes_a_record(given: Situation) -> None:
    """With the ticket, the gate and the place in the log, each draft is well formed."""
    for draft in decide(**given).drafts:
        assert 0 <= draft.day <= 0xFFFF
        check(
            EMPTY._replace(
                version=1, kind=draft.kind, device=b"d" * 16, incarnation=1, seq=2,
                prev=b"p" * 32, event=EVENT, gate=given["post"].gate, zone=draft.zone,
                day=draft.day, allowance=draft.allowance, terms=draft.terms, ticket=TICKET,
                ref=draft.ref, evidence=evidence(b"code"), reason=draft.reason,
            )
        )  # fmt: skip


@given(situations(exiting=False))
def test_a_supervisors_signature_never_turns_green_into_anything_else(given: Situation) -> None:
    """With trusted time, whom staff may admit a supervisor may admit."""
    given["now"] = Instant(given["now"].ms)
    given["ask"] = given["ask"]._replace(supervisor=False)
    decision = decide(**given)
    if isinstance(decision, Admit):
        given["ask"] = given["ask"]._replace(supervisor=True)
        assert decide(**given) == decision


@given(situations(exiting=False))
def test_a_clock_that_nobody_vouches_for_accuses_nobody(given: Situation) -> None:
    """Without trusted time and a picked day, no refusal rests on the time."""
    given["now"] = Instant(given["now"].ms, trusted=False)
    given["ask"] = given["ask"]._replace(supervisor=False)
    assert decide(**given).outcome not in BY_TIME


@given(situations(exiting=False), st.lists(seconds, min_size=2).map(sorted))
def test_time_goes_one_way(given: Situation, moments: list[int]) -> None:
    """A ticket is not yet valid, then perhaps valid, then expired; never back again."""
    given["ask"] = Ask()
    given["rules"] = given["rules"]._replace(policy=Policy(restrict_age=99, warn_age=99))
    told = []
    for moment in moments:
        given["now"] = Instant(moment * 1000)
        told.append(decide(**given).outcome)
    early, late = Outcome.NOT_YET_VALID, Outcome.EXPIRED
    for before, after in pairwise(told):
        assert before is not late or after is late
        assert after is not early or before is early


@given(plans)
def test_a_fault_closes_its_class_and_nothing_else(plan: Plan) -> None:
    """A class has a rule exactly if nothing is wrong with it."""
    rules = compile_rules(EVENT, plan, 0, 0)
    broken = {fault.id for fault in faults(plan) if fault.part == "class"}
    assert rules.classes.keys() == {rule.index for rule in plan.classes} - broken


@given(plans)
def test_what_is_sound_has_no_fault(plan: Plan) -> None:
    """Taking the faulty parts out of a plan leaves one that classes can be judged by."""
    parts = sound(plan)
    zones = tuple(zone for zone in plan.zones if zone.id in parts.zones)
    gates = tuple(gate for gate in plan.gates if gate.id in parts.gates)
    left = Plan(zones, gates, (), plan.days if parts.days else ())
    orphaned = {zone.id for zone in zones if zone.parent and zone.parent not in parts.zones}
    assert orphaned or faults(left) == ()
