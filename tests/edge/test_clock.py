"""What a gate takes for the time: jumps, restarts, and machines without a battery."""

from collections.abc import Callable
from pathlib import Path

import pytest

from edge.gate import intake
from edge.gate.acts import Act
from edge.gate.verdict import Action
from edge.health.report import Health
from edge.practice.organizer import DAY
from edge.practice.world import World, plan
from edge.sync.reporting import report_of
from shared.bundle import Part, Section
from shared.event import Policy, Window
from shared.log.record import Kind, TimeQuality, unpack_bits
from tests.edge.conftest import MakeSite
from tests.edge.crashing import Shown, child, die
from tests.edge.gates import (
    NOW,
    STAFFED,
    SUE,
    chained,
    empty_site,
    heard,
    load_whole,
    plan_with,
    two_sites,
)
from tests.edge.test_staff import refused

PATIENT = Policy(restrict_age=9 * DAY)


def evening() -> World:
    """Return an evening whose seats are good from 600 s to 1200 s from now."""
    windows = (Window(NOW + 600, NOW + 1200),)
    return World.make(NOW, tickets=0, plan_of=plan_with(2, windows=windows))


@pytest.mark.parametrize("jump", [-10 * DAY, -3600, 900, 3600, 10 * DAY, 400 * DAY])
def test_a_wall_clock_that_jumps_changes_no_decision(make: MakeSite, jump: int) -> None:
    """Monotonic time carries; staff are told."""
    site = make(evening())
    site.scan("standing")
    site.time.set_wall(site.time.now + jump)
    assert site.code_of("seated") == "outside_window"
    assert site.scan(site.world.live(NOW)).code == "admitted"
    site.time.go(600)
    assert site.code_of("seated") == "admitted"
    assert site.gate.board.status().clock_warning == "clock_jumped"
    assert site.gate.board.status().clock == "carried"
    stamps = [record.hlc for record in site.records()]
    assert stamps == sorted(set(stamps))


def test_a_gate_whose_clock_was_ahead_says_how_long_it_stamps_so(make: MakeSite) -> None:
    """A signed time was wrong. Put right, it stamps above its last record still, over a restart."""
    site = make(World.make(NOW, tickets=0))
    site.gate.clock.obey((NOW + 3 * 3600) * 1000)
    site.scan("standing")
    site.gate.clock.obey(NOW * 1000)
    site.scan("seated")
    site.reopen()
    site.gate.clock.obey(NOW * 1000)
    status, report = site.gate.board.status(), report_of(site.gate)
    until = site.records()[-1].hlc >> 16
    assert until // 1000 == NOW + 3 * 3600
    assert (status.clock_warning, status.stamps_until, report.stamps_until) == (
        "stamps_ahead", until, until,
    )  # fmt: skip
    (said,) = (each for each in Health(site.gate, dict).results() if each.name == "clock")
    assert (said.code, said.value) == ("clock_stamps_ahead", "3.0 h")
    assert "3.0 h ahead until 2027-01-15 11:00 UTC" in said.sentence
    site.time.go(3 * 3600)
    site.scan("standing")
    assert site.gate.board.status().stamps_until == report_of(site.gate).stamps_until == 0
    assert site.gate.board.status().clock_warning == ""


def test_a_neighbour_that_stamps_ahead_is_named(tmp_path: Path) -> None:
    """From a minute on (log.md §5), and until that time has come."""
    north, south = two_sites(tmp_path, World.make(NOW, tickets=0))

    def said() -> tuple[str, str]:
        (found,) = (each for each in Health(north.gate, dict).results() if each.name == "clock")
        return found.code, found.value

    try:
        south.gate.clock.obey((NOW + 61) * 1000)
        south.scan("standing")
        before = said()
        heard(south, north)
        assert said() == ("clock_of_others", "South") != before
        north.scan("seated")
        own = [each.hlc >> 16 for each in north.records() if each.device == north.me.device]
        assert max(own) <= north.gate.clock.now().ms + 60_000, "what others stamp pulls by a minute"
        north.time.go(2)
        assert said() == before
    finally:
        north.close()
        south.close()


