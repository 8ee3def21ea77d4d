"""What a gate must get right at its entries: one named test a line, on the real file."""

import json
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from edge.gate.acts import Act
from edge.gate.verdict import Action
from edge.practice.world import GAP, SEATED, STANDING, World, plan
from shared.calendar import days, seconds
from shared.event import Policy, Question, Window
from shared.log.record import Kind, record_id
from shared.merge.incidents import Incident
from shared.outcomes import Signal
from tests.edge.conftest import MakeSite
from tests.edge.gates import DAY, NOW, STAFFED, SUE, Site, chained, heard, plan_with

MADRID = ZoneInfo("Europe/Madrid")


def test_an_active_unused_ticket_is_admitted_and_written_once(site: Site) -> None:
    """With class, name and seat; one IN in the log."""
    verdict = site.scan("seated")
    assert (verdict.code, verdict.signal, verdict.people) == ("admitted", Signal.ADMIT, 1)
    assert (verdict.ticket_class, verdict.name) == ("Seated", "Seated")
    assert verdict.seat == "Block B, row 12, seat 7"
    assert len(site.records(Kind.IN)) == 1


def test_attention_text_comes_before_green_and_stays_on_it(site: Site) -> None:
    """Staff look, say so, and see it once more."""
    held = site.scan("child")
    assert (held.code, held.actions) == ("attention", (Action.CONFIRM,))
    assert not site.records(Kind.IN)
    admitted = site.gate.desk.resolve("north", held.scan, Act(confirmed=True))
    assert admitted.code == "admitted"
    assert admitted.attention == held.attention != ""


def test_the_same_ticket_again_is_refused_with_where_and_when(site: Site) -> None:
    """And the refusal is in the log."""
    first = site.scan("standing")
    site.time.go(90)
    again = site.scan("standing", "south")
    assert again.code == "already_admitted"
    assert again.prior is not None
    assert (again.prior.gate, again.prior.here) == ("North", True)
    assert again.at - again.prior.at == 90_000
    assert abs(again.prior.at - first.at) < 1000
    assert len(site.records(Kind.DENY)) == 1


def test_an_admission_heard_from_another_gate_by_file_names_it(pair: tuple[Site, Site]) -> None:
    """Two gates without any network: a stick is carried between them."""
    north, south = pair
    assert south.code_of("standing", "south") == "admitted"
    assert heard(south, north) == ["South: 2 new records"]
    verdict = north.scan("standing")
    assert verdict.code == "already_admitted"
    assert verdict.prior is not None
    assert (verdict.prior.gate, verdict.prior.here) == ("South", False)


def test_a_file_heard_twice_changes_nothing(pair: tuple[Site, Site]) -> None:
    """Not even after a restart."""
    north, south = pair
    south.scan("family", "south", people=2)
    heard(south, north)
    before = north.gate.ledger.summary().digest()
    assert heard(south, north) == ["South: 0 new records"]
    assert north.gate.ledger.summary().digest() == before


def test_a_ticket_used_in_one_zone_is_admitted_to_the_next_and_the_move_closes_the_first(
    site: Site,
) -> None:
    """The arena and the garden lie beside each other."""
    assert not site.scan("standing").moved
    moved = site.scan("standing", "garden")
    assert (moved.code, moved.moved) == ("admitted", True)
    assert [r.kind for r in site.records(Kind.IN, Kind.OUT)] == [Kind.IN, Kind.OUT, Kind.IN]
    assert site.gate.board.counts("north").inside == 0
    assert site.gate.board.counts("garden").inside == 1
    assert site.code_of("standing") == "readmitted"


def test_the_club_inside_the_arena_is_a_class_of_its_own(site: Site) -> None:
    """Whoever may enter the arena may not enter the club for that."""
    assert site.code_of("standing", "club") == "wrong_zone"


