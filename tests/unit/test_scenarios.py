"""What a gate must get right: entry and signatures, one named test a line.

Decisions are real, stored as signed records, and read back through the merged view, so that
these are facts about the rules and the merge together.
"""

from datetime import date, time
from zoneinfo import ZoneInfo

import pytest

from shared import hashing, keys
from shared.calendar import days
from shared.decide import by_hand, decide
from shared.errors import UsherError
from shared.event import Plan, TicketClass
from shared.instant import Instant
from shared.keyset import Key, Keyset, TrustedKeys
from shared.log.record import Kind, Shown
from shared.manifest.ticket import Status
from shared.outcomes import Outcome, Signal
from shared.presentation import Freshness, present
from shared.rules.compiled import compile_rules
from shared.rules.decision import Admit, Ask, Decision, Deny, Hold
from shared.scanner import normalise
from shared.signed import Kind as Document
from shared.signed import seal
from shared.token import BOUND, LIVE_REQUIRED, STATIC, Token, encode_text, issue
from shared.verify import Verified, outcome_of, verify
from tests import festival
from tests.festival import (
    ARENA,
    CHILD,
    CLUB,
    CLUB_DOOR,
    DAILY,
    DAY,
    FAMILY,
    FOUR,
    GARDEN,
    GARDEN_GATE,
    HOUR,
    MIDNIGHT,
    NOON,
    NORTH,
    ONCE,
    ROAMER,
    SEAT,
    SLOW,
    SOUTH,
    SOUTH_ONLY,
    TWO_DAYS,
    WAIVER,
    WAY_OUT,
)
from tests.house import House
from tests.scribe import EVENT, hashed

SUPERVISED = Ask(supervisor=True)


def deny(decision: Decision) -> Deny:
    assert isinstance(decision, Deny)
    return decision


def admit(decision: Decision) -> Admit:
    assert isinstance(decision, Admit)
    return decision


# -- entry --


def test_an_active_unused_ticket_is_admitted_with_one_record() -> None:
    """Admitted, with the text to look at; the log has one record of it."""
    house = House()
    decision = admit(house.scan("kim", CHILD, ask=Ask(confirmed=True)))
    assert decision.outcome is Outcome.ADMITTED
    assert decision.attention == "Child: check ID"
    assert [draft.kind for draft in decision.drafts] == [Kind.IN]
    assert festival.rules().classes[CHILD].name == "Child"


def test_the_same_ticket_again_is_already_admitted() -> None:
    """The refusal names gate and time of the entry, and the log keeps the denial."""
    house = House()
    house.scan()
    decision = deny(house.scan(at=NOON + 720))
    assert decision.outcome is Outcome.ALREADY_ADMITTED
    assert decision.prior is not None
    assert (decision.prior.gate, decision.prior.ms) == (NORTH, NOON * 1000)
    assert house.denials() == 1


def test_a_ticket_admitted_at_another_gate_is_named_after_it() -> None:
    """What another gate admitted is refused here as soon as it is heard of."""
    house = House()
    house.cut_off(SOUTH)
    house.scan(gate=SOUTH)
    house.sync()
    prior = deny(house.scan(gate=NORTH, at=NOON + 60)).prior
    assert prior is not None
    assert prior.gate == SOUTH


def test_a_ticket_used_in_one_zone_is_admitted_in_the_next_and_leaves_the_first() -> None:
    """Between sibling zones the move closes the first."""
    house = House()
    house.scan("anna", ROAMER)
    moved = admit(house.scan("anna", ROAMER, gate=GARDEN_GATE, at=NOON + 60))
    assert [(draft.kind, draft.zone) for draft in moved.drafts] == [
        (Kind.OUT, ARENA),
        (Kind.IN, GARDEN),
    ]
    assert (house.inside(ARENA), house.inside(GARDEN)) == (0, 1)


def test_a_zone_inside_another_leaves_the_outer_presence_as_it_is() -> None:
    """Who goes into the club is in the club and in the arena."""
    house = House()
    house.scan("anna", ROAMER)
    admit(house.scan("anna", ROAMER, gate=CLUB_DOOR, at=NOON + 60))
    assert (house.inside(ARENA), house.inside(CLUB)) == (1, 1)