def test_a_neighbours_stamps_do_not_count_as_a_wrong_clock(make: MakeSite) -> None:
    """They pull ours by a minute at most."""
    site = make(World.make(NOW, tickets=0))
    clock, ms = site.gate.clock, site.gate.clock.now().ms
    assert clock.stamps_until(ms + 2 * 60_000) == 0
    assert clock.stamps_until(ms + 2 * 60_000 + 1) == ms + 2 * 60_000 + 1


def test_a_wall_clock_set_back_over_a_restart_is_not_believed(make: MakeSite) -> None:
    """It is below what the organizer signed: no trusted time, and nobody is accused."""
    site = make(evening())
    site.close()
    site.time.set_wall(NOW - DAY)
    site.open()
    assert not site.gate.clock.now().trusted
    assert site.code_of("standing") == "admitted"
    verdict = site.scan("seated")
    assert verdict.code == "clock_untrusted"


def test_a_wall_clock_beyond_the_list_is_not_believed(make: MakeSite) -> None:
    """A year ahead: as good as none."""
    site = make(evening())
    site.close()
    site.time.set_wall(NOW + 400 * DAY)
    site.open()
    assert site.gate.board.status().clock == "none"
    assert site.code_of("seated") == "clock_untrusted"


def test_the_floor_survives_a_restart_and_never_falls(make: MakeSite) -> None:
    """A stamp carried by file raises it."""
    site = make(evening(), clock="none")
    later = NOW + 300
    site.feed(Section(Part.STAMP, site.world.organizer.stamp(later * 1000)))
    assert site.gate.clock.now().seconds == later
    site.feed(Section(Part.STAMP, site.world.organizer.stamp(NOW * 1000)))
    assert site.gate.clock.now().seconds == later
    site.reopen()
    assert site.gate.clock.now().seconds == later
    site.time.go(10)
    assert site.gate.clock.now().seconds == later + 10


def test_a_set_time_command_takes_the_floor_down_at_a_running_gate(make: MakeSite) -> None:
    """A time signed by mistake would lock it else; it stays down after a restart."""
    site = make(evening())
    organizer = site.world.organizer
    site.feed(Section(Part.STAMP, organizer.stamp((NOW + 40 * DAY) * 1000)))
    assert site.gate.clock.now().seconds == NOW + 40 * DAY
    assert not site.gate.clock.now().trusted
    command = organizer.command(site.me.device, 1, "set_time", (NOW - 60) * 1000)
    site.feed(Section(Part.COMMAND, command))
    for _ in range(2):
        assert abs(site.gate.clock.now().seconds - site.time.now) <= 61
        assert site.code_of("standing") in ("admitted", "already_admitted")
        site.reopen()


def test_a_machine_without_a_battery_says_so(make: MakeSite) -> None:
    """It admits whom no time refuses, and asks for a challenge where a live code needs one."""
    site = make(World.make(NOW, tickets=0, plan_of=plan(NOW, policy=PATIENT)), clock="none")
    assert site.gate.board.status().clock == "none"
    assert site.code_of("standing") == "admitted"
    (record,) = site.records(Kind.IN)
    assert unpack_bits(record.bits).time is TimeQuality.NONE
    live = site.scan(site.world.live(NOW))
    assert (live.code, live.actions) == ("challenge_required", (Action.CHALLENGE,))
    shown = bytes.fromhex(site.gate.desk.challenge("north"))
    assert site.code_of(site.world.live(0, shown)) == "admitted"
    chained(site)


