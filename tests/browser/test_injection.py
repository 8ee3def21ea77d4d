"""What comes from data is text, whatever it looks like."""

from typing import Any

from playwright.sync_api import expect

from edge.practice.world import HOSTILE
from tests.browser.conftest import NewScreen
from tests.browser.screen import Screen, verdict

FIELDS: dict[str, Any] = {
    "ticket_class": HOSTILE,
    "name": HOSTILE,
    "seat": HOSTILE,
    "attention": HOSTILE,
    "reason": HOSTILE,
    "gates": [HOSTILE],
    "prior": {"gate": HOSTILE, "at": 1_790_000_000_000, "here": False},
    "questions": [{"id": 1, "text": HOSTILE, "required": True, "choices": [HOSTILE]},
                  {"id": 2, "text": HOSTILE, "required": False, "choices": []}],
}  # fmt: skip


def harmless(screen: Screen) -> None:
    """See that no markup came of any text, and no dialog opened."""
    assert screen.page.locator("script:not([src]), img[src='x']").count() == 0
    assert screen.dialogs == []


def test_a_ticket_may_be_called_anything(handheld: Screen) -> None:
    """The name and seat of a real ticket are shown as the text that they are."""
    handheld.scan("hostile")
    handheld.shows("green")
    expect(handheld.flood.locator(".name")).to_have_text(HOSTILE)
    expect(handheld.flood.locator(".seat")).to_have_text(HOSTILE)
    handheld.press("Next guest")
    handheld.tool("recent")
    expect(handheld.sheet.locator(".row").first).to_contain_text(HOSTILE)
    harmless(handheld)


def test_a_found_ticket_may_be_called_anything(supervised: Screen) -> None:
    """So are they in the search."""
    supervised.tool("search")
    expect(supervised.page.locator("#search-words")).to_be_focused()
    supervised.page.keyboard.type("alert")
    expect(supervised.sheet.locator(".row").first).to_contain_text(HOSTILE)
    harmless(supervised)


def test_every_text_of_a_verdict_is_text(new_screen: NewScreen) -> None:
    """Each field of a verdict that holds text is shown as text, at every signal."""
    screen = new_screen(1280, 800)
    screen.between()
    screen.open_kiosk()
    for signal, code, actions in (
        ("green", "admitted", ["people", "undo"]),
        ("amber", "answers_required", ["answer"]),
        ("red", "wrong_gate", ["override"]),
        ("machine", "storage_failed", []),
    ):
        screen.told(verdict(code, signal, **FIELDS, actions=actions, left=3))
        screen.shows(signal)
        expect(screen.flood).to_contain_text(HOSTILE)
        harmless(screen)


def test_codes_that_nobody_knows_are_text(new_screen: NewScreen) -> None:
    """A code from a later version is shown by its name, never as markup."""
    screen = new_screen()
    screen.between()
    screen.open_kiosk()
    screen.told(verdict(HOSTILE, "red"))
    screen.shows("red")
    expect(screen.flood).to_contain_text(HOSTILE)
    harmless(screen)


def test_events_gates_and_people_may_be_called_anything(new_screen: NewScreen) -> None:
    """So are names of events, gates, zones, staff and the device."""
    screen = new_screen()
    screen.between()
    screen.open_kiosk()
    lane, beat = screen.last("lane"), screen.last("beat")
    named = {
        **lane["lane"],
        "event_name": HOSTILE,
        "gate_name": HOSTILE,
        "zone_name": HOSTILE,
        "session": {"name": HOSTILE, "role": "scan", "by": "pin", "since": 0},
    }
    screen.say({**lane, "lane": named})
    screen.say({**beat, "status": {**beat["status"], "device": HOSTILE}})
    expect(screen.page.locator("#post")).to_have_text(HOSTILE)
    expect(screen.page.locator("#event")).to_have_text(HOSTILE)
    expect(screen.page.locator("#way")).to_contain_text(HOSTILE)
    expect(screen.page.locator("#strip .staff")).to_contain_text(HOSTILE)
    screen.tool("more")
    expect(screen.sheet).to_contain_text(HOSTILE)
    harmless(screen)


def test_a_foreign_code_is_never_shown(handheld: Screen) -> None:
    """A code that is no ticket is named so; nothing of what it says is on the page."""
    handheld.type(HOSTILE)
    handheld.shows("red", "No ticket")
    expect(handheld.page.locator("body")).not_to_contain_text("alert")
    harmless(handheld)