def test_an_exit_that_a_gate_has_not_heard_of_is_a_note_at_most() -> None:
    """In at North, out and in again at South which had heard nothing: no incident."""
    house = House()
    house.cut_off(NORTH, WAY_OUT)
    house.scan(gate=NORTH)
    house.leave(gate=WAY_OUT, at=NOON + 60)
    back = admit(house.scan(gate=SOUTH, at=NOON + 120))
    assert back.outcome is Outcome.ADMITTED
    house.sync()
    assert house.incidents() == ["unseen_exit"]


def test_one_unseen_exit_stays_one_note() -> None:
    """Out and in twice more, all of it seen: the guest is still accused of nothing."""
    house = House()
    house.cut_off(NORTH)
    house.scan(gate=NORTH)
    house.leave(gate=NORTH, at=NOON + 60)
    house.scan(gate=SOUTH, at=NOON + 120)
    house.sync()
    for minute in (3, 5, 7):
        house.leave(at=NOON + minute * 60)
        back = house.scan(gate=SOUTH, at=NOON + minute * 60 + 60)
        assert back.outcome is Outcome.READMITTED
    assert house.incidents() == ["unseen_exit"]


def test_a_gate_that_saw_the_exit_alone_readmits_without_any_incident() -> None:
    """In at North, out at an exit that had not heard of it, in again there: explained.

    To the gate it is a first entry: it knows of none."""
    house = House()
    house.cut_off(NORTH)
    house.scan(gate=NORTH)
    house.leave(gate=WAY_OUT, at=NOON + 60)
    back = admit(house.scan(gate=SOUTH, at=NOON + 120))
    assert back.outcome is Outcome.ADMITTED
    house.sync()
    assert house.incidents() == []
    assert house.inside() == 1


def test_a_ticket_of_another_event_is_for_another_event() -> None:
    """Refused, and not written into this event's log."""
    house = House()
    decision = deny(house.scan(event=b"theother"))
    assert decision.outcome is Outcome.WRONG_EVENT
    assert decision.drafts == ()


def test_a_gate_that_serves_two_events_picks_the_right_one() -> None:
    """Of the two events' rules exactly one is the ticket's."""
    tonight = festival.rules()
    matinee = compile_rules(b"matinee1", festival.PLAN, NOON - HOUR, NOON + DAY)
    both = {rules.event: rules for rules in (tonight, matinee)}
    for event in both:
        scanned = festival.scan(event=event)
        outcomes = {
            rules.event: decide(
                scanned,
                rules.post(NORTH, exiting=False),
                rules,
                festival.listed(scanned),
                House().history(),
                festival.at(NOON),
            ).outcome
            for rules in both.values()
        }
        assert outcomes.pop(event) is Outcome.ADMITTED
        assert set(outcomes.values()) == {Outcome.WRONG_EVENT}


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (Status.REFUNDED, Outcome.REFUNDED),
        (Status.REVOKED, Outcome.REVOKED),
        (Status.BLOCKED, Outcome.BLOCKED),
    ],
)
def test_a_withdrawn_ticket_has_its_own_code_and_may_leave(
    status: Status, outcome: Outcome
) -> None:
    """Refused at the entry; at an exit gate let out and recorded."""
    house = House()
    house.scan()
    assert house.scan(status=status, gate=SOUTH).outcome is outcome
    assert [d.kind for d in house.leave(status=status, at=NOON + 60).drafts] == [Kind.OUT]
    assert house.inside() == 0


def test_a_transferred_ticket_is_superseded_and_may_leave() -> None:
    """Generation 1 after generation 2 was admitted: refused, and let out as nobody."""
    house = House()
    assert admit(house.scan(gen=2)).outcome is Outcome.ADMITTED
    assert house.scan(gen=1, at=NOON + 60).outcome is Outcome.SUPERSEDED
    out = house.leave(gen=1, at=NOON + 60)
    assert (out.outcome, out.flag, out.drafts) == (Outcome.EXIT, Outcome.SUPERSEDED, ())
    assert house.inside() == 1
    assert house.scan(gen=2, gate=SOUTH, at=NOON + 120).outcome is Outcome.ALREADY_ADMITTED


def test_an_unpaid_ticket_is_collected_where_the_class_allows() -> None:
    """A supervisor takes the money and signs; the record says that it was unpaid."""
    house = House()
    held = house.scan("kim", festival.BOX_OFFICE, status=Status.UNPAID)
    assert held == Hold(Outcome.SUPERVISOR_REQUIRED, Outcome.UNPAID)
    paid = admit(house.scan("kim", festival.BOX_OFFICE, status=Status.UNPAID, ask=SUPERVISED))
    assert paid.outcome is Outcome.ADMITTED
    assert [draft.reason for draft in paid.drafts] == [Outcome.UNPAID.number]


