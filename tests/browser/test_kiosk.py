"""The kiosk at the gate, which scans without staff."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import NewScreen
from tests.browser.screen import Screen, verdict


def test_a_kiosk_shows_where_it_stands_and_where_to_hold_the_code(kiosk: Screen) -> None:
    """At rest: event, gate, direction, "Show your code here", and how the gate does."""
    page = kiosk.page
    expect(page.locator("#event")).to_have_text("Night at the Arena")
    expect(page.locator("#post")).to_have_text("North")
    expect(page.locator("#way")).to_have_text("Entry: Arena")
    expect(page.locator("#show")).to_have_text("Show your code here")
    expect(page.locator("#counts")).to_contain_text("of 12,000")
    expect(page.locator("#strip")).to_contain_text("Alone: no network")
    expect(page.locator("#strip .staff")).to_have_text("Unattended")


def test_a_browser_that_is_no_kiosk_is_told_how_to_become_one(new_screen: NewScreen) -> None:
    """Without its key, the kiosk's page says what a technician has to do."""
    screen = new_screen(1280, 800)
    screen.page.goto(f"{screen.gate.url}/kiosk")
    expect(screen.page.locator("h1")).to_have_text("This browser is no kiosk yet")
    expect(screen.page.locator("code")).to_have_text("usher-edge key kiosk")


def test_a_reader_at_the_kiosk_scans(kiosk: Screen) -> None:
    """A reader that types into the kiosk's browser scans; the people inside are counted."""
    inside = kiosk.page.locator("#counts dd").first
    before = int(inside.inner_text().split()[0].replace(",", ""))
    kiosk.type(kiosk.fresh())
    kiosk.shows("green", "Welcome")
    expect(inside).to_have_text(re.compile(rf"^{before + 1:,} of 12,000$"))


def test_a_supervisor_takes_over_with_a_badge(kiosk: Screen) -> None:
    """Nobody can be locked out of a kiosk without staff; a badge opens what a supervisor may."""
    tool = kiosk.page.locator("#tool-lock")
    expect(tool).to_have_text("Sign in")
    tool.click()
    kiosk.type(kiosk.gate.badge())
    expect(kiosk.page.locator("#strip .staff")).to_have_text("Sue Supervisor, supervisor")
    expect(tool).to_have_text("Lock")
    tool.click()
    expect(kiosk.page.locator("#strip .staff")).to_have_text("Unattended")


def test_two_screens_of_one_lane_agree(new_screen: NewScreen) -> None:
    """What one screen of a lane scans shows on the other, too."""
    one, other = new_screen(1280, 800), new_screen(800, 480)
    one.open_kiosk()
    other.open_kiosk()
    one.type(one.fresh())
    one.shows("green")
    other.shows("green")
    one.scan("revoked")
    other.shows("red", "Cancelled")


def test_the_list_of_gates_can_be_searched(kiosk: Screen) -> None:
    """With many gates, a field finds one; a gate that has one direction offers one."""
    gates = [
        {
            "id": n,
            "name": f"Gate {n}",
            "zone_name": "Arena",
            "direction": "both" if n % 2 else "exit",
        }
        for n in range(1, 41)
    ]
    posts = [{"event": "aa", "event_name": "Night at the Arena", "gates": gates}]

    whole = {**kiosk.page.evaluate("fetch('/api/lane').then((a) => a.json())"), "posts": posts}
    kiosk.page.route("**/api/lane", lambda route: route.fulfill(json=whole))
    kiosk.tool("post")
    expect(kiosk.sheet.locator(".row:visible")).to_have_count(40)
    kiosk.page.get_by_label("Find a gate").fill("gate 38")
    expect(kiosk.sheet.locator(".row:visible")).to_have_count(1)
    expect(kiosk.sheet.locator(".row:visible button")).to_have_text(["Exit"])
    kiosk.page.get_by_label("Find a gate").fill("nowhere")
    expect(kiosk.sheet).to_contain_text("No gate of that name.")


def test_numbers_of_twelve_digits_fit(new_screen: NewScreen) -> None:
    """Counts as large as can be leave nothing outside the screen."""
    screen = new_screen(800, 480)
    screen.between()
    screen.open_kiosk()
    counts = {"entered": 999999999999, "left": 999999999999, "inside": 999999999999,
              "capacity": 999999999999, "refused": 999999999999, "zone_name": "Arena"}  # fmt: skip
    beat = screen.last("beat")
    screen.say({**beat, "counts": counts, "status": {**beat["status"], "waiting": 999999999999}})
    assert screen.outside() == []


def test_a_verdict_of_a_minute_ago_is_no_news(new_screen: NewScreen) -> None:
    """A screen that is opened later shows no old green, and no other day's red."""
    screen = new_screen()
    screen.between()
    screen.open_kiosk()
    screen.told(verdict("admitted", "green", at=verdict("", "")["at"] - 60_000))
    screen.told(verdict("already_admitted", "red", at=verdict("", "")["at"] - 60_000))
    screen.told(verdict("attention", "amber"))
    screen.shows("amber")
    assert screen.heard() == ["attention"]


def test_a_page_of_an_older_version_renews_itself(new_screen: NewScreen) -> None:
    """After an update of the gate, a screen at rest loads the new page by itself."""
    screen = new_screen(1280, 800)
    screen.between()
    screen.open_kiosk()
    beat = screen.last("beat")
    with screen.page.expect_navigation():
        screen.say({**beat, "status": {**beat["status"], "version": "another"}})
