"""A code typed through any pair of keyboard layouts comes out as it was."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.scan.layouts import LAYOUTS, meant
from shared.devices.badge import encode_badge
from shared.scanner import normalise
from shared.token import encode_text
from tests.vectors import spec

CODE = spec.texts()["static-ticket"]
CAPS = ("off", "letters", "all")


def typed(code: str, reader: str, host: str, caps: str) -> str:
    """Return what a host shows of what a reader types: the way there, apart from the way back."""
    wished, seen = LAYOUTS[reader], LAYOUTS[host]
    shown = []
    for character in code:
        if character == " ":
            shown.append(" ")
            continue
        shifted = character in wished.shifted
        key = (wished.shifted if shifted else wished.plain).index(character)
        if caps == "all":
            shifted = not shifted
        here = (seen.shifted if shifted else seen.plain)[key]
        lock = caps == "letters" and len(here.swapcase()) == 1
        shown.append(here.swapcase() if lock else here)
    return "".join(shown)


@pytest.mark.parametrize(("reader", "host", "caps"), [*product(LAYOUTS, LAYOUTS, CAPS)])
@given(body=st.binary(min_size=100, max_size=100))
def test_any_code_comes_through_any_keyboard(
    body: bytes, reader: str, host: str, caps: str
) -> None:
    """Whatever the reader is set to, whatever the host takes it for, with Caps Lock or not."""
    code = encode_text(b"\x11\0" + body)
    assert code in meant(typed(code, reader, host, caps))


@pytest.mark.parametrize(
    ("shown", "why"),
    [
        (CODE, "nothing to undo"),
        (CODE + "\r\n", "the reader's Enter"),
        ("]Q1" + CODE, "the reader's prefix"),
        (typed("]Q1" + CODE, "us", "fr", "off"), "the reader's prefix on AZERTY"),
        (typed(CODE, "us", "de", "letters"), "QWERTZ with Caps Lock"),
        (CODE.swapcase(), "Caps Lock"),
        (typed(CODE, "us", "fr", "off"), "AZERTY"),
        (typed(CODE, "us", "de", "off") + "\n", "QWERTZ"),
    ],
)
def test_the_usual_cases(shown: str, why: str) -> None:
    """What readers do on the keyboards of four countries."""
    assert CODE in meant(shown), why


def test_a_badge_is_undone_too() -> None:
    """Staff sign in with the same readers."""
    badge = encode_badge(bytes(range(32)))
    assert badge in meant(typed(badge, "us", "fr", "off"))


def test_a_dead_key_that_swallowed_a_letter_gives_it_back() -> None:
    """On a German host a plus is the grave accent, and composes with a vowel after it."""
    code = next(
        text
        for n in range(500)
        if "+A" in (text := encode_text(b"\x11\0" + n.to_bytes(2, "big") * 50))
    )
    shown = typed(code, "us", "de", "off")
    assert code in meant(shown.replace("`A", "À"))


@given(st.text(max_size=700))
def test_what_is_no_code_is_no_code_afterwards(text: str) -> None:
    """Any text is judged, and none becomes a ticket by being looked at."""
    assert list(meant(text)) == [normalise(text)]


def test_a_long_text_costs_nothing() -> None:
    """Beyond the longest code nothing is tried."""
    assert list(meant("U&M" * 100_000)) == ["U&M" * 100_000]