def test_an_exit_by_a_gate_that_was_not_heard_is_no_accusation(pair: tuple[Site, Site]) -> None:
    """In at one gate, out and in again at the other: when both have heard all, nobody is
    accused; what is left is a note of an exit that nobody saw, at most."""
    north, south = pair
    assert north.code_of("standing") == "admitted"
    assert south.code_of("standing", "out") == "exit"
    assert south.code_of("standing", "south") == "admitted"
    assert north.code_of("standing") == "already_admitted"
    heard(north, south)
    heard(south, north)
    for site in pair:
        kinds = {finding.kind for finding in site.gate.ledger.summary().findings}
        assert kinds <= {Incident.UNSEEN_EXIT}
        assert site.gate.board.counts("north").inside == 1


def test_a_guest_whose_entry_was_not_heard_of_leaves_and_comes_in(site: Site) -> None:
    """An exit without a known entry opens the right all the same."""
    assert site.code_of("standing", "out") == "exit"
    assert site.code_of("standing") == "admitted"
    assert site.gate.board.counts("north").inside == 1


def test_a_ticket_of_another_event_is_refused_and_never_logged(site: Site) -> None:
    """It tells nothing of a class of ours, and this log has no place for it."""
    verdict = site.scan(site.world.of_another_night())
    assert (verdict.code, verdict.ticket_class, verdict.name) == ("wrong_event", "", "")
    assert not site.records(Kind.DENY, Kind.IN)


@pytest.mark.parametrize("prefix", ["]Q1", "]Q2\\000026", "\\000026"])
@pytest.mark.parametrize("ending", ["", "\r", "\n", "\r\n"])
def test_what_a_reader_adds_changes_nothing(site: Site, prefix: str, ending: str) -> None:
    """AIM and ECI prefixes, and one end of line."""
    assert site.code_of(prefix + site.text("standing") + ending) == "admitted"


@pytest.mark.parametrize("added", ["]Q3{}", " {}", "{} ", "{}\n\n", "]Q1]Q1{}", "{}.", "x{}"])
def test_any_other_change_of_the_text_is_refused(site: Site, added: str) -> None:
    """It is no ticket or a damaged one, and nothing is written."""
    code = site.code_of(added.format(site.text("standing")))
    assert code in ("malformed", "not_a_ticket", "bad_signature", "unknown_version")
    assert not site.records(Kind.IN, Kind.DENY)


@pytest.mark.parametrize("label", ["refunded", "revoked", "blocked", "unpaid", "expired"])
def test_withdrawn_tickets_have_codes_of_their_own_and_may_leave(site: Site, label: str) -> None:
    """Nobody is kept inside over them, and their exit is written."""
    assert site.code_of(label) == label
    assert site.code_of(label, "out") == "exit"
    assert len(site.records(Kind.OUT)) == 1


def test_a_resold_ticket_supersedes_the_sellers_code(site: Site) -> None:
    """The old code may leave and closes nobody's entry."""
    assert site.code_of("resold") == "admitted"
    old = site.world.code("resold", gen=0)
    assert site.code_of(old) == "superseded"
    leaving = site.scan(old, "out")
    assert (leaving.code, leaving.flag) == ("exit", "superseded")
    assert site.gate.board.counts("north").inside == 1


def test_a_newer_generation_than_the_lists_is_believed_by_its_code(
    pair: tuple[Site, Site],
) -> None:
    """The code travels with the record: the other gate refuses the older one."""
    north, south = pair
    assert south.code_of(south.world.code("seated", gen=3), "south") == "admitted"
    heard(south, north)
    assert north.code_of("seated") == "superseded"


def test_unpaid_with_collect_needs_a_supervisor_and_is_flagged(site: Site) -> None:
    """The supervisor takes the money and signs."""
    held = site.scan("box office")
    assert (held.code, held.why, held.actions) == ("supervisor_required", "unpaid", ("approve",))
    paid = site.gate.desk.resolve("north", held.scan, Act(approve=True), site.badge(SUE))
    assert (paid.code, paid.flag) == ("admitted", "unpaid")


@pytest.mark.parametrize(("at", "code"), [(-1, "not_yet_valid"), (0, "admitted")])
def test_valid_from_holds_to_the_second(make: MakeSite, at: int, code: str) -> None:
    """One second before it is not yet valid, and the verdict says from when."""
    start = NOW + 600
    site = make(World.make(NOW, tickets=0, plan_of=plan_with(SEATED, valid_from=start)))
    site.time.go(600 + at)
    verdict = site.scan("seated")
    assert verdict.code == code
    assert verdict.when == (start if at else None)