def test_a_supervisor_picks_the_day(make: MakeSite) -> None:
    """Of the days of the plan; from then on that guest is judged by it."""
    site = make(World.make(NOW, tickets=0, plan_of=plan(NOW, policy=PATIENT)), clock="none")
    verdict = site.scan("daily")
    assert (verdict.code, verdict.actions) == ("clock_untrusted", (Action.PICK_DAY,))
    assert [day.index for day in verdict.days] == [1, 2, 3, 4]
    resolve = site.gate.desk.resolve
    # What is not admitted is scanned again, by the supervisor who is on duty.
    site.sign_in(SUE)
    held = site.scan("daily", STAFFED)
    admitted = resolve(STAFFED, held.scan, Act(day=2))
    assert admitted.code == "admitted"
    (record,) = site.records(Kind.IN)
    assert record.day == 2
    again = site.scan("daily", STAFFED)
    assert resolve(STAFFED, again.scan, Act(day=2)).code == "already_admitted"
    assert resolve(STAFFED, site.scan("daily", STAFFED).scan, Act(day=3)).code == "admitted"


def test_nobody_else_picks_the_day(make: MakeSite) -> None:
    """A scanner asks a supervisor."""
    site = make(World.make(NOW, tickets=0, plan_of=plan(NOW, policy=PATIENT)), clock="none")
    held = site.scan("daily")
    assert refused(site.gate.desk.resolve, "north", held.scan, Act(day=2)) == "supervisor_only"
    assert site.gate.desk.resolve("north", held.scan, Act()).code == "clock_untrusted"
    paid = site.gate.desk.resolve("north", held.scan, Act(day=2), site.badge(SUE))
    assert paid.code == "admitted"


def test_a_failing_window_without_time_is_nobodys_fault(make: MakeSite) -> None:
    """Neither expired nor too early: the clock is at fault."""
    site = make(evening(), clock="none")
    for label in ("expired", "seated"):
        assert site.code_of(label) == "clock_untrusted"
    assert not site.records(Kind.DENY)


def test_a_key_outside_its_window_without_time_is_nobodys_fault(make: MakeSite) -> None:
    """The same for the organizer's keys."""
    site = make(evening(), clock="none")
    assert site.code_of(site.world.code("seated", key="not yet")) == "clock_untrusted"


def test_the_time_runs_out_with_the_list(make: MakeSite) -> None:
    """Behind the head's expiry the wall clock's word is worth nothing."""
    site = make(World.make(NOW, tickets=0, plan_of=plan(NOW, policy=PATIENT)))
    site.time.go(7 * DAY + 1)
    assert not site.gate.clock.now().trusted
    assert site.code_of("standing") == "admitted"


def test_the_age_of_the_list_is_warned_of_and_then_restricts(make: MakeSite) -> None:
    """Six hours, and a day; the policy holds for a supervisor."""
    site = make(World.make(NOW, tickets=0))
    assert not site.scan("standing").stale
    site.time.go(6 * 3600)
    assert site.scan("standing 2").stale
    assert site.gate.board.status().data_state == "stale"
    site.time.go(18 * 3600)
    held = site.scan("standing 3")
    assert (held.code, held.why) == ("supervisor_required", "manifest_expired")
    assert site.gate.board.status().data_state == "restricted"
    assert site.code_of("standing", "out") == "exit"


def test_a_floor_that_was_cut_off_while_loading_is_learnt_by_loading_again(
    swift: Path,
) -> None:
    """The time of a file counts before its documents do."""
    world = World.make(NOW, tickets=0)
    site = empty_site(swift, world)

    def work(_: Callable[[Shown], None]) -> None:
        keep = intake.Intake.keep

        def dying(self: intake.Intake, documents: object) -> None:
            keep(self, documents)  # type: ignore[arg-type]
            die()

        intake.Intake.keep = dying  # type: ignore[method-assign]
        site.load(world.organizer.preload())

    with child(work) as (reader, _), pytest.raises(EOFError):
        reader.recv()
    load_whole(site)
    site.open()
    assert site.gate.clock.now().trusted
    site.close()
