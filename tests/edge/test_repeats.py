"""One ticket before one reader is one scan, however often it is read."""

import pytest

from shared.bundle import Part, Section
from shared.log.record import Kind
from tests.edge.gates import NOW, Site


@pytest.mark.parametrize(
    ("source", "window"),
    [("camera:front", 2.0), ("handheld", 2.0), ("api", 2.0), ("keyboard", 0.7), ("serial:a", 0.7)],
)
def test_a_ticket_in_view_is_decided_once(site: Site, source: str, window: float) -> None:
    """As long as it is seen again within the reader's window; later it is a new scan."""
    first = site.scan("standing", source=source)
    for _ in range(20):
        site.time.go(window - 0.1)
        again = site.scan("standing", source=source)
        assert (again.code, again.repeat, again.scan) == ("admitted", True, first.scan)
    site.time.go(window + 0.01)
    later = site.scan("standing", source=source)
    assert (later.code, later.repeat) == ("already_admitted", False)
    assert len(site.records(Kind.DENY)) == 1


def test_a_refusal_in_view_is_written_once(site: Site) -> None:
    """A minute before the camera."""
    for _ in range(60):
        site.scan("revoked", source="camera:front")
        site.time.go(1)
    assert len(site.records(Kind.DENY)) == 1
    assert len(site.gate.board.recent("north")) == 1


def test_a_live_code_that_refreshes_in_view_is_the_same_ticket(site: Site) -> None:
    """Its text changes, its ticket does not."""
    assert site.scan(site.world.live(NOW), source="camera:front").code == "admitted"
    site.time.go(1)
    again = site.scan(site.world.live(NOW + 1), source="camera:front")
    assert (again.code, again.repeat) == ("admitted", True)
    assert len(site.records(Kind.IN)) == 1


def test_two_tickets_in_turn_are_two_scans(site: Site) -> None:
    """Held up beside each other, each is decided once."""
    for _ in range(5):
        site.scan("standing", source="camera:front")
        site.scan("seated", source="camera:front")
        site.time.go(0.5)
    assert len(site.records(Kind.IN)) == 2
    assert not site.records(Kind.DENY)


def test_a_text_that_is_no_ticket_is_counted_once_while_it_is_in_view(site: Site) -> None:
    """A poster behind the guests."""
    for _ in range(30):
        site.scan("https://example.org", source="camera:front")
        site.time.go(0.5)
    site.gate.keep_counts()
    assert site.gate.stores.log.counted() == {"not_a_ticket": 1}


def test_what_staff_change_is_decided_anew(site: Site) -> None:
    """A challenge, practice or another post end what stands."""
    site.scan("bound", source="camera:front")
    site.gate.desk.challenge("north")
    again = site.scan("bound", source="camera:front")
    assert (again.code, again.repeat) == ("challenge_required", False)


def test_an_undone_ticket_still_in_view_is_not_admitted_again(site: Site) -> None:
    """Until it was away for a while."""
    admitted = site.scan("standing", source="camera:front")
    site.gate.desk.undo("north", admitted.scan)
    assert site.scan("standing", source="camera:front").code == "undone"
    site.time.go(2)
    assert site.scan("standing", source="camera:front").code == "admitted"


def test_a_lock_by_file_ends_what_stands(site: Site) -> None:
    """The green on the screen is not shown for a moment longer."""
    site.scan("standing", source="camera:front")
    site.feed(Section(Part.COMMAND, site.world.organizer.command(site.me.device, 1, "lock")))
    assert site.scan("standing", source="camera:front").code == "gate_locked"


def test_more_tickets_than_anybody_holds_up_are_not_remembered(site: Site) -> None:
    """Sixteen, the oldest is forgotten first: memory has a bound."""
    for index in range(17):
        site.scan(f"#{index}", source="camera:front")
    assert site.scan("#16", source="camera:front").repeat
    assert site.scan("#1", source="camera:front").repeat
    assert site.scan("#0", source="camera:front").code == "already_admitted"