@pytest.mark.parametrize(("at", "code"), [(-1, "admitted"), (0, "expired"), (1, "expired")])
def test_valid_until_holds_to_the_second(make: MakeSite, at: int, code: str) -> None:
    """One second before it is admitted."""
    site = make(World.make(NOW, tickets=0, plan_of=plan_with(SEATED, valid_until=NOW + 600)))
    site.time.go(600 + at)
    assert site.code_of("seated") == code


def test_windows_open_and_close(make: MakeSite) -> None:
    """Before, in, between, in, after; half-open."""
    windows = (Window(NOW + 10, NOW + 20), Window(NOW + 30, NOW + 40))
    changed = plan_with(STANDING, windows=windows)
    site = make(World.make(NOW, tickets=0, plan_of=changed))
    early = site.scan("standing")
    assert (early.code, early.when) == ("outside_window", NOW + 10)
    site.time.go(10)
    assert site.code_of("standing") == "admitted"
    site.time.go(10)
    assert site.code_of("standing 2") == "outside_window"
    site.time.go(19)
    assert site.code_of("standing 2") == "admitted"
    site.time.go(1)
    last = site.scan("standing 3")
    assert (last.code, last.when) == ("outside_window", None)


def test_a_class_of_another_gate_says_where_to_go(site: Site) -> None:
    """The south stand at the north gate."""
    verdict = site.scan("south only")
    assert (verdict.code, verdict.gates) == ("wrong_gate", ("South",))
    assert site.code_of("south only", "south") == "admitted"


def test_a_class_of_another_zone_says_where_to_go(site: Site) -> None:
    """A seat in the arena at the garden's gate."""
    verdict = site.scan("seated", "garden")
    assert (verdict.code, verdict.gates) == ("wrong_zone", ("North", "South"))


def test_n_entries_are_admitted_and_not_one_more_and_exits_do_not_count(make: MakeSite) -> None:
    """A class of two visits without re-entry."""
    site = make(World.make(NOW, tickets=0, plan_of=plan_with(GAP, min_gap=0)))
    seen = []
    for _ in range(3):
        seen += [site.code_of("two visits"), site.code_of("two visits", "out")]
    assert seen == ["admitted", "exit", "admitted", "exit", "no_entries_left", "exit"]


def test_the_minimum_gap_holds_to_the_second(site: Site) -> None:
    """Ten minutes between two visits; the refusal says from when."""
    site.scan("two visits")
    site.scan("two visits", "out")
    site.time.go(599)
    early = site.scan("two visits")
    assert early.code == "too_soon"
    site.time.go(1)
    assert early.when is not None
    assert early.when - site.time.now in (0, 1)
    assert site.code_of("two visits") == "admitted"


def _at_midnight(make: MakeSite, day: date) -> tuple[Site, int]:
    """Return a gate at noon of a day in Madrid, and the midnight after it."""
    noon = seconds(_moment(day, time(12)), MADRID)
    made = days(day, day + timedelta(days=2), time(), MADRID)
    changed = replace(plan(noon), days=made)
    site = make(World.make(noon, tickets=0, plan_of=changed))
    return site, made[0].end


def _moment(day: date, at: time) -> datetime:
    return datetime.combine(day, at)


@pytest.mark.parametrize(
    "day", [date(2027, 6, 4), date(2027, 3, 27), date(2027, 3, 28), date(2027, 10, 30)]
)
def test_the_daily_allowance_starts_again_at_the_events_midnight(make: MakeSite, day: date) -> None:
    """Also on and around the days on which clocks change, in Madrid, wherever the gate is."""
    site, midnight = _at_midnight(make, day)
    assert site.code_of("daily") == "admitted"
    site.time.go(midnight - site.time.now - 1)
    assert site.code_of("daily") == "already_admitted"
    site.time.go(1)
    assert site.code_of("daily") == "admitted"
    assert {record.day for record in site.records(Kind.IN)} == {1, 2}


