"""Pages are small, ask nobody else, and obey the strictest policy."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Response, expect

from edge import web
from tests.browser.conftest import NewScreen
from tests.browser.screen import Screen

STATIC = Path(web.__file__).parent / "static"
LANGUAGES = ("en", "es", "fr", "de")
BUDGET = 100_000  # bytes of a first view, uncompressed


@pytest.mark.parametrize("lane", ["kiosk", "handheld"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_first_view_is_small(new_screen: NewScreen, lane: str, language: str) -> None:
    """All that a page loads before somebody touches it stays under 100 kB."""
    screen = new_screen(locale=language)
    answers: list[Response] = []

    def note(answer: Response) -> None:
        answers.append(answer)

    screen.page.on("response", note)
    screen.open_kiosk() if lane == "kiosk" else screen.open_handheld()
    screen.page.wait_for_load_state("networkidle")
    sizes = {answer.url: len(answer.body()) for answer in answers if answer.status == 200}
    assert screen.page.locator("html").get_attribute("lang") == language
    assert sum(sizes.values()) < BUDGET, sizes


def test_nothing_comes_from_elsewhere(new_screen: NewScreen) -> None:
    """An evening of touches and scans asks this gate alone."""
    screen = new_screen()
    asked: list[str] = []
    refused: list[str] = []
    screen.page.on("request", lambda request: asked.append(request.url))
    screen.page.on("console", lambda said: refused.append(said.text))
    screen.open_handheld()
    screen.sign_in(badge=screen.gate.badge())
    for tool in ("more", "post", "search", "recent", "undo"):
        screen.tool(tool)
        expect(screen.sheet).to_be_visible()
        screen.page.keyboard.press("Escape")
    screen.scan("unpaid")
    screen.press("Supervisor: admit anyway")
    screen.page.goto(f"{screen.gate.url}/health")
    assert [url for url in asked if not url.startswith((screen.gate.url, "blob:"))] == []
    assert [text for text in refused if "Content Security Policy" in text] == []


def test_no_page_runs_what_is_written_in_it(handheld: Screen) -> None:
    """Pages hold no script and no style of their own, as the policy demands."""
    page = handheld.page
    assert page.locator("script:not([src])").count() == 0
    assert page.locator("style, [style]").count() == 0


def test_the_page_can_be_installed(new_screen: NewScreen) -> None:
    """The manifest and its icons are there."""
    screen = new_screen()
    screen.open_handheld()
    manifest = screen.page.evaluate("fetch('/manifest.webmanifest').then((a) => a.json())")
    assert manifest["display"] == "standalone"
    for icon in manifest["icons"]:
        assert screen.call("GET", icon["src"]) == 200


def test_the_service_worker_keeps_every_file_of_the_pages() -> None:
    """What a page may load later is kept from the start, the decoder apart."""
    listed = set(re.findall(r'"([\w/.-]+\.(?:js|css|json|svg))"', (STATIC / "sw.js").read_text()))
    ours = {path.relative_to(STATIC).as_posix() for path in STATIC.rglob("*.*s")}
    ours = {name for name in ours if not name.startswith(("vendor/", "health.", "read.", "sw."))}
    others = {"tokens.css", "icons/usher.svg"}
    words = {f"locales/{of}{code}.json" for code in LANGUAGES for of in ("", "incidents/")}
    assert listed == ours | others | words
