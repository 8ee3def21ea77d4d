"""Each check says each of its states of a reading that is given."""

from collections.abc import Mapping
from typing import Any

import pytest

from edge.health import checks
from edge.health.checks import CHECKS, results
from edge.health.reading import (
    Certificate,
    Event,
    Hardware,
    Link,
    Lists,
    Log,
    Power,
    Queue,
    Reading,
    Room,
    Roster,
    Time,
    Written,
)
from edge.health.result import Result, State, severity, together, worst
from edge.link.messages import CameraState
from shared.instant import Instant
from shared.log.record import TimeQuality
from shared.rules.compiled import Age

DAY = 86_400
NOW = 1_900_000_000
GB = 1_000_000_000
HARDWARE = Hardware(
    wall=NOW,
    disk=Room(20 * GB, 30 * GB),
    memory=Room(2 * GB, 4 * GB),
    load=0.3,
    temperature=50.0,
    power=Power(),
    readers={},
    aplay=True,
    libzbar=True,
)
EVENT = Event("aa" * 8, "Night", 100, 60, Age.FRESH, "hold", 7 * DAY)
ROSTER = Roster(
    version=1, listed=True, cut_off=False, locked=False, badges=3, supervisors=1, expired=False
)
CERTIFICATE = Certificate(since=NOW - DAY, until=NOW + 300 * DAY, issued=True)
SEES = CameraState(True, 30.0, 1280, 720, 120.0, 50.0, 0.5, (), {}, 100)
WELL = Reading(
    hardware=HARDWARE,
    written=Written(),
    certificate=CERTIFICATE,
    time=Time(Instant(NOW * 1000), TimeQuality.TRUSTED, jumped=False),
    log=Log(records=12),
    queue=Queue(12, 0.0),
    lists=Lists((EVENT,)),
    roster=ROSTER,
    link=Link("peers", 2, 2),
    cameras={"front": SEES},
)

OTHERS = Time(Instant(NOW * 1000), TimeQuality.TRUSTED, jumped=False, ahead=("South",))
AHEAD = Time(Instant(NOW * 1000), TimeQuality.TRUSTED, jumped=False, stamps_until=NOW * 1000 + 1)


def machine(**changes: Any) -> Reading:
    return WELL._replace(hardware=HARDWARE._replace(**changes))


def timed(ms: int, quality: TimeQuality, *, trusted: bool = True, jumped: bool = False) -> Reading:
    return WELL._replace(time=Time(Instant(ms, trusted=trusted), quality, jumped))


def written(**changes: Any) -> Reading:
    return WELL._replace(written=Written(**changes))


def certified(**changes: Any) -> Reading:
    return WELL._replace(certificate=CERTIFICATE._replace(**changes))


def listed(**changes: Any) -> Reading:
    return WELL._replace(roster=ROSTER._replace(**changes))


def events(*each: Event, faults: tuple[tuple[str, str], ...] = ()) -> Reading:
    return WELL._replace(lists=Lists(each, faults))


def event(**changes: Any) -> Reading:
    return events(EVENT._replace(**changes))


def seen(**cameras: CameraState | None) -> Reading:
    return WELL._replace(cameras=cameras)


def camera(*, connected: bool = True, fps: float = 30.0, warnings: tuple[str, ...] = ()) -> Reading:
    return seen(front=CameraState(connected, fps, 1280, 720, 9.0, 9.0, 0.5, warnings, {}, 1))


