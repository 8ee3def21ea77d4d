"""The sheet in which a supervisor sees what the cloud says a person must settle."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from edge.practice.world import EVENT, NORTH
from edge.store.stores import open_stores
from shared.hashing import id_hash
from shared.token import parse
from shared.wire import IncidentNote
from tests.browser.conftest import NewScreen
from tests.browser.screen import Screen
from tests.edge.appliance import Appliance

NOWHERE = "00" * 16


def note(number: int, ticket: str, **more: Any) -> IncidentNote:
    """Return one at the gate North."""
    given: dict[str, Any] = {
        "event": EVENT.hex(), "kind": "double_admission", "state": "open", "gates": (NORTH, 99),
        "found": 1_800_000_000_000, "devices": (NOWHERE,),
    }  # fmt: skip
    facts = {**given, "number": number, "incident": f"{number:032x}", "ticket": ticket, **more}
    return IncidentNote(**facts)


@pytest.fixture
def told(gate: Appliance) -> Iterator[list[IncidentNote]]:
    """The gate has been told of three: one of a ticket, one settled, one of a kind of tomorrow."""
    ticket = id_hash(parse(gate.world.code("seated")).token.ticket).hex()
    mine = open_stores(gate.settings.data_folder)
    notes = [
        note(1, ticket, state="confirmed", kind="revoked_admission"),
        note(2, ticket),
        note(3, NOWHERE, event="00" * 8, kind="of_tomorrow", gates=()),
    ]
    mine.incidents.take(notes, 3)
    yield notes
    mine.incidents.take([], 0, anew=True)
    mine.close()


def opened(screen: Screen) -> None:
    """Open the sheet."""
    screen.tool("more")
    screen.press("Incidents")
    expect(screen.sheet.locator("h2")).to_have_text("Incidents")


@pytest.mark.usefixtures("told")
def test_a_supervisor_sees_whose_ticket_it_is_and_what_to_do(supervised: Screen) -> None:
    """What is open first; the guest by the list that the badge opens; a code without words as
    something to ask the console about."""
    opened(supervised)
    rows = supervised.sheet.locator(".row")
    expect(rows).to_have_count(3)
    assert [each.get_attribute("data-state") for each in rows.all()] == [
        "open",
        "open",
        "confirmed",
    ]
    expect(rows.nth(0)).to_contain_text("Something to settle")
    expect(rows.nth(1)).to_contain_text("Let in twice")
    expect(rows.nth(1)).to_contain_text("Seated")
    expect(rows.nth(1)).to_contain_text(re.compile(r"27, .*:00.* · North, #99"))  # 15 January 2027
    expect(rows.nth(2)).to_contain_text("Confirmed")
    assert supervised.outside() == []


@pytest.mark.usefixtures("told")
def test_whoever_only_scans_is_shown_none(handheld: Screen) -> None:
    """Neither guests nor how many there are."""
    opened(handheld)
    expect(handheld.sheet).to_contain_text("Only a supervisor")
    expect(handheld.sheet.locator(".row")).to_have_count(0)
    assert handheld.call("GET", "/api/incidents") == 403
    expect(handheld.page.locator("#strip")).not_to_contain_text("to settle")


def test_the_strip_tells_a_supervisor_how_many_there_are(new_screen: NewScreen) -> None:
    """And a gate that was told of none says so."""
    screen = new_screen()
    screen.between()
    screen.open_handheld()
    screen.sign_in(badge=screen.gate.badge())
    expect(screen.page.locator("#strip")).not_to_contain_text("to settle")
    opened(screen)
    expect(screen.sheet).to_contain_text("Nothing has to be settled")
    beat = screen.last("beat")
    screen.say({**beat, "status": {**beat["status"], "incidents": 3}})
    expect(screen.page.locator("#strip")).to_contain_text("3 to settle")