def test_an_unpaid_ticket_is_refused_where_the_class_does_not_allow_it() -> None:
    """A supervisor's signature alone does not help; it takes an override."""
    assert House().scan(status=Status.UNPAID, ask=SUPERVISED).outcome is Outcome.UNPAID


def validity(second: int, *, valid_from: int = 0, valid_until: int = 2**40) -> Outcome:
    one = TicketClass(
        index=0, name="One", zones=(ARENA,), valid_from=valid_from, valid_until=valid_until
    )
    plan = Plan(festival.PLAN.zones, festival.PLAN.gates, (one,))
    rules = compile_rules(EVENT, plan, second - HOUR, second + HOUR)
    scanned = festival.scan(ticket_class=0)
    post = rules.post(NORTH, exiting=False)
    known, now = House().history(), festival.at(second)
    return decide(scanned, post, rules, festival.listed(scanned), known, now).outcome


def test_a_bound_holds_to_the_second() -> None:
    """1 s before valid-until admitted, 1 s past it expired; valid-from likewise."""
    assert validity(NOON - 1, valid_until=NOON) is Outcome.ADMITTED
    assert validity(NOON, valid_until=NOON) is Outcome.EXPIRED
    assert validity(NOON + 1, valid_until=NOON) is Outcome.EXPIRED
    assert validity(NOON - 1, valid_from=NOON) is Outcome.NOT_YET_VALID
    assert validity(NOON, valid_from=NOON) is Outcome.ADMITTED


def test_the_signed_expiry_holds_to_the_second() -> None:
    """The token's own upper bound is a bound like any other."""
    assert House().scan(exp=NOON + 1).outcome is Outcome.ADMITTED
    assert House().scan(exp=NOON).outcome is Outcome.EXPIRED
    assert House().scan(exp=NOON - 1).outcome is Outcome.EXPIRED


def test_a_gate_of_another_zone_says_where_to_go() -> None:
    """The gates that do admit this ticket come with the refusal."""
    house = House()
    wrong_zone = deny(house.scan("anna", ONCE, gate=GARDEN_GATE))
    assert (wrong_zone.outcome, wrong_zone.gates) == (Outcome.WRONG_ZONE, (NORTH, SOUTH))
    wrong_gate = deny(house.scan("anna", SOUTH_ONLY, gate=NORTH))
    assert (wrong_gate.outcome, wrong_gate.gates) == (Outcome.WRONG_GATE, (SOUTH,))


def test_a_ticket_of_n_entries_is_good_for_n() -> None:
    """Four entries, exits not counted; the fifth finds none left."""
    house = House()
    for entry in range(4):
        decision = admit(house.scan("kim", FOUR, at=NOON + entry * 60))
        assert decision.left == 3 - entry
        house.leave("kim", FOUR, at=NOON + entry * 60 + 30)
    assert house.scan("kim", FOUR, at=NOON + HOUR).outcome is Outcome.NO_ENTRIES_LEFT
    assert house.incidents() == []


def test_a_daily_allowance_starts_again_at_midnight() -> None:
    """A second before midnight the day is used up; at midnight there is a new one."""
    house = House()
    midnight = MIDNIGHT + DAY
    assert house.scan("kim", DAILY, at=midnight - 60).outcome is Outcome.ADMITTED
    house.leave("kim", DAILY, at=midnight - 30)
    last_second = house.scan("kim", DAILY, at=midnight - 1)
    assert last_second.outcome is Outcome.REENTRY_NOT_ALLOWED
    assert house.scan("kim", DAILY, at=midnight).outcome is Outcome.ADMITTED
    assert house.incidents() == []