CASES: list[tuple[str, Reading, str, str]] = [
    ("setup", WELL, "ok", "setup_done"),
    ("setup", WELL._replace(setup="no_key"), "fail", "setup_no_key"),
    ("setup", WELL._replace(setup="no_database"), "fail", "setup_no_database"),
    ("setup", WELL._replace(setup="no_organizer"), "fail", "setup_no_organizer"),
    ("setup", WELL._replace(setup="unreadable"), "fail", "setup_unreadable"),
    ("setup", WELL._replace(setup="damaged"), "fail", "setup_damaged"),
    ("setup", WELL._replace(setup="wiped"), "fail", "setup_wiped"),
    ("setup", WELL._replace(setup="newer"), "fail", "setup_newer"),
    ("agent", WELL, "ok", "agent_running"),
    ("agent", WELL._replace(agent=None), "ok", "agent_unseen"),
    ("agent", WELL._replace(agent=False), "fail", "agent_stopped"),
    ("clock", WELL, "ok", "clock_trusted"),
    ("clock", timed(NOW * 1000, TimeQuality.CARRIED), "ok", "clock_carried"),
    ("clock", timed(0, TimeQuality.NONE, trusted=False), "warn", "clock_unknown"),
    ("clock", timed(NOW * 1000, TimeQuality.TRUSTED, jumped=True), "warn", "clock_jumped"),
    ("clock", WELL._replace(time=AHEAD), "warn", "clock_stamps_ahead"),
    ("clock", WELL._replace(time=OTHERS), "warn", "clock_of_others"),
    ("clock", WELL._replace(time=None), "ok", "clock_unseen"),
    ("disk", WELL, "ok", "disk_ok"),
    ("disk", machine(disk=Room(GB, 30 * GB)), "ok", "disk_ok"),
    ("disk", machine(disk=Room(GB - 1, 30 * GB)), "warn", "disk_low"),
    ("disk", machine(disk=Room(199_999_999, 30 * GB)), "fail", "disk_full"),
    ("disk", machine(disk=None), "fail", "disk_unknown"),
    ("memory", WELL, "ok", "memory_ok"),
    ("memory", machine(memory=Room(9, 100)), "warn", "memory_low"),
    ("memory", machine(memory=Room(3, 100)), "fail", "memory_full"),
    ("cpu", WELL, "ok", "cpu_ok"),
    ("cpu", machine(load=1.5), "warn", "cpu_busy"),
    ("cpu", machine(load=4.0), "fail", "cpu_swamped"),
    ("temperature", WELL, "ok", "temperature_ok"),
    ("temperature", machine(temperature=75.0), "warn", "temperature_warm"),
    ("temperature", machine(temperature=85.0), "fail", "temperature_hot"),
    ("temperature", machine(temperature=None), "ok", "temperature_unknown"),
    ("power", WELL, "ok", "power_mains"),
    ("power", machine(power=None), "ok", "power_ignored"),
    ("power", machine(power=Power(5, True)), "ok", "power_plugged"),
    ("power", machine(power=Power(80, False)), "ok", "power_battery"),
    ("power", machine(power=Power(29, False)), "warn", "power_low"),
    ("power", machine(power=Power(9, False)), "fail", "power_empty"),
    ("power", machine(power=Power(throttled=0x50005)), "fail", "power_under"),
    ("power", machine(power=Power(throttled=0x4)), "warn", "power_slowed"),
    ("power", machine(power=Power(throttled=0x50000)), "warn", "power_was_under"),
    ("power", machine(power=Power(throttled=0)), "ok", "power_mains"),
    ("storage", WELL, "ok", "storage_ok"),
    ("storage", WELL._replace(written=None), "ok", "storage_unseen"),
    ("storage", written(failed=True), "fail", "storage_failed"),
    ("storage", written(error="No space left on device"), "fail", "storage_unwritable"),
    ("storage", written(mirror="unreadable"), "warn", "mirror_unreadable"),
    ("storage", written(mirror="missing"), "warn", "mirror_missing"),
    ("log", WELL, "ok", "log_whole"),
    ("log", WELL._replace(log=Log(("malformed",), 3)), "fail", "log_damaged"),
    ("log", WELL._replace(log=Log((), 3, "gap")), "fail", "log_broken"),
    ("log", WELL._replace(log=Log((), 3, "repeated")), "fail", "log_copied"),
    ("log", written(healed=("3 records came back",)), "warn", "log_healed"),
    ("log", written(aside=1), "warn", "log_aside"),
    ("log", WELL._replace(log=None), "ok", "log_unseen"),
    ("log", WELL._replace(written=None), "ok", "log_whole"),
    ("queue", WELL, "ok", "queue_ok"),
    ("queue", WELL._replace(queue=Queue(5_000)), "warn", "queue_many"),
    ("queue", WELL._replace(queue=Queue(50_000)), "fail", "queue_too_many"),
    ("queue", WELL._replace(queue=None), "ok", "queue_unseen"),
    ("queue", WELL._replace(queue=Queue(5, refused=(("B", "x"),))), "warn", "queue_refused"),
    ("queue", WELL._replace(queue=Queue(5, disputed=("B",))), "fail", "queue_disputed"),
    ("manifest", WELL, "ok", "manifest_ok"),
    ("manifest", events(), "fail", "manifest_none"),
    ("manifest", event(old=7 * 3600, age=Age.STALE), "warn", "manifest_stale"),
    ("manifest", event(age=Age.RESTRICTED, restricted="hold"), "fail", "manifest_restricted"),
    ("manifest", event(age=Age.RESTRICTED, restricted="refuse"), "fail", "manifest_restricted"),
    ("manifest", event(age=Age.RESTRICTED, restricted="admit"), "warn", "manifest_restricted"),
    ("manifest", event(old=None, age=Age.STALE, left=None), "warn", "manifest_age_unknown"),
    ("manifest", event(left=0), "warn", "manifest_expired"),
    ("manifest", event(unfollowed="manifest_rollback"), "warn", "manifest_unfollowed"),
    ("manifest", event(plan_faults=2), "warn", "manifest_plan"),
    ("manifest", event(age=Age.RESTRICTED, over=True), "ok", "manifest_over"),
    ("manifest", events(faults=(("head", "bad_hash"),)), "fail", "manifest_stored"),
    ("manifest", events(EVENT, faults=(("keyset", "x"),)), "fail", "manifest_stored"),
    ("manifest", events(EVENT, faults=(("search", "x"),)), "warn", "manifest_stored"),
    ("manifest", WELL._replace(lists=None), "ok", "manifest_unseen"),
    ("roster", WELL, "ok", "roster_ok"),
    ("roster", listed(version=0, listed=False), "fail", "roster_none"),
    ("roster", listed(listed=False), "fail", "roster_not_listed"),
    ("roster", listed(cut_off=True), "fail", "roster_cut_off"),
    ("roster", listed(locked=True), "fail", "roster_locked"),
    ("roster", listed(alone=True), "fail", "roster_alone"),
    ("roster", listed(heir=True, supervisors=0), "warn", "roster_new_key"),
    ("roster", listed(heir=True, cut_off=True), "fail", "roster_cut_off"),
    ("roster", listed(supervisors=0), "warn", "roster_no_supervisor"),
    ("roster", listed(expired=True), "warn", "roster_expired"),
    ("roster", WELL._replace(roster=None), "ok", "roster_unseen"),
    ("peers", WELL, "ok", "peers_ok"),
    ("peers", WELL._replace(link=Link()), "ok", "peers_alone"),
    ("peers", WELL._replace(link=Link("peers", 1, 2)), "warn", "peers_missing"),
    ("peers", WELL._replace(link=Link("peers", 2, 2, ("South",))), "warn", "peers_distrusted"),
    ("peers", WELL._replace(link=None), "ok", "peers_unseen"),
    ("camera", WELL, "ok", "camera_ok"),
    ("camera", seen(), "ok", "camera_none"),
    ("camera", seen(front=None), "fail", "camera_silent"),
    ("camera", camera(connected=False), "fail", "camera_gone"),
    ("camera", camera(warnings=("too_dark",)), "warn", "camera_too_dark"),
    ("camera", camera(warnings=("too_bright",)), "warn", "camera_too_bright"),
    ("camera", camera(warnings=("out_of_focus",)), "warn", "camera_out_of_focus"),
    ("camera", camera(warnings=("dirty",)), "warn", "camera_dirty"),
    ("camera", camera(warnings=("frozen",)), "warn", "camera_frozen"),
    ("camera", camera(warnings=("upside_down",)), "warn", "camera_upside_down"),
    ("camera", camera(fps=4.9), "warn", "camera_slow"),
    ("camera", WELL._replace(cameras=None), "ok", "camera_unseen"),
    ("readers", WELL, "ok", "readers_none"),
    ("readers", machine(readers={"till": "ok"}), "ok", "readers_ok"),
    ("readers", machine(readers={"till": "missing"}), "fail", "reader_missing"),
    ("readers", machine(readers={"till": "unreadable"}), "fail", "reader_unreadable"),
    ("certificate", WELL, "ok", "certificate_ok"),
    ("certificate", WELL._replace(certificate=None), "ok", "certificate_unseen"),
    ("certificate", certified(issued=None), "ok", "certificate_ok"),
    *(
        ("certificate", certified(fault=fault), "fail", f"certificate_{fault}")
        for fault in checks.certificate.FAULTS
    ),
    ("certificate", certified(until=NOW), "fail", "certificate_expired"),
    ("certificate", certified(since=NOW + 1), "fail", "certificate_early"),
    ("certificate", certified(missing=("gate.example",)), "fail", "certificate_names"),
    ("certificate", certified(issued=False), "warn", "certificate_foreign"),
    ("certificate", certified(until=NOW + 21 * DAY - 1), "warn", "certificate_soon"),
    ("certificate", certified(until=NOW + 21 * DAY), "ok", "certificate_ok"),
    ("sound", WELL, "ok", "sound_ok"),
    ("sound", machine(aplay=False), "ok", "sound_screens"),
    ("decoder", WELL, "ok", "decoder_both"),
    ("decoder", machine(libzbar=False), "ok", "decoder_one"),
]


