"""What a gate is, and whether it is ready: one word for whoever looks at all of them. Pure."""

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from shared.wire import Report

Appliance = Literal["kiosk", "handheld"]  # what a gate is
Word = Literal[
    "ready", "revoked", "never_seen", "no_contact", "locked", "clock_untrusted", "keyset_old",
    "roster_old", "no_manifest", "manifest_ahead", "manifest_old", "disk_full", "camera_missing",
    "battery_low", "queue_long", "stamps_ahead",
]  # fmt: skip

SILENCE: Final = 90  # seconds without a report
PATIENCE: Final = 60  # seconds for a gate to take in what is newer
DISK_LOW: Final = 256 << 20  # bytes
BATTERY_LOW: Final = 15  # percent
QUEUE_LONG: Final = 2000  # records that wait: more than a gate writes in an hour


class Document(NamedTuple):
    """The newest keyset or roster. `age`: seconds since it was signed, at the report."""

    version: int
    age: float


class Expected(NamedTuple):
    """An event that gates are told of, as one of them has it.

    `behind`: for how many seconds there was a newer manifest when it reported; 0 for none.
    `ahead`: it holds a newer one than there is, since the service was put back from a backup.
    """

    held: int  # version, 0 for none
    behind: float
    soon: bool  # doors open within a day, or are open
    ahead: bool = False


class Standing(NamedTuple):
    """What is known of a gate. `silent`: seconds since its report came in."""

    revoked: bool
    report: Report | None
    silent: float
    keyset: Document
    roster: Document
    events: Sequence[Expected]


def judge(gate: Standing) -> Word:
    """Return `ready`, or the first thing that is wrong: what keeps most guests out comes first."""
    report = gate.report
    if gate.revoked:
        return "revoked"
    if report is None:
        return "never_seen"
    if gate.silent > SILENCE:
        return "no_contact"  # and nothing that it said is of now
    return _by_lists(gate, report) or _by_machine(report) or "ready"


def _by_lists(gate: Standing, report: Report) -> Word | None:
    """Return what keeps it from deciding as it should."""
    faults: Sequence[tuple[bool, Word]] = (
        (bool(report.locked), "locked"),
        (report.clock == "none", "clock_untrusted"),
        (_is_old(report.keyset, gate.keyset), "keyset_old"),
        (_is_old(report.roster, gate.roster), "roster_old"),
        (any(each.soon and not each.held for each in gate.events), "no_manifest"),
        (any(each.ahead for each in gate.events), "manifest_ahead"),
        (any(each.held and each.behind > PATIENCE for each in gate.events), "manifest_old"),
    )
    return next((word for wrong, word in faults if wrong), None)


def _by_machine(report: Report) -> Word | None:
    """Return what will stop it before long, slows it, or makes its lists hard to read."""
    weak = report.battery is not None and report.battery < BATTERY_LOW
    faults: Sequence[tuple[bool, Word]] = (
        (report.disk_free < DISK_LOW, "disk_full"),
        (not all(camera.connected for camera in report.cameras), "camera_missing"),
        (weak and report.on_power is not True, "battery_low"),
        (report.waiting > QUEUE_LONG, "queue_long"),
        (report.stamps_until > 0, "stamps_ahead"),
    )
    return next((word for wrong, word in faults if wrong), None)


def _is_old(held: int, newest: Document) -> bool:
    return held < newest.version and newest.age > PATIENCE
