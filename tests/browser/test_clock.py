"""What the strip says of a gate that stamps ahead of the time, in each language."""

import re

import pytest

from tests.browser.conftest import NewScreen

AHEAD = """async () => {
  const base = document.querySelector("script[type=module]").src.replace(/[^/]*$/, "");
  const { site } = await import(`${base}site.js`);
  const { draw } = await import(`${base}strip.js`);
  const until = site.status.at + 3 * 3_600_000;
  site.status = { ...site.status, clock_warning: "stamps_ahead", stamps_until: until };
  draw();
}"""


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", r"Stamps 3 ?hrs? ahead until \d+:\d\d"),
        ("de", r"Stempel 3 Std\. vor, bis \d+:\d\d"),
        ("fr", r"Horodatage \+3 h jusqu'à \d+:\d\d"),
        ("es", r"Sellos \+3 h hasta \d+:\d\d"),
    ],
)
def test_a_gate_that_stamps_ahead_says_by_how_much_and_until_when(
    new_screen: NewScreen, language: str, words: str
) -> None:
    """Hours, and the time of day at the event."""
    screen = new_screen(locale=language)
    screen.open_kiosk()
    screen.page.evaluate(AHEAD)
    said = screen.page.locator("#strip").inner_text().replace("\u202f", " ").replace("\xa0", " ")
    assert re.search(words, said), said