def test_any_two_days_are_two_days(make: MakeSite) -> None:
    """The third is refused; the two that were used are good to their end."""
    patient = plan(NOW, policy=Policy(restrict_age=9 * DAY))
    site = make(World.make(NOW, tickets=0, plan_of=patient))
    seen = []
    for _ in range(3):
        seen += [site.code_of("two days"), site.code_of("two days", "out")]
        seen += [site.code_of("two days"), site.code_of("two days", "out")]
        site.time.go(DAY - 4 * 3600)
    assert seen[:8] == ["admitted", "exit", "readmitted", "exit"] * 2
    assert seen[8:] == ["no_days_left", "exit"] * 2


def test_re_entry_allowed_in_out_in(site: Site) -> None:
    """And in again without going out is refused."""
    seen = [site.code_of("standing", lane) for lane in ("north", "out", "north", "north")]
    assert seen == ["admitted", "exit", "readmitted", "already_admitted"]


def test_re_entry_not_allowed_in_out_in(site: Site) -> None:
    """The seat's ticket is used up."""
    seen = [site.code_of("seated", lane) for lane in ("north", "out", "north")]
    assert seen == ["admitted", "exit", "reentry_not_allowed"]


def test_two_exits_in_a_row_are_both_recorded_and_nobody_is_below_zero(site: Site) -> None:
    """The second repeats the first."""
    site.scan("standing")
    assert [site.code_of("standing", "out") for _ in range(3)] == ["exit"] * 3
    assert len(site.records(Kind.OUT)) == 3
    counts = site.gate.board.counts("north")
    assert (counts.inside, counts.entered) == (0, 1)


def test_a_group_enters_in_parts(site: Site) -> None:
    """One at once, then two, then nobody more than are left."""
    first = site.scan("family")
    assert (first.code, first.people, first.left) == ("admitted", 1, 3)
    assert Action.PEOPLE in first.actions
    more = site.gate.desk.resolve("north", first.scan, Act(people=2))
    assert (more.code, more.people, more.left) == ("admitted", 2, 1)
    much = site.gate.desk.resolve("north", more.scan, Act(people=2))
    assert (much.code, much.left) == ("no_entries_left", 1)
    last = site.gate.desk.resolve("north", much.scan, Act(people=1))
    assert (last.code, last.people, last.left) == ("admitted", 1, 0)
    assert len(site.records(Kind.IN)) == 4
    assert site.gate.board.counts("north").inside == 4


@pytest.mark.parametrize("people", [-3, 0, 1])
def test_a_group_of_nobody_is_one(site: Site, people: int) -> None:
    """Whatever a third party's lane asks for."""
    assert site.scan("family", people=people).people == 1


def test_more_people_than_a_group_has_are_nobody(site: Site) -> None:
    """No partial admission."""
    verdict = site.scan("family", people=5)
    assert (verdict.code, verdict.left) == ("no_entries_left", 4)
    assert not site.records(Kind.IN)


def test_a_group_leaves_together_and_comes_back(site: Site) -> None:
    """An exit of three opens three rights."""
    site.scan("family", people=4)
    assert site.scan("family", "out", people=3).people == 3
    assert site.gate.board.counts("north").inside == 1
    assert site.scan("family", people=3).code == "readmitted"


def test_questions_are_asked_before_green_and_the_answers_travel(site: Site) -> None:
    """Required: nothing is admitted. Then an ATTACH names the entry and the blob."""
    held = site.scan("waiver")
    assert (held.code, held.actions) == ("answers_required", (Action.ANSWER,))
    assert [(q.id, q.required, q.choices) for q in held.questions] == [
        (1, True, ("yes",)),
        (2, False, ()),
    ]
    assert not site.records(Kind.IN)
    bad = site.gate.desk.resolve("north", held.scan, Act(answers={1: "no", 2: "17"}))
    assert bad.code == "answers_required"
    assert [question.id for question in bad.questions] == [1]
    good = site.gate.desk.resolve("north", bad.scan, Act(answers={1: "yes"}))
    assert good.code == "admitted"
    (entry,), (attached,) = site.records(Kind.IN), site.records(Kind.ATTACH)
    raws = {record.seq: raw for record, raw in zip(site.records(), site.raws(), strict=True)}
    assert attached.ref == record_id(raws[entry.seq])
    blob = site.gate.stores.log.blobs((attached.evidence,))[attached.evidence]
    assert json.loads(blob) == {"1": "yes", "2": "17"}


