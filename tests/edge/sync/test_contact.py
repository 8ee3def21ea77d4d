"""A device that hears nothing newly signed locks itself, and no power cut begins the time anew."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from edge.practice.world import World
from shared.bundle import Part, Section
from shared.devices.roster import ROSTER
from shared.signed import Kind, open_signed, seal
from tests.edge.gates import NOW, Site, make_site

HOURS = 3600
AFTER = 2 * HOURS


@pytest.fixture(params=["network", "none"])
def site(request: pytest.FixtureRequest, swift: Path) -> Iterator[Site]:
    """A gate whose roster locks it after two hours; with and without a clock to go by."""
    world = World.make(NOW, tickets=0)
    made = make_site(swift / "gate", world, clock=request.param)
    made.open()
    made.feed(roster(made, 2))
    yield made
    made.close()


def roster(site: Site, version: int, issued: int = NOW) -> Section:
    """Return a roster that locks."""
    organizer = site.world.organizer
    public = bytes.fromhex(organizer.public("roster"))
    plain = open_signed(Kind.ROSTER, organizer.roster(version), public, ROSTER)
    locking = msgspec.structs.replace(plain, lock_after=AFTER, issued=issued)
    return Section(Part.ROSTER, seal(Kind.ROSTER, locking, organizer.secret("roster")))


def test_it_locks_after_its_time_and_opens_by_anything_signed(site: Site) -> None:
    """And says why."""
    site.time.go(AFTER - 60)
    assert site.gate.held.why_locked() == ""
    site.time.go(180)
    assert site.gate.held.why_locked() == "no_contact"
    assert site.code_of("standing") == "gate_locked"
    site.feed(roster(site, 3, NOW + AFTER))
    assert site.gate.held.why_locked() == ""


def test_a_power_cut_does_not_begin_it_anew(site: Site) -> None:
    """What ran before it counts, but for the minute that was not written yet."""
    for _ in range(3):
        site.time.go(AFTER / 4)
        site.gate.contact.keep()
        assert site.gate.held.why_locked() == ""
        site.reopen()
    site.time.go(AFTER / 4 + 120)
    assert site.gate.held.why_locked() == "no_contact"
    site.gate.contact.keep()
    site.reopen()
    assert site.gate.held.why_locked() == "no_contact"


def test_an_old_word_is_no_contact(site: Site) -> None:
    """A stamp that was heard before, or that somebody held back, changes nothing."""
    site.time.go(AFTER + 120)
    organizer = site.world.organizer
    site.feed(Section(Part.STAMP, organizer.stamp((NOW - 60) * 1000)))
    assert site.gate.held.why_locked() == "no_contact"
    site.feed(Section(Part.STAMP, organizer.stamp((NOW + AFTER + 100) * 1000)))
    assert site.gate.held.why_locked() == ""


def test_a_time_signed_by_mistake_is_undone_by_set_time(site: Site) -> None:
    """Else nothing of this year would count as new any more."""
    organizer, year = site.world.organizer, 365 * 24 * HOURS
    site.feed(Section(Part.STAMP, organizer.stamp((NOW + year) * 1000)))
    command = organizer.command(site.me.device, 1, "set_time", NOW * 1000)
    site.feed(Section(Part.COMMAND, command))
    site.time.go(AFTER + 120)
    assert site.gate.held.why_locked() == "no_contact"
    site.feed(Section(Part.STAMP, organizer.stamp((NOW + AFTER + 120) * 1000)))
    assert site.gate.held.why_locked() == ""
