"""Who may do what: badges, PINs, sessions that end (spec/devices.md §5)."""

import gc

import pytest

from edge.errors import Refused
from edge.gate.acts import Act
from edge.practice.world import EVENT, PIN, SOUTH, World, plan
from shared import hashing, keys
from shared.base45 import encode as base45
from shared.bundle import Part, Section
from shared.event import Policy
from shared.log.record import Kind, record_id
from tests.edge.conftest import MakeSite
from tests.edge.gates import NOW, RITA, SAM, STAFFED, SUE, TOM, Site


def refused(call: object, *arguments: object, **more: object) -> str:
    """Return the code with which an act is refused."""
    with pytest.raises(Refused) as caught:
        call(*arguments, **more)  # type: ignore[operator]
    return caught.value.code


def test_nobody_scans_at_a_lane_where_nobody_signed_in(site: Site) -> None:
    """But where the venue set it up to be unattended."""
    verdict = site.scan("standing", STAFFED)
    assert (verdict.code, verdict.reason) == ("gate_locked", "not_signed_in")
    site.sign_in(SAM)
    assert site.code_of("standing", STAFFED) == "admitted"


def test_a_badge_opens_what_its_role_allows(site: Site) -> None:
    """Three people, three roles."""
    for person, role in ((SAM, "scan"), (SUE, "supervisor"), (TOM, "technician")):
        site.sign_in(person)
        session = site.gate.staff.session(STAFFED)
        assert session is not None
        assert (session.name, session.role, session.by) == (person, role, "badge")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "badge_malformed"),
        ("UB1:", "badge_malformed"),
        ("UB1:AAAA.", "badge_malformed"),
        ("名", "badge_malformed"),
        ("\ud800", "badge_malformed"),
        ("x" * 100_000, "badge_malformed"),
        (f"UB1:{base45(bytes(32))}.", "badge_unknown"),
    ],
)
def test_what_is_no_badge_opens_nothing(site: Site, text: str, code: str) -> None:
    """Each fault with its code, and nobody is on duty."""
    assert refused(site.gate.staff.sign_in_badge, STAFFED, text) == code
    assert site.gate.staff.session(STAFFED) is None


def test_a_withdrawn_badge_opens_nothing(make: MakeSite) -> None:
    """From the second on that the roster names."""
    world = World.make(NOW, tickets=0)
    world.organizer.revoked_badges[RITA] = NOW + 60
    site = make(world)
    site.sign_in(RITA)
    site.gate.staff.sign_out(STAFFED)
    site.time.go(60)
    assert refused(site.sign_in, RITA) == "badge_revoked"


def test_a_badge_withdrawn_while_on_duty_signs_nothing_more(make: MakeSite) -> None:
    """The file with the new roster locks the lane; it needs no restart."""
    world = World.make(NOW, tickets=0)
    site = make(world)
    site.sign_in(SUE)
    site.sign_in(SAM, "north")
    world.organizer.revoked_badges[SUE] = NOW - 1
    site.feed(Section(Part.ROSTER, world.organizer.roster(2)))
    assert site.gate.staff.session(STAFFED) is None
    assert site.gate.staff.session("north") is not None
    assert refused(site.sign_in, SUE) == "badge_revoked"


def test_a_badge_whose_time_is_over_signs_nothing_more(make: MakeSite) -> None:
    """Though its owner is still on duty."""
    world = World.make(NOW, tickets=0)
    world.organizer.revoked_badges[RITA] = NOW + 60
    site = make(world)
    site.sign_in(RITA)
    held = site.scan("box office", STAFFED)
    site.time.go(60)
    desk = site.gate.desk
    assert refused(desk.resolve, STAFFED, held.scan, Act(approve=True)) == "badge_revoked"
    assert refused(desk.find, STAFFED, "seated") == "badge_revoked"
    site.gate.staff.lock_revoked()
    assert site.gate.staff.session(STAFFED) is None


def test_a_pin_opens_scanning_and_never_supervision(site: Site) -> None:
    """Whatever a supervisor would have to sign asks for a badge."""
    session = site.gate.staff.sign_in_pin(STAFFED, PIN)
    assert (session.role, session.by) == ("scan", "pin")
    assert site.code_of("standing", STAFFED) == "admitted"
    denied, held = site.scan("revoked", STAFFED), site.scan("box office", STAFFED)
    desk = site.gate.desk
    for act, scan in ((Act(override="emergency"), denied), (Act(approve=True), held)):
        assert refused(desk.resolve, STAFFED, scan.scan, act) == "supervisor_only"
    assert refused(desk.find, STAFFED, "seated") == "supervisor_only"
    assert refused(desk.by_hand, STAFFED, "00" * 16, Act()) == "supervisor_only"


def test_five_wrong_pins_close_pins_on_this_device_until_a_badge_signs_in(shut: Site) -> None:
    """Also after a restart, and at every lane."""
    shut.open()
    for turn in range(5):
        wrong = refused(shut.gate.staff.sign_in_pin, STAFFED, f"111{turn}")
        assert wrong == ("pin_wrong" if turn < 4 else "pin_locked")
        if turn == 2:
            shut.crash()
            shut.open()
    for _ in range(2):
        assert refused(shut.gate.staff.sign_in_pin, "north", PIN) == "pin_locked"
        shut.reopen()
    shut.sign_in(SAM)
    assert shut.gate.staff.sign_in_pin("north", PIN).name == "Pat Pin"