def test_answers_reach_the_other_gate_with_the_file(pair: tuple[Site, Site]) -> None:
    """As a blob that the record names."""
    north, south = pair
    held = south.scan("waiver", "south")
    south.gate.desk.resolve("south", held.scan, Act(answers={1: "yes", 2: "Spind 9 ü"}))
    heard(south, north)
    assert any("Spind 9 ü".encode() in blob for blob in north.gate.stores.log.all_blobs())


@pytest.mark.parametrize("answer", ["", " ", "\x00", "x" * 201, "a\nb", "\u202e"])
def test_a_bad_answer_asks_again(make: MakeSite, answer: str) -> None:
    """Blank, too long or not printable."""
    asked = (Question(1, "Locker number"),)
    site = make(World.make(NOW, tickets=0, plan_of=plan_with(SEATED, questions=asked)))
    held = site.scan("seated")
    again = site.gate.desk.resolve("north", held.scan, Act(answers={1: answer}))
    assert again.code == "answers_required"
    assert not site.records(Kind.IN, Kind.ATTACH)


def test_an_exit_asks_nothing(site: Site) -> None:
    """Neither questions nor a look."""
    assert site.code_of("waiver", "out") == "exit"
    assert site.code_of("child", "out") == "exit"


def test_leaving_the_arena_is_leaving_the_club_inside_it(make: MakeSite) -> None:
    """One scan at the outer exit closes both."""
    site = make(World.make(NOW, tickets=0, plan_of=plan_with(STANDING, zones=(1, 2))))
    site.scan("standing")
    site.scan("standing", "club")
    assert site.gate.board.counts("club").inside == 1
    assert site.gate.board.counts("north").inside == 1
    site.scan("standing", "out")
    assert site.gate.board.counts("club").inside == 0
    assert site.gate.board.counts("north").inside == 0


def test_a_search_by_name_seat_and_order_finds_the_ticket(site: Site) -> None:
    """Whoever types without accents or case finds it too."""
    site.sign_in()
    by_seat = site.gate.desk.find(STAFFED, "row 12 seat 7").found
    assert [found.name for found in by_seat] == ["Seated"]
    assert site.gate.desk.find(STAFFED, by_seat[0].order).found[0].name == "Seated"
    assert by_seat == site.gate.desk.find(STAFFED, "SEÁTED").found
    assert by_seat[0].state == "active"


def test_a_ticket_found_by_hand_is_admitted_once_and_its_code_refused_later(site: Site) -> None:
    """It uses up the ticket's right, signed by the supervisor."""
    site.sign_in()
    (found,) = site.gate.desk.find(STAFFED, "row 12 seat 7").found
    verdict = site.gate.desk.by_hand(STAFFED, found.ticket, Act())
    assert (verdict.code, verdict.source, verdict.seat) == (
        "admitted",
        "hand",
        "Block B, row 12, seat 7",
    )
    assert site.code_of("seated") == "already_admitted"
    assert site.gate.desk.find(STAFFED, "row 12 seat 7").found[0].inside == 1


def test_every_line_above_leaves_a_whole_chain(site: Site) -> None:
    """A mixed evening, restarted twice: all of it is this device's, without a gap."""
    for label in ("standing", "seated", "revoked", "family", "daily", "standing"):
        for lane in ("north", "out", "garden"):
            site.scan(label, lane)
        site.reopen()
    assert chained(site) > 18


def test_the_days_of_the_plan_and_no_others_count(make: MakeSite) -> None:
    """A pass by the day on no day of the event."""
    usual = plan(NOW)
    later = tuple(
        replace(each, start=each.start + 9 * DAY, end=each.end + 9 * DAY) for each in usual.days
    )
    site = make(World.make(NOW, tickets=0, plan_of=replace(usual, days=later)))
    verdict = site.scan("daily")
    assert (verdict.code, verdict.when) == ("outside_window", later[0].start)