def by_name(reading: Reading) -> Mapping[str, Result]:
    return {result.name: result for result in results(reading)}


@pytest.mark.parametrize(
    ("name", "reading", "state", "code"), CASES, ids=[f"{case[3]}-{case[2]}" for case in CASES]
)
def test_a_check_says(name: str, reading: Reading, state: str, code: str) -> None:
    """A finding has its state and its code, and what is not ok says what to do."""
    result = by_name(reading)[name]
    assert (result.state, result.code) == (state, code)
    assert result.sentence.endswith(".")
    assert bool(result.todo) or result.state is State.OK


def test_only_what_is_at_fault_is_told() -> None:
    """A reading in which all is well has no other state, and one fault changes one check."""
    assert {result.state for result in results(WELL)} == {State.OK}
    bad = [result.name for result in results(machine(load=9.0)) if result.state is not State.OK]
    assert bad == ["cpu"]


def test_every_check_is_listed_and_tried() -> None:
    """The folder, the table and the cases above have the same checks."""
    files = {name for name in vars(checks) if hasattr(getattr(checks, name), "check")}
    assert files == {check.__module__.rpartition(".")[2] for check in CHECKS}
    assert files == {result.name for result in results(WELL)} == {case[0] for case in CASES}


def test_several_faults_are_told_in_one_line() -> None:
    """The worst comes first and gives the code; beyond three they are only counted."""
    reading = seen(
        a=SEES, b=None, c=None, d=None, e=CameraState(True, 1.0, 1, 1, 9.0, 9.0, 0.5, (), {}, 1)
    )
    result = by_name(reading)["camera"]
    assert (result.state, result.code) == (State.FAIL, "camera_silent")
    assert result.sentence == "b says nothing. c says nothing. d says nothing. And 1 more."


