"""What staff do about a scan: take back, override, go on, look up."""

import threading
from contextlib import suppress
from typing import Any

import pytest
from msgspec.structs import replace

from edge.errors import Refused
from edge.gate.acts import Act
from edge.gate.desk import Desk
from edge.gate.verdict import Action
from edge.practice.world import EVENT, SEATED, World, plan
from shared.bundle import Part, Section
from shared.event import Policy, Question
from shared.log.record import Kind
from shared.outcomes import Signal
from tests.edge.conftest import MakeSite
from tests.edge.gates import NOW, SAM, STAFFED, SUE, Site, chained, heard, plan_with
from tests.edge.test_staff import refused


def override(site: Site, label: str, reason: str = "guest_known") -> str:
    """Return the code of a refused ticket that a supervisor admits at the north gate."""
    denied = site.scan(label)
    act = Act(override=reason)
    return site.gate.desk.resolve("north", denied.scan, act, site.badge(SUE)).code


# -- taking back --


def test_the_same_device_takes_back_within_two_minutes(site: Site) -> None:
    """The ticket is free again, and says so."""
    admitted = site.scan("seated")
    assert Action.UNDO in admitted.actions
    site.time.go(120)
    undone = site.gate.desk.undo("north", admitted.scan)
    assert (undone.code, undone.signal, undone.people) == ("undone", Signal.ADMIT, 1)
    assert site.gate.board.counts("north").inside == 0
    assert site.code_of("seated") == "admitted"


def test_later_it_needs_a_supervisor(site: Site) -> None:
    """By the badge that is shown for it."""
    admitted = site.scan("seated")
    site.time.go(121)
    desk = site.gate.desk
    assert refused(desk.undo, "north", admitted.scan) == "undo_needs_supervisor"
    assert refused(desk.undo, "north", admitted.scan, site.badge(SAM)) == "supervisor_only"
    assert desk.undo("north", admitted.scan, site.badge(SUE)).code == "undone"
    (annul,) = site.records(Kind.ANNUL)
    assert annul.evidence in site.gate.stores.log.blobs((annul.evidence,))


def test_a_supervisor_on_duty_takes_back_later_without_another_badge(site: Site) -> None:
    """The badge on duty signs."""
    site.sign_in(SUE)
    admitted = site.scan("seated", STAFFED)
    site.time.go(500)
    assert site.gate.desk.undo(STAFFED, admitted.scan).code == "undone"
    assert site.records(Kind.ANNUL)[0].evidence != bytes(32)


def test_another_gates_admission_is_not_there_to_be_taken_back(pair: tuple[Site, Site]) -> None:
    """The verdict that names it is the other device's."""
    north, south = pair
    admitted = south.scan("seated", "south")
    heard(south, north)
    assert refused(north.gate.desk.undo, "north", admitted.scan) == "scan_unknown"
    denied = north.scan("seated")
    assert refused(north.gate.desk.undo, "north", denied.scan) == "nothing_to_undo"


def test_an_undo_reaches_the_other_gate(pair: tuple[Site, Site]) -> None:
    """It needs no proof: the entry was the device's own."""
    north, south = pair
    admitted = south.scan("seated", "south")
    heard(south, north)
    south.gate.desk.undo("south", admitted.scan)
    heard(south, north)
    assert north.code_of("seated") == "admitted"


def test_twice_is_once(site: Site) -> None:
    """The second tap finds nothing."""
    admitted = site.scan("seated")
    site.gate.desk.undo("north", admitted.scan)
    assert refused(site.gate.desk.undo, "north", admitted.scan) == "scan_unknown"
    assert len(site.records(Kind.ANNUL)) == 1


def test_who_has_left_is_not_taken_back(site: Site) -> None:
    """It would free a right that is free already, whoever signs."""
    admitted = site.scan("standing")
    site.scan("standing", "out")
    for badge in ("", site.badge(SUE)):
        undo = site.gate.desk.undo
        assert refused(undo, "north", admitted.scan, badge) == "nothing_to_undo"


def test_all_of_a_group_that_one_scan_let_in_are_taken_back(site: Site) -> None:
    """And no others of it."""
    site.scan("family")
    three = site.scan("family", people=3)
    assert site.gate.desk.undo("north", three.scan).people == 3
    assert site.gate.board.counts("north").inside == 1


def test_a_locked_gate_takes_nothing_back(site: Site) -> None:
    """What it would write would not count."""
    admitted = site.scan("seated")
    command = site.world.organizer.command(site.me.device, 1, "lock")
    site.feed(Section(Part.COMMAND, command))
    assert refused(site.gate.desk.undo, "north", admitted.scan) == "gate_locked"


