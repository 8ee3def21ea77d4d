"""Every outcome of the protocol can be reached at the station, and looks as it should."""

from collections.abc import Callable
from typing import Final

import pytest

from edge.gate.verdict import Verdict
from edge.practice.world import SEATED, World, plan
from shared.bundle import Part, Section
from shared.event import Policy
from shared.outcomes import BY_CODE, Outcome, Signal
from shared.token import decode_text, encode_text
from tests.edge.conftest import MakeSite
from tests.edge.gates import NOW, Site, plan_with

Case = Callable[[Site], Verdict]
O = Outcome  # noqa: E741


def scans(*steps: str | tuple[str, str]) -> Case:
    """Return the last of some scans, each at the north gate or where it says."""

    def run(site: Site) -> Verdict:
        shown = [site.scan(*((s,) if isinstance(s, str) else s)) for s in steps]
        return shown[-1]

    return run


def changed(site: Site, at: int, bits: int) -> str:
    """Return the seat's ticket with some bits of one byte turned over."""
    raw = bytearray(site.world.organizer.token(site.world.organizer.sold["seated"]))
    raw[at] ^= bits
    return encode_text(bytes(raw))


def of_another_phone(site: Site) -> str:
    """Return a live code with a bit of the holder's signature turned over."""
    raw = bytearray(decode_text(site.world.live(NOW)))
    raw[-1] ^= 1
    return encode_text(bytes(raw))


def third_day(site: Site) -> Verdict:
    """Return what becomes of a pass for two days on the third."""
    for hours in (16, 24):
        assert site.code_of("two days") == "admitted"
        site.time.go(hours * 3600)
    return site.scan("two days")


def full_disk(site: Site) -> Verdict:
    """Return what a gate says that can't write."""
    with site.gate.stores.database.reading() as connection:
        connection.execute("PRAGMA query_only = ON")
    return site.scan("standing")


def locked(site: Site) -> Verdict:
    """Return what a gate says that was locked from afar."""
    site.feed(Section(Part.COMMAND, site.world.organizer.command(site.me.device, 1, "lock")))
    return site.scan("standing")


def challenged(site: Site) -> Verdict:
    """Return what a plain code comes to while a challenge is on show."""
    site.gate.desk.challenge("north")
    return site.scan("bound")


def later(seconds: int, *steps: str) -> Case:
    """Return the last of some scans after a while."""

    def run(site: Site) -> Verdict:
        site.time.go(seconds)
        return scans(*steps)(site)

    return run


CASES: Final[dict[Outcome, Case]] = {
    O.ADMITTED: scans("standing"),
    O.READMITTED: scans("standing", ("standing", "out"), "standing"),
    O.EXIT: scans(("standing", "out")),
    O.ATTENTION: scans("child"),
    O.STALE_CODE: lambda site: site.scan(site.world.live(NOW - 99)),
    O.LIVE_CODE_REQUIRED: scans("live"),
    O.NOT_IN_MANIFEST: lambda site: site.scan(site.world.unlisted()),
    O.ANSWERS_REQUIRED: scans("waiver"),
    O.SUPERVISOR_REQUIRED: scans("box office"),
    O.CHALLENGE_REQUIRED: challenged,
    O.ALREADY_ADMITTED: scans("standing", "standing"),
    O.NO_ENTRIES_LEFT: lambda site: site.scan("family", people=9),
    O.REENTRY_NOT_ALLOWED: scans("seated", ("seated", "out"), "seated"),
    O.REVOKED: scans("revoked"),
    O.SUPERSEDED: lambda site: site.scan(site.world.code("resold", gen=0)),
    O.REFUNDED: scans("refunded"),
    O.UNPAID: scans("unpaid"),
    O.BLOCKED: scans("blocked"),
    O.EXPIRED: scans("expired"),
    O.NOT_YET_VALID: scans("seated"),
    O.OUTSIDE_WINDOW: scans("late show"),
    O.TOO_SOON: scans("two visits", ("two visits", "out"), "two visits"),
    O.WRONG_EVENT: lambda site: site.scan(site.world.of_another_night()),
    O.WRONG_ZONE: scans(("seated", "garden")),
    O.WRONG_GATE: scans("south only"),
    O.BAD_SIGNATURE: lambda site: site.scan(changed(site, -1, 1)),
    O.BAD_HOLDER_PROOF: lambda site: site.scan(of_another_phone(site)),
    O.UNKNOWN_ISSUER: lambda site: site.scan(site.world.code("seated", key="nobody")),
    O.REVOKED_KEY: lambda site: site.scan(site.world.code("seated", key="withdrawn")),
    O.KEY_OUTSIDE_WINDOW: lambda site: site.scan(site.world.code("seated", key="not yet")),
    O.UNKNOWN_VERSION: lambda site: site.scan(changed(site, 0, 0x40)),
    O.MALFORMED: lambda site: site.scan(site.text("seated")[:-1]),
    O.NOT_A_TICKET: scans("https://example.org"),
    O.SEVERAL_CODES: lambda site: site.gate.station.scan_several(["a", "b"], "north", "hand"),
    O.NO_DAYS_LEFT: third_day,
    O.STORAGE_FAILED: full_disk,
    O.CLOCK_UNTRUSTED: scans("daily"),
    O.GATE_LOCKED: locked,
    O.MANIFEST_EXPIRED: later(3600, "standing"),
    O.RULES_BROKEN: scans("no class"),
}
# Evenings that are not the usual one.
POLICIES: Final = {
    O.NOT_IN_MANIFEST: Policy(unknown_ticket="hold"),
    O.MANIFEST_EXPIRED: Policy(restrict_age=1800, restricted="refuse"),
}
UNREADABLE: Final = {O.UNKNOWN_VERSION, O.MALFORMED, O.NOT_A_TICKET, O.SEVERAL_CODES}
SIGNALS: Final = {range(1, 32): Signal.ADMIT, range(32, 64): Signal.ACT} | {
    range(64, 128): Signal.REFUSE,
    range(128, 256): Signal.TROUBLE,
}