def test_each_event_is_told_of() -> None:
    """One event's old list is seen beside another's fresh one."""
    other = EVENT._replace(name="Matinee", old=8 * 3600, age=Age.STALE)
    result = by_name(events(EVENT, other))["manifest"]
    assert result.sentence == "Matinee: the list is 8 hours old."


@pytest.mark.parametrize(
    ("growth", "expected"),
    [
        (None, "7 records without a receipt."),
        (0.4, "7 records without a receipt."),
        (12.0, "7 records without a receipt, 12 more each minute."),
        (-12.0, "7 records without a receipt, 12 fewer each minute."),
    ],
)
def test_a_queue_tells_how_it_grows(growth: float | None, expected: str) -> None:
    """Growth is told from one record a minute on."""
    assert by_name(WELL._replace(queue=Queue(7, growth)))["queue"].sentence == expected


def test_a_certificate_is_judged_by_trusted_time() -> None:
    """The machine's clock counts only where the gate has no time that it trusts."""
    late = machine(wall=NOW + 1000 * DAY)
    assert by_name(late)["certificate"].state is State.OK
    untrusted = late._replace(time=Time(Instant(0, trusted=False), TimeQuality.NONE, jumped=False))
    assert by_name(untrusted)["certificate"].code == "certificate_expired"


def test_the_worst_state_wins() -> None:
    """States are ordered, and nothing is ok."""
    assert [severity(state) for state in State] == [0, 1, 2]
    assert worst([State.WARN, State.FAIL, State.OK]) is State.FAIL
    assert worst([]) is State.OK


def test_a_row_is_plain() -> None:
    """It has six texts, the state a plain one."""
    row = Result("disk", State.OK, "disk_ok", "1 GB", "Fine.").row()
    assert list(row) == ["name", "state", "code", "value", "sentence", "todo"]
    assert {type(value) for value in row.values()} == {str}


def test_nothing_together_is_fine() -> None:
    """Findings that are all ok give the fine line."""
    fine = Result("x", State.OK, "fine", "", "Fine.")
    assert together([fine._replace(code="other")], fine) is fine