@pytest.mark.parametrize(
    ("night", "hours"), [(date(2027, 3, 28), 23), (date(2027, 10, 31), 25), (date(2027, 6, 1), 24)]
)
def test_the_events_zone_decides_its_days_across_a_change_of_clocks(
    night: date, hours: int
) -> None:
    """In Berlin a day of the spring change has 23 hours, one in autumn 25."""
    (day,) = days(night, night, time(), ZoneInfo("Europe/Berlin"))
    assert day.end - day.start == hours * HOUR
    daily = TicketClass(index=0, name="Daily", zones=(ARENA,), per="day")
    plan = Plan(festival.PLAN.zones, festival.PLAN.gates, (daily,), (day,))
    rules = compile_rules(EVENT, plan, day.end - HOUR, day.end)
    scanned = festival.scan(ticket_class=0, exp=2**32 - 1)
    post = rules.post(NORTH, exiting=False)
    outcomes = [
        decide(
            scanned, post, rules, festival.listed(scanned), House().history(), festival.at(second)
        ).outcome
        for second in (day.start - 1, day.start, day.end - 1, day.end)
    ]
    admitted, outside = Outcome.ADMITTED, Outcome.OUTSIDE_WINDOW
    assert outcomes == [outside, admitted, admitted, outside]


def test_the_third_day_of_an_any_two_days_pass_is_refused() -> None:
    """Days 1 and 3 are taken; on day 3 itself one may come and go."""
    house = House()
    assert house.scan("kim", TWO_DAYS, at=NOON).outcome is Outcome.ADMITTED
    assert house.scan("kim", TWO_DAYS, at=NOON + 2 * DAY).outcome is Outcome.ADMITTED
    house.leave("kim", TWO_DAYS, at=NOON + 2 * DAY + 60)
    assert house.scan("kim", TWO_DAYS, at=NOON + DAY).outcome is Outcome.NO_DAYS_LEFT
    assert house.scan("kim", TWO_DAYS, at=NOON + 2 * DAY + 120).outcome is Outcome.READMITTED
    assert house.incidents() == []


def test_an_override_opens_no_day_of_a_capped_pass() -> None:
    """A supervisor's exception is for one entry: it uses no day up, and gives none."""
    house = House()
    house.scan("kim", TWO_DAYS, at=NOON)
    house.scan("kim", TWO_DAYS, at=NOON + DAY)
    third, reason = NOON + 2 * DAY, Ask(supervisor=True, override="flight cancelled")
    assert house.scan("kim", TWO_DAYS, at=third, ask=reason).outcome is Outcome.ADMITTED
    house.leave("kim", TWO_DAYS, at=third + 60)
    assert house.scan("kim", TWO_DAYS, at=third + 120).outcome is Outcome.NO_DAYS_LEFT
    assert house.incidents() == []


def test_in_out_in_is_readmitted_where_re_entry_is_allowed() -> None:
    """Two soft tones; again without going out first: already admitted."""
    house = House()
    house.scan()
    house.leave(at=NOON + 60)
    assert house.scan(at=NOON + 120).outcome is Outcome.READMITTED
    assert house.scan(at=NOON + 180).outcome is Outcome.ALREADY_ADMITTED
    assert house.incidents() == []


def test_in_out_in_is_refused_where_re_entry_is_not_allowed() -> None:
    """The refusal says when and where the ticket was used."""
    house = House()
    house.scan("kim", ONCE, gate=SOUTH)
    house.leave("kim", ONCE, at=NOON + 60)
    decision = deny(house.scan("kim", ONCE, at=NOON + 120))
    assert decision.outcome is Outcome.REENTRY_NOT_ALLOWED
    assert decision.prior is not None
    assert (decision.prior.gate, decision.prior.ms) == (SOUTH, NOON * 1000)


def test_the_minimum_gap_holds_to_the_minute() -> None:
    """14:59 after the entry is too soon, 15:00 is not."""
    house = House()
    house.scan("kim", SLOW)
    house.leave("kim", SLOW, at=NOON + 60)
    early = deny(house.scan("kim", SLOW, at=NOON + 899))
    assert (early.outcome, early.when) == (Outcome.TOO_SOON, NOON + 900)
    assert house.scan("kim", SLOW, at=NOON + 900).outcome is Outcome.READMITTED


def test_two_exits_in_a_row_are_both_recorded() -> None:
    """Occupancy never falls below zero, and only one person may come back."""
    house = House()
    house.scan()
    for minute in (1, 2):
        assert len(house.leave(at=NOON + minute * 60).drafts) == 1
        assert house.inside() == 0
    assert house.scan(at=NOON + 180).outcome is Outcome.READMITTED
    assert house.scan(at=NOON + 240).outcome is Outcome.ALREADY_ADMITTED
    assert house.incidents() == []