def test_an_undo_and_an_exit_at_once_are_one_after_the_other(site: Site) -> None:
    """Whichever is first, the right is freed once."""
    for turn in range(10):
        admitted = site.scan("standing", source="hand")
        assert admitted.signal is Signal.ADMIT, turn
        undo = threading.Thread(target=_tried, args=(site, admitted.scan))
        leave = threading.Thread(target=site.scan, args=("standing", "out"))
        undo.start()
        leave.start()
        undo.join()
        leave.join()
        assert site.gate.board.counts("north").inside == 0
    chained(site)


def _tried(site: Site, scan: str) -> None:
    try:
        site.gate.desk.undo("north", scan)
    except Refused:
        return


# -- overriding --


@pytest.mark.parametrize("label", ["revoked", "refunded", "blocked", "expired", "south only"])
def test_a_supervisor_admits_against_a_refusal_and_it_is_recorded(site: Site, label: str) -> None:
    """With the refusal's number and the reason's, signed by the badge."""
    denied = site.scan(label)
    assert Action.OVERRIDE in denied.actions
    assert override(site, label) == "admitted"
    (record,) = site.records(Kind.OVERRIDE)
    assert record.reason >> 16 == 1
    assert record.reason & 0xFFFF > 63
    (blob,) = site.gate.stores.log.blobs((record.evidence,)).values()
    assert len(blob) == 129
    assert site.gate.ledger.overrides(EVENT) == 1


def test_the_verdict_and_the_counts_say_that_it_was_one(site: Site) -> None:
    """Reports see what was overridden."""
    denied = site.scan("revoked")
    act = Act(override="other: promised by the band ✓")
    verdict = site.gate.desk.resolve("north", denied.scan, act, site.badge(SUE))
    assert (verdict.code, verdict.flag) == ("admitted", "revoked")
    assert any("promised by the band ✓".encode() in b for b in site.gate.stores.log.all_blobs())
    assert site.gate.board.counts("north").entered == 1


@pytest.mark.parametrize(
    "reason", ["because", "", " ", "other", "other: ", "guest_known: x", "other: a\nb", "x" * 200]
)
def test_a_reason_is_one_of_the_list(site: Site, reason: str) -> None:
    """Or `other` with words that can be printed; without one nothing is overridden."""
    denied = site.scan("revoked")
    resolve = site.gate.desk.resolve
    act = Act(override=reason)
    if reason == "":
        assert resolve("north", denied.scan, act, site.badge(SUE)).code == "revoked"
    else:
        assert refused(resolve, "north", denied.scan, act, site.badge(SUE)) == "override_reason"
    assert not site.records(Kind.OVERRIDE)


def test_an_override_needs_a_supervisors_badge(site: Site) -> None:
    """Not a scanner's, and not none."""
    denied, act = site.scan("revoked"), Act(override="emergency")
    resolve = site.gate.desk.resolve
    assert refused(resolve, "north", denied.scan, act) == "supervisor_only"
    assert refused(resolve, "north", denied.scan, act, site.badge(SAM)) == "supervisor_only"
    assert refused(resolve, "north", denied.scan, act, "UB1:x.") == "badge_malformed"


def test_the_quota_of_a_device_holds(make: MakeSite) -> None:
    """Over restarts, too."""
    few = plan(NOW, policy=Policy(overrides=2))
    site = make(World.make(NOW, tickets=0, plan_of=few))
    assert [override(site, label) for label in ("revoked", "refunded")] == ["admitted"] * 2
    site.reopen()
    denied = site.scan("blocked")
    resolve, act = site.gate.desk.resolve, Act(override="emergency")
    assert refused(resolve, "north", denied.scan, act, site.badge(SUE)) == "override_quota"
    assert len(site.records(Kind.OVERRIDE)) == 2


def test_a_group_counts_by_its_people(make: MakeSite) -> None:
    """Four people are four overrides, and three are left of none."""
    few = plan(NOW, policy=Policy(overrides=3))
    site = make(World.make(NOW, tickets=0, plan_of=few))
    site.scan("family", people=4)
    denied = site.scan("family")
    act = Act(override="emergency", people=4)
    resolve = site.gate.desk.resolve
    assert refused(resolve, "north", denied.scan, act, site.badge(SUE)) == "override_quota"