@pytest.mark.parametrize("outcome", list(Outcome), ids=lambda outcome: outcome.code)
def test_every_outcome_is_reached_by_a_scan(outcome: Outcome, make: MakeSite, shut: Site) -> None:
    """With its own code and the colour of its number."""
    site = _site(outcome, make, shut)
    verdict = CASES[outcome](site)
    assert verdict.code == outcome.code
    assert verdict.signal is outcome.signal
    assert verdict.signal is next(s for r, s in SIGNALS.items() if outcome.number in r)
    assert BY_CODE[verdict.code] is outcome


def test_no_outcome_is_left_out() -> None:
    """The table above has every member of the enumeration."""
    assert set(CASES) == set(Outcome)


@pytest.mark.parametrize(
    "outcome",
    [each for each in Outcome if each.signal is Signal.REFUSE and each not in UNREADABLE],
    ids=lambda outcome: outcome.code,
)
def test_nothing_that_is_refused_at_an_entry_is_kept_in_at_an_exit(
    outcome: Outcome, make: MakeSite, shut: Site
) -> None:
    """But for what is no readable ticket at all: that asks for the ticket."""
    site = _site(outcome, make, shut)
    CASES[outcome](site)
    shown = _last_text(outcome, site)
    assert site.scan(shown, "out").code == "exit"


def _last_text(outcome: Outcome, site: Site) -> str:
    """Return the code that was refused with that outcome."""
    own: dict[Outcome, Callable[[], str]] = {
        O.SUPERSEDED: lambda: site.world.code("resold", gen=0),
        O.WRONG_EVENT: site.world.of_another_night,
        O.BAD_SIGNATURE: lambda: changed(site, -1, 1),
        O.BAD_HOLDER_PROOF: lambda: of_another_phone(site),
        O.UNKNOWN_ISSUER: lambda: site.world.code("seated", key="nobody"),
        O.REVOKED_KEY: lambda: site.world.code("seated", key="withdrawn"),
        O.KEY_OUTSIDE_WINDOW: lambda: site.world.code("seated", key="not yet"),
    }
    return own[outcome]() if outcome in own else site.text(LABELS.get(outcome, "seated"))


LABELS: Final = {
    O.ALREADY_ADMITTED: "standing",
    O.NO_ENTRIES_LEFT: "family",
    O.REVOKED: "revoked",
    O.REFUNDED: "refunded",
    O.UNPAID: "unpaid",
    O.BLOCKED: "blocked",
    O.EXPIRED: "expired",
    O.OUTSIDE_WINDOW: "late show",
    O.TOO_SOON: "two visits",
    O.WRONG_GATE: "south only",
    O.NO_DAYS_LEFT: "two days",
}


def _site(outcome: Outcome, make: MakeSite, shut: Site) -> Site:
    """Return the gate that an outcome needs: the usual one for most."""
    if outcome is O.CLOCK_UNTRUSTED:
        return make(World.make(NOW, tickets=0), clock="none")
    if outcome is O.NOT_YET_VALID:
        later_on = plan_with(SEATED, valid_from=NOW + 60)
        return make(World.make(NOW, tickets=0, plan_of=later_on))
    if outcome in POLICIES:
        return make(World.make(NOW, tickets=0, plan_of=plan(NOW, policy=POLICIES[outcome])))
    shut.open()
    return shut