def test_a_group_comes_in_as_it_arrives() -> None:
    """Three of four in one tap, one later; a fifth finds none left."""
    house = House()
    three = admit(house.scan("kims", FAMILY, ask=Ask(people=3)))
    assert (len(three.drafts), three.people, three.left) == (3, 3, 1)
    assert len(set(three.rights)) == 3
    too_many = deny(house.scan("kims", FAMILY, ask=Ask(people=2)))
    assert (too_many.outcome, too_many.left) == (Outcome.NO_ENTRIES_LEFT, 1)
    assert admit(house.scan("kims", FAMILY)).left == 0
    assert house.scan("kims", FAMILY).outcome is Outcome.NO_ENTRIES_LEFT
    assert house.inside() == 4
    assert house.incidents() == []


def test_a_question_at_the_gate_is_answered_first() -> None:
    """Required: nothing is admitted; a bad answer asks again; a good one travels along."""
    house = House()
    asked = house.scan("kim", WAIVER)
    assert isinstance(asked, Hold)
    assert asked.outcome is Outcome.ANSWERS_REQUIRED
    assert asked.questions == (festival.WAIVER_TEXT, festival.LOCKER, festival.NICKNAME)
    assert asked.drafts == ()
    again = house.scan("kim", WAIVER, ask=Ask(answers={1: "maybe", 2: "12", 3: ""}))
    assert isinstance(again, Hold)
    assert again.questions == (festival.WAIVER_TEXT,)
    answered = admit(house.scan("kim", WAIVER, ask=Ask(answers={1: "yes", 2: "12", 3: ""})))
    assert answered.outcome is Outcome.ADMITTED
    assert answered.answers == ((1, "yes"), (2, "12"))


def test_an_override_needs_a_reason_and_a_supervisor() -> None:
    """Either alone changes nothing; both admit, on a record of its own kind."""
    house = House()
    house.scan()
    for ask in (SUPERVISED, Ask(override="lost his phone"), Ask(supervisor=True, override=" ")):
        assert house.scan(ask=ask, at=NOON + 60).outcome is Outcome.ALREADY_ADMITTED
    overridden = admit(house.scan(ask=Ask(supervisor=True, override="twins"), at=NOON + 60))
    assert overridden.note == "twins"
    assert [(d.kind, d.reason) for d in overridden.drafts] == [
        (Kind.OVERRIDE, Outcome.ALREADY_ADMITTED.number)
    ]
    assert house.inside() == 2
    assert house.incidents() == []


def test_an_undo_within_the_window_by_the_same_device_releases_the_right() -> None:
    """The guest may come in again on the same right."""
    house = House()
    admitted = admit(house.scan())
    [visit] = house.history().pools[ARENA, 0].inside
    undone = house.undo(visit, NORTH, NOON + 120)
    assert isinstance(undone, type(admitted.drafts[0]))
    assert undone.kind is Kind.ANNUL
    assert house.inside() == 0
    assert admit(house.scan(at=NOON + 180)).rights == admitted.rights


def test_an_undo_later_or_elsewhere_needs_a_supervisor() -> None:
    """Past two minutes, or by another device."""
    house = House()
    house.scan()
    [visit] = house.history().pools[ARENA, 0].inside
    needed = Hold(Outcome.SUPERVISOR_REQUIRED)
    assert house.undo(visit, NORTH, NOON + 121) == needed
    assert house.undo(visit, SOUTH, NOON + 60) == needed
    house.undo(visit, SOUTH, NOON + 600, supervisor=True)
    assert house.inside() == 0


def test_an_entry_that_was_left_can_not_be_undone() -> None:
    """In, out, undo by a supervisor: one person may come back, not two."""
    house = House()
    house.scan()
    [visit] = house.history().pools[ARENA, 0].inside
    house.leave(at=NOON + 30)
    assert house.undo(visit, NORTH, NOON + 60, supervisor=True) is None
    assert house.scan(at=NOON + 90).outcome is Outcome.READMITTED
    assert house.scan(gate=SOUTH, at=NOON + 120).outcome is Outcome.ALREADY_ADMITTED


def test_practice_decides_the_same_and_stores_nothing() -> None:
    """A decision writes nothing by itself: who does not store its drafts has practised."""
    house = House()
    scanned, rules = festival.scan(), festival.rules()
    post, record = rules.post(NORTH, exiting=False), festival.listed(scanned)
    for _ in range(2):
        known = house.history()
        practised = decide(scanned, post, rules, record, known, festival.at(NOON))
        assert practised.outcome is Outcome.ADMITTED
    assert house.scan().outcome is Outcome.ADMITTED


