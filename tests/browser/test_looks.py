"""Every state, at every size and in every look: nothing sticks out, all can be read and hit."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NewScreen
from tests.browser.screen import Screen, verdict

AXE = Path(__file__).parents[2] / ".cache" / "npm-edge" / "node_modules" / "axe-core" / "axe.min.js"
SIZES = ((360, 640), (800, 480), (1280, 800), (1920, 1080))
LOOKS = ("light", "dark", "contrast")
LONG = "Maximiliane-Wilhelmina von Hohenzollern-Sigmaringen zu Schwarzburg-Rudolstadt"
NOW = time.time_ns() // 1_000_000
CONTRAST = """
    () => {
        const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
        const curved = (n) => (n <= 0.03928 ? n / 12.92 : ((n + 0.055) / 1.055) ** 2.4);
        const part = (n) => curved(n / 255);
        const light = (c) => 0.2126 * part(c[0]) + 0.7152 * part(c[1]) + 0.0722 * part(c[2]);
        const ground = (each) => {
            for (let at = each; at; at = at.parentElement) {
                const colour = numbers(getComputedStyle(at).backgroundColor);
                if (colour.length < 4 || colour[3] > 0) return light(colour);
            }
        };
        const ratio = (each) => {
            const [a, b] = [light(numbers(getComputedStyle(each).color)), ground(each)];
            return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        };
        const kinds = "#flood :is(h2, p, dd, span, output, label, legend, b)";
        const texts = [...document.querySelectorAll(kinds)];
        const seen = texts.filter((each) => each.textContent && each.checkVisibility());
        return Math.min(...seen.map(ratio));
    }
"""
SMALL = """
    (least) => [...document.querySelectorAll("button, a, input, [role=radio]")]
        .filter((each) => each.checkVisibility() && !each.closest("[inert]"))
        .map((each) => [each.getBoundingClientRect(), each.id || each.textContent.slice(0, 30)])
        .filter(([box]) => box.width < least || box.height < least)
        .map(([box, name]) => `${name}: ${Math.round(box.width)} x ${Math.round(box.height)}`)