def test_a_right_pin_forgets_the_wrong_ones(site: Site) -> None:
    """Four wrong ones, a right one, and four wrong ones again."""
    for _ in range(2):
        for _ in range(4):
            assert refused(site.gate.staff.sign_in_pin, STAFFED, "0000") == "pin_wrong"
        site.gate.staff.sign_in_pin(STAFFED, PIN)


@pytest.mark.parametrize(
    "pin", ["", "1", "24680", "\uff12\uff14\uff16\uff18", "\ud800", "2468\n", "x" * 10_000]
)
def test_what_is_no_pin_is_a_wrong_one(site: Site, pin: str) -> None:
    """And counts as a try."""
    assert refused(site.gate.staff.sign_in_pin, STAFFED, pin) == "pin_wrong"
    assert site.gate.stores.settings.number("pin_tries") == 1


def test_an_event_may_ask_for_badges_alone(make: MakeSite) -> None:
    """Then no PIN opens anything."""
    strict = plan(NOW, policy=Policy(pins=False))
    site = make(World.make(NOW, tickets=0, plan_of=strict))
    assert refused(site.gate.staff.sign_in_pin, STAFFED, PIN) == "pin_not_allowed"


def test_sessions_are_in_the_log_and_named_by_what_was_done(site: Site) -> None:
    """Begun, named by the admission, ended."""
    site.sign_in(SUE)
    site.scan("standing", STAFFED)
    site.gate.staff.sign_out(STAFFED)
    began, ended = site.records(Kind.SESSION)
    (entry,) = site.records(Kind.IN)
    raws = {record.seq: raw for record, raw in zip(site.records(), site.raws(), strict=True)}
    pk = keys.public_key(site.world.organizer.secret(f"badge {SUE}"))
    assert (began.reason, began.ref) == (1, hashing.badge_id(pk))
    assert entry.session == record_id(raws[began.seq])
    assert (ended.reason, ended.session) == (3, entry.session)


def test_the_next_to_sign_in_ends_the_session_before(site: Site) -> None:
    """And finds nothing of it: no scan to go on with, and no signature to use."""
    site.sign_in(SUE)
    (found,) = site.gate.desk.find(STAFFED, "waiver").found
    held = site.gate.desk.by_hand(STAFFED, found.ticket, Act())
    assert held.code == "answers_required"
    site.sign_in(SAM)
    assert [record.reason for record in site.records(Kind.SESSION)] == [1, 3, 1]
    resolve = site.gate.desk.resolve
    assert refused(resolve, STAFFED, held.scan, Act(answers={1: "yes", 2: ""})) == "scan_unknown"
    assert not site.records(Kind.IN)


def test_an_idle_lane_locks_and_a_busy_one_does_not(site: Site) -> None:
    """After ten minutes without a scan."""
    site.sign_in(SAM)
    site.sign_in(SUE, "north")
    for _ in range(3):
        site.time.go(300)
        site.scan("standing", "north")
        site.gate.staff.lock_idle()
    assert site.gate.staff.session(STAFFED) is None
    assert site.gate.staff.session("north") is not None


def test_a_locked_lane_knows_nothing_of_what_was_scanned(site: Site) -> None:
    """No verdict on its screen, nothing to take back."""
    site.sign_in(SUE)
    admitted = site.scan("standing", STAFFED)
    site.gate.staff.sign_out(STAFFED)
    assert site.gate.lanes.lane(STAFFED).shown is None
    assert refused(site.gate.desk.undo, STAFFED, admitted.scan) == "scan_unknown"


def test_a_badges_secret_goes_with_its_session(site: Site) -> None:
    """Nothing of the process holds it behind a sign-out."""
    site.sign_in(SUE)
    held = site.scan("box office", STAFFED)
    site.gate.desk.resolve(STAFFED, held.scan, Act(approve=True), site.badge(SUE))
    secret = site.world.organizer.secret(f"badge {SUE}")
    assert _held(secret)
    site.gate.staff.sign_out(STAFFED)
    assert not _held(secret)


def test_a_post_is_chosen_by_somebody_on_duty(site: Site) -> None:
    """And is kept across a restart."""
    choose = site.gate.lanes.choose
    event = EVENT.hex()
    assert refused(choose, STAFFED, event, SOUTH, exiting=False) == "not_signed_in"
    site.sign_in(SAM)
    assert choose(STAFFED, event, SOUTH, exiting=True).exiting
    site.reopen()
    state = site.gate.lanes.get(STAFFED)
    assert (state.gate_name, state.exiting, state.session) == ("South", True, None)


def _held(secret: bytes) -> bool:
    """Whether a tracked object of the gate refers to these bytes."""
    gc.collect()
    holders = (each for each in gc.get_objects() if type(each).__name__ in ("OnDuty", "Pending"))
    return any(getattr(each, "badge", b"") == secret for each in holders)