def test_overrides_that_wait_for_answers_count_too(make: MakeSite) -> None:
    """Two are begun, one is left of the quota: the second is refused when it is answered."""
    asked = plan_with(SEATED, questions=(Question(1, "Why?"),))
    strict = replace(asked, policy=Policy(overrides=1))
    site = make(World.make(NOW, tickets=0, plan_of=strict))
    desk, held = site.gate.desk, []
    for label in ("revoked", "refunded"):
        denied = site.scan(label)
        held.append(desk.resolve("north", denied.scan, Act(override="emergency"), site.badge(SUE)))
    assert [each.code for each in held] == ["answers_required"] * 2
    answers = Act(answers={1: "so"})
    assert desk.resolve("north", held[0].scan, answers).code == "admitted"
    assert refused(desk.resolve, "north", held[1].scan, answers) == "override_quota"


def test_overrides_at_all_lanes_at_once_stay_within_the_quota(
    make: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six threads, one left; whoever was let through waits for others to be let through too."""
    meeting, check = threading.Barrier(2), Desk._check_override

    def early(self: Desk, *all_: Any) -> None:
        check(self, *all_)
        with suppress(threading.BrokenBarrierError):
            meeting.wait(0.3)

    monkeypatch.setattr(Desk, "_check_override", early)
    few = plan(NOW, policy=Policy(overrides=1))
    site = make(World.make(NOW, tickets=0, plan_of=few))
    site.scan("standing")
    lanes = ("north", "south") * 3
    denied = [(lane, site.scan(label, lane)) for lane, label in zip(lanes, LABELS, strict=True)]
    threads = [
        threading.Thread(target=_overridden, args=(site, lane, verdict.scan))
        for lane, verdict in denied
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(site.records(Kind.OVERRIDE)) == 1


LABELS = ("revoked", "refunded", "blocked", "expired", "unpaid", "standing")


def _overridden(site: Site, lane: str, scan: str) -> None:
    try:
        site.gate.desk.resolve(lane, scan, Act(override="emergency"), site.badge(SUE))
    except Refused:
        return


def test_what_is_not_to_be_overridden_is_not(site: Site) -> None:
    """Trouble stays trouble, another event's ticket stays refused."""
    assert override(site, "no class") == "rules_broken"
    denied = site.scan(site.world.of_another_night())
    act = Act(override="emergency")
    resolve = site.gate.desk.resolve
    assert refused(resolve, "north", denied.scan, act, site.badge(SUE)) == "override_quota"
    assert not site.records(Kind.OVERRIDE)


# -- going on with a scan --


def test_a_scan_that_is_long_over_is_not_gone_on_with(site: Site) -> None:
    """A lane remembers its last twenty."""
    first = site.scan("child")
    for index in range(20):
        site.scan(f"#{index}")
    resolve = site.gate.desk.resolve
    assert refused(resolve, "north", first.scan, Act(confirmed=True)) == "scan_unknown"


def test_a_scan_of_another_lane_is_not_gone_on_with(site: Site) -> None:
    """Its name alone opens nothing."""
    held = site.scan("child")
    resolve = site.gate.desk.resolve
    assert refused(resolve, "south", held.scan, Act(confirmed=True)) == "scan_unknown"
    assert refused(resolve, "nowhere", held.scan, Act(confirmed=True)) == "lane_unknown"


def test_a_badge_that_was_shown_once_signs_one_admission(site: Site) -> None:
    """Whoever taps on afterwards acts without it."""
    held = site.scan("box office")
    paid = site.gate.desk.resolve("north", held.scan, Act(approve=True), site.badge(SUE))
    again = site.gate.desk.resolve("north", paid.scan, Act())
    assert again.code == "already_admitted"
    act = Act(override="emergency")
    assert refused(site.gate.desk.resolve, "north", again.scan, act) == "supervisor_only"


def test_a_tap_on_a_group_after_an_override_is_no_override(site: Site) -> None:
    """Each needs its own."""
    site.scan("family", people=4)
    denied = site.scan("family")
    admitted = site.gate.desk.resolve(
        "north", denied.scan, Act(override="guest_known"), site.badge(SUE)
    )
    assert admitted.code == "admitted"
    assert site.gate.desk.resolve("north", admitted.scan, Act()).code == "no_entries_left"


def test_the_same_act_twice_admits_once(site: Site) -> None:
    """An answer that got lost, or a button hit twice: the verdict stands, nobody else passes."""
    site.scan("seated")
    denied = site.scan("seated")
    act = Act(override="guest_known")
    first = site.gate.desk.resolve("north", denied.scan, act, site.badge(SUE))
    again = site.gate.desk.resolve("north", denied.scan, act, site.badge(SUE))
    assert (first.code, first.people) == ("admitted", 1)
    assert (again.scan, again.repeat, again.people) == (first.scan, True, 0)
    assert [raw[1] for raw in site.raws()].count(Kind.OVERRIDE) == 1
    other = Act(override="emergency")
    assert refused(site.gate.desk.resolve, "north", denied.scan, other, site.badge(SUE)) == (
        "scan_unknown"
    )


def test_a_badge_that_was_shown_for_a_refusal_is_used_up(site: Site) -> None:
    """Whoever acts on the scan afterwards shows one again."""
    site.scan("family", people=4)
    denied = site.scan("family")
    act = Act(override="guest_known", people=9)
    still = site.gate.desk.resolve("north", denied.scan, act, site.badge(SUE))
    assert still.code == "no_entries_left"
    assert site.gate.desk.resolve("north", still.scan, Act()).code == "no_entries_left"


# -- looking up --


def test_a_search_is_for_a_supervisor_on_duty_with_a_badge(site: Site) -> None:
    """Nobody else can list people."""
    find = site.gate.desk.find
    assert refused(find, STAFFED, "seated") == "supervisor_only"
    assert refused(find, "north", "seated") == "supervisor_only"
    site.sign_in(SAM)
    assert refused(find, STAFFED, "seated") == "supervisor_only"
    site.sign_in(SUE)
    assert find(STAFFED, "seated").found
    site.gate.staff.sign_out(STAFFED)
    assert refused(find, STAFFED, "seated") == "supervisor_only"


def test_a_search_needs_two_letters_and_ends_at_thirty(site: Site) -> None:
    """It is for finding somebody, not for listing everybody."""
    site.sign_in(SUE)
    find = site.gate.desk.find
    assert find(STAFFED, "").found == find(STAFFED, " a ").found == []
    assert len(find(STAFFED, "block").found) <= 30
    assert find(STAFFED, "nobody of that name").found == []


@pytest.mark.parametrize("words", ["%", "' OR 1=1 --", "\x00\x00", "\ud800\ud800", "a" * 10_000])
def test_a_hostile_search_finds_nobody(site: Site, words: str) -> None:
    """And breaks nothing."""
    site.sign_in(SUE)
    assert site.gate.desk.find(STAFFED, words).found == []


def test_a_gate_without_a_search_list_says_so(make: MakeSite) -> None:
    """It was loaded without names."""
    site = make(World.make(NOW, tickets=0), names=False)
    site.sign_in(SUE)
    assert refused(site.gate.desk.find, STAFFED, "seated") == "no_search_list"


@pytest.mark.parametrize("ticket", ["", "zz", "00" * 16, "00" * 15, "名", "\ud800"])
def test_a_ticket_picked_by_a_wrong_name_is_unknown(site: Site, ticket: str) -> None:
    """No exception, no admission."""
    site.sign_in(SUE)
    assert refused(site.gate.desk.by_hand, STAFFED, ticket, Act()) == "ticket_unknown"


def test_a_ticket_picked_by_hand_is_judged_as_any_other(site: Site) -> None:
    """A revoked one is refused, at the exit it is let out, an override is possible."""
    site.sign_in(SUE)
    desk = site.gate.desk
    (found,) = [each for each in desk.find(STAFFED, "revoked").found if each.state == "revoked"]
    assert desk.by_hand(STAFFED, found.ticket, Act()).code == "revoked"
    admitted = desk.by_hand(STAFFED, found.ticket, Act(override="staff_error"))
    assert (admitted.code, admitted.flag) == ("admitted", "revoked")
    assert refused(desk.by_hand, STAFFED, found.ticket, Act(override="x")) == "override_reason"
    site.gate.lanes.choose(STAFFED, EVENT.hex(), 1, exiting=True)
    assert desk.by_hand(STAFFED, found.ticket, Act()).code == "exit"
    assert site.gate.board.counts("north").inside == 0
    chained(site)


def test_an_entry_by_hand_is_believed_elsewhere(pair: tuple[Site, Site]) -> None:
    """By the supervisor's signature."""
    north, south = pair
    south.sign_in(SUE)
    (found,) = south.gate.desk.find(STAFFED, "row 12 seat 7").found
    south.gate.desk.by_hand(STAFFED, found.ticket, Act())
    heard(south, north)
    assert north.code_of("seated") == "already_admitted"