def test_a_ticket_found_by_name_is_admitted_by_a_supervisor() -> None:
    """No code was shown, so a supervisor signs; a scanning session can't do it alone."""
    house = House()
    rules = festival.rules()
    record = festival.listed(festival.scan(holder_pk=bytes(31) + b"1"))
    found = by_hand(record, EVENT)
    assert found == Verified(
        Token(STATIC, 0, bytes(4), EVENT, bytes(16), 1, SEAT, 2**32 - 1),
        Shown.MANUAL,
        bytes(32),
        record.ticket_hash,
    )
    post = rules.post(NORTH, exiting=False)

    def tried(ask: Ask) -> Decision:
        return decide(found, post, rules, record, house.history(), festival.at(NOON), ask)

    assert tried(Ask()) == Hold(Outcome.SUPERVISOR_REQUIRED)
    assert tried(SUPERVISED).outcome is Outcome.ADMITTED


@pytest.mark.parametrize(
    "text",
    [
        "https://example.org/menu",
        "So11111111111111111111111111111111111111112",
        "<script>alert(1)</script>",
        "\0\x1b[2J",
        "'; DROP TABLE log; --",
        "WIFI:T:WPA;S=guest;;",
        "",
    ],
)
def test_the_wrong_thing_in_front_of_the_camera_is_not_a_ticket(text: str) -> None:
    """Whatever it says, it says nothing to anybody: the outcome has a sentence of its own."""
    assert scanned_text(text) is Outcome.NOT_A_TICKET


# -- signatures --

ISSUER, LEAKED, ROTATED, OTHER, HOLDER, ROOT = (bytes((i,)) * 32 for i in range(1, 7))


def issuer(seed: bytes, event: bytes, start: int, end: int, *, revoked: bool = False) -> Key:
    return Key("issuer", event.hex(), keys.public_key(seed).hex(), start, end, revoked)


TRUSTED = TrustedKeys(keys.public_key(ROOT)).accept(
    seal(
        Document.KEYSET,
        Keyset(
            version=1,
            issued=NOON - DAY,
            expires=NOON + DAY,
            root=keys.public_key(ROOT).hex(),
            successor=None,
            keys=(
                issuer(ISSUER, EVENT, NOON - DAY, NOON + DAY),
                issuer(LEAKED, EVENT, NOON - DAY, NOON + DAY, revoked=True),
                issuer(ROTATED, EVENT, NOON, NOON + DAY),
                issuer(OTHER, b"theother", NOON - DAY, NOON + DAY),
            ),
        ),
        ROOT,
    )
)


def code(seed: bytes = ISSUER, holder_pk: bytes = b"", *, live: bool = False) -> bytes:
    """Return a signed ticket of anna's."""
    kind = BOUND if holder_pk else STATIC
    kid = hashing.kid(keys.public_key(seed))
    ticket = b"anna".ljust(16, b"\0")
    flags = LIVE_REQUIRED if live else 0
    return issue(Token(kind, flags, kid, EVENT, ticket, 1, SEAT, NOON + DAY, holder_pk), seed)


def scanned_text(text: str, at: int = NOON, status: Status | None = Status.ACTIVE) -> Outcome:
    """Return what a gate comes to from the text of a code."""
    now = Instant(at * 1000)
    try:
        scanned = verify(normalise(text), TRUSTED, now, Freshness())
    except UsherError as error:
        return outcome_of(error)
    assert scanned.ticket_hash == hashed("anna")
    rules = festival.rules()
    record = None if status is None else festival.listed(scanned, status)
    return decide(
        scanned, rules.post(NORTH, exiting=False), rules, record, House().history(), now
    ).outcome


def test_what_a_reader_adds_changes_nothing() -> None:
    """An AIM prefix, an ECI escape, a line end: the same outcome."""
    text = encode_text(code())
    for added in (text, "]Q1" + text, "]Q2\\000026" + text, text + "\r\n", text + "\n"):
        assert scanned_text(added) is Outcome.ADMITTED