"""


def states() -> Iterator[dict[str, Any]]:
    """Yield what a screen has to be able to show, at its longest."""
    yield verdict("admitted", "green", ticket_class="Seated", name="Ana García", seat="Row 12",
                  people=1, actions=["undo"])  # fmt: skip
    yield verdict("readmitted", "green", ticket_class=LONG, name=LONG, seat=LONG, people=3, left=3,
                  attention=LONG, flag="not_in_manifest", stale=True, moved=True, practice=True,
                  actions=["people", "undo"])  # fmt: skip
    yield verdict("exit", "green", exiting=True, people=12)
    yield verdict("undone", "green", people=1)
    yield verdict("attention", "amber", attention=LONG, name=LONG, actions=["confirm"])
    yield verdict("stale_code", "amber", actions=["challenge"])
    questions = [{"id": 1, "text": LONG, "required": True, "choices": ["yes", "no", LONG]},
                 {"id": 2, "text": "Locker", "required": False, "choices": []}]  # fmt: skip
    yield verdict("answers_required", "amber", questions=questions, actions=["answer"])
    yield verdict("supervisor_required", "amber", why="unpaid", actions=["approve"])
    yield verdict("already_admitted", "red", name=LONG, ticket_class=LONG, actions=["override"],
                  prior={"gate": LONG, "at": NOW - 720_000, "here": False})  # fmt: skip
    yield verdict("wrong_gate", "red", gates=[LONG, "South"], actions=["override"])
    yield verdict("outside_window", "red", when=NOW // 1000 + 7200, actions=["override"])
    yield verdict("malformed", "red", reason="base45_pair")
    yield verdict("storage_failed", "machine")
    days = [{"index": n, "start": NOW // 1000 + n * 86_400, "end": 0} for n in range(3)]
    yield verdict("clock_untrusted", "machine", days=days, actions=["pick_day"])


def flaws(screen: Screen) -> list[str]:
    """Return what axe finds serious or critical."""
    if not screen.page.evaluate("typeof axe === 'object'"):
        screen.page.evaluate(AXE.read_text())
    found = screen.page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    return [
        f"{each['id']}: {node['html'][:120]}"
        for each in found["violations"]
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]


# A verdict goes after seconds, and a gate that says nothing for 900 ms is taken for dead; on a busy
# machine it takes longer than that to look at what is shown.
UNHURRIED = """
const later = window.setTimeout;
window.setTimeout = (act, ms, ...rest) => later(act, ms >= 900 ? ms * 20 : ms, ...rest);
"""


TALLER = "document.querySelector('.strip').style.paddingBottom = '3rem'"


def dressed(new_screen: NewScreen, size: tuple[int, int], look: str, **options: Any) -> Screen:
    """Return a screen in a look."""
    scheme = "dark" if look == "dark" else "light"
    screen = new_screen(*size, color_scheme=scheme, reduced_motion="reduce", **options)
    screen.page.add_init_script(UNHURRIED)
    if look == "contrast":
        screen.page.add_init_script("localStorage.setItem('theme', 'contrast')")
    screen.between()
    return screen


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_every_verdict_can_be_read_and_resolved(
    new_screen: NewScreen, size: tuple[int, int], look: str
) -> None:
    """At least 7:1 for every text, no target below 48 px, nothing outside, no flaw for axe; and the
    word is there whole, however many chips of the strip take its room."""
    screen = dressed(new_screen, size, look, locale="de")
    screen.open_kiosk()
    screen.page.evaluate(TALLER)
    wrong: dict[str, object] = {}
    for state in states():
        screen.told(state)
        screen.shows(state["signal"])
        expect(screen.flood.locator("h2.word")).to_be_in_viewport(ratio=0.99)
        expect(screen.flood.locator("[data-deed=dismiss]")).to_be_visible()
        contrast = screen.page.evaluate(CONTRAST)
        small = screen.page.evaluate(SMALL, 48)
        found = [*screen.outside(), *small, *flaws(screen)]
        if contrast < 7 or found:
            wrong[state["code"]] = (contrast, found)
    assert wrong == {}, json.dumps(wrong, indent=1, ensure_ascii=False)


@pytest.mark.parametrize("look", LOOKS)
def test_a_handhelds_pages_and_sheets_are_sound(new_screen: NewScreen, look: str) -> None:
    """On a phone every target has 64 px; signing in, at rest and each sheet pass axe."""
    screen = dressed(new_screen, (360, 640), look, locale="de")
    screen.open_handheld()
    wrong: dict[str, object] = {}

    def check(name: str) -> None:
        small = screen.page.evaluate(SMALL, 63.9)
        found = [*screen.outside(), *small, *flaws(screen)]
        if found:
            wrong[name] = found

    check("sign-in")
    screen.sign_in(badge=screen.gate.badge())
    check("at rest")
    for tool in ("undo", "search", "recent", "post", "more"):
        screen.tool(tool)
        expect(screen.sheet).to_be_visible()
        check(tool)
        screen.page.keyboard.press("Escape")
    screen.scan("unpaid")
    screen.shows("red")
    screen.press("Aufsicht: trotzdem einlassen")
    expect(screen.sheet).to_be_visible()
    check("override")
    assert wrong == {}, json.dumps(wrong, indent=1, ensure_ascii=False)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("page", ["kiosk", "health"])
def test_pages_at_rest_are_sound(new_screen: NewScreen, size: tuple[int, int], page: str) -> None:
    """The kiosk at rest and the health page pass axe at every size, in every look."""
    for look in LOOKS:
        screen = dressed(new_screen, size, look)
        if page == "kiosk":
            screen.open_kiosk()
            expect(screen.page.locator("#board")).to_be_visible()
        else:
            screen.page.goto(f"{screen.gate.url}/health")
        assert [*screen.outside(), *flaws(screen)] == []


def test_a_lost_gate_is_sound(new_screen: NewScreen) -> None:
    """The screen that says that nobody answers passes axe, too."""
    screen = new_screen(800, 480)
    screen.between()
    screen.open_kiosk()
    screen.last("beat")  # and no more of them: nobody answers
    screen.last("lane")
    expect(screen.page.locator("#lost")).to_be_visible()
    assert [*screen.outside(), *flaws(screen)] == []


def test_a_keyboard_reaches_everything(supervised: Screen) -> None:
    """Tab goes to every tool, Escape closes a sheet, and the focus comes back."""
    page = supervised.page
    reached = set()
    page.locator("#tool-undo").focus()
    for _ in range(12):
        reached.add(page.evaluate("document.activeElement.id"))
        page.keyboard.press("Tab")
    tools = {"undo", "search", "recent", "post", "lock", "more"}
    assert {f"tool-{name}" for name in tools} <= reached
    page.locator("#tool-more").focus()
    page.keyboard.press("Enter")
    expect(supervised.sheet).to_be_visible()
    expect(page.locator("#sheet-title")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#tool-more")).to_be_focused()


def test_a_verdict_is_announced(kiosk: Screen) -> None:
    """A verdict is an alert, said whole, and a refusal takes the focus."""
    expect(kiosk.flood).to_have_attribute("role", "alert")
    expect(kiosk.flood).to_have_attribute("aria-atomic", "true")
    kiosk.scan("revoked")
    kiosk.shows("red")
    expect(kiosk.flood.locator(".word")).to_be_focused()
    kiosk.page.keyboard.press("Tab")
    expect(kiosk.flood.get_by_role("button").first).to_be_focused()