def test_any_other_change_of_the_text_is_refused() -> None:
    """A space in front, a character cut off, one changed: never admitted."""
    text = encode_text(code())
    changed = text[:60] + ("A" if text[60] != "A" else "B") + text[61:]
    for spoilt in (" " + text, text[:-1], text + text, text.lower(), changed):
        assert scanned_text(spoilt) in {
            Outcome.MALFORMED,
            Outcome.BAD_SIGNATURE,
            Outcome.NOT_A_TICKET,
            Outcome.UNKNOWN_ISSUER,
        }


def test_a_valid_ticket_that_is_not_in_the_manifest_follows_the_policy() -> None:
    """Admitted and flagged while sales went on; held by policy, or after the sales."""
    house = House()
    newer = admit(house.scan(status=None))
    assert (newer.outcome, newer.flag) == (Outcome.ADMITTED, Outcome.NOT_IN_MANIFEST)
    assert [draft.reason for draft in newer.drafts] == [Outcome.NOT_IN_MANIFEST.number]
    holding = House(unknown_ticket="hold")
    assert holding.scan(status=None) == Hold(Outcome.NOT_IN_MANIFEST)
    assert holding.scan(status=None, ask=SUPERVISED).outcome is Outcome.ADMITTED


def test_a_key_of_another_event_is_an_unknown_issuer() -> None:
    """The key is genuine, but not for this event."""
    assert scanned_text(encode_text(code(OTHER))) is Outcome.UNKNOWN_ISSUER


def test_a_withdrawn_key_is_refused_and_a_new_one_accepted_in_its_window() -> None:
    """Rotation: refused a second before its window, accepted from its first second on."""
    assert scanned_text(encode_text(code(LEAKED))) is Outcome.REVOKED_KEY
    rotated = encode_text(code(ROTATED))
    assert scanned_text(rotated, NOON - 1) is Outcome.KEY_OUTSIDE_WINDOW
    assert scanned_text(rotated, NOON) is Outcome.ADMITTED


def test_a_live_code_is_good_in_its_window_and_stale_after() -> None:
    """45 seconds old is admitted, 46 is amber: there is a way out."""
    raw = code(ISSUER, keys.public_key(HOLDER), live=True)
    live = encode_text(present(raw, HOLDER, NOON))
    assert scanned_text(live, NOON + 45) is Outcome.ADMITTED
    assert scanned_text(live, NOON + 46) is Outcome.STALE_CODE
    assert Outcome.STALE_CODE.signal is Signal.ACT


def test_a_static_copy_of_a_live_ticket_asks_for_the_live_code() -> None:
    """The signed flag guards against the screenshot."""
    raw = code(ISSUER, keys.public_key(HOLDER), live=True)
    assert scanned_text(encode_text(raw)) is Outcome.LIVE_CODE_REQUIRED


def test_a_holder_key_of_small_order_is_refused() -> None:
    """Under the identity as key, one constant signature would fit every message."""
    identity = b"\1" + bytes(31)
    raw = code(ISSUER, identity)
    forged = bytes((0x13,)) + raw[1:] + NOON.to_bytes(4, "big") + identity + bytes(32)
    assert scanned_text(encode_text(forged)) is Outcome.BAD_HOLDER_PROOF


# -- devices --


def test_a_rule_error_in_a_class_is_refused_and_reported() -> None:
    """Never a crash, never green; the exit stays open."""
    house = House()
    assert house.scan("kim", festival.BROKEN).outcome is Outcome.RULES_BROKEN
    override = Ask(supervisor=True, override="VIP")
    assert house.scan("kim", festival.BROKEN, ask=override).outcome is Outcome.RULES_BROKEN
    assert house.leave("kim", festival.BROKEN).outcome is Outcome.EXIT
    assert [(f.code, f.id) for f in festival.rules().faults] == [
        ("plan_class_zones", festival.BROKEN)
    ]


def test_two_isolated_gates_admit_one_ticket_twice_and_both_hear_of_it() -> None:
    """One admission counts, the other is one incident, whichever log arrives first."""
    house = House()
    house.cut_off(NORTH, SOUTH)
    assert house.scan(gate=NORTH).outcome is Outcome.ADMITTED
    assert house.scan(gate=SOUTH, at=NOON + 5).outcome is Outcome.ADMITTED
    house.sync()
    assert house.incidents() == ["double_admission"]
    assert house.scan(gate=SOUTH, at=NOON + 60).outcome is Outcome.ALREADY_ADMITTED
