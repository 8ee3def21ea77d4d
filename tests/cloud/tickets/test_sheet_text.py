"""Strangers' names made fit for print."""

import subprocess
import sys
import unicodedata
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.tickets.sheet_order import visual
from cloud.tickets.sheet_text import ELLIPSIS, REPLACEMENT, cut, plain, shown, wrap
from cloud.tickets.sheet_words import LANGUAGES, words

ANY = st.text(st.characters(codec=None)) | st.text(
    "aé\u0301\u202e\u200d\U0001f600\u05d0\u0644\u0627( )1\ud800"
)


def width(text: str) -> float:
    """Measure as on a typewriter."""
    return float(len(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\u202egnp.exe\u202c", "agnp.exe"),
        ("\u2066a\u2069\u200f\ufeffb\u00ad", "ab"),
        ("a\x00\x1b[31m\x7fb", "a[31mb"),
        ("a\r\n\tb\u2028c\u00a0 d\u3000", "a b c d"),
        ("e\u0301", "\u00e9"),
        ("x\u0336\u0336\u0336\u0336", "x\u0336\u0336"),
        ("\u2764\ufe0f", "\u2764"),
        ("a\ud800\ue000\uffffb", f"a{REPLACEMENT * 3}b"),
        ("a" * 1000, "a" * 500),
    ],
)
def test_what_could_move_or_hide_print_is_left_out(text: str, expected: str) -> None:
    """Overrides, controls, piled marks and half characters do not reach the page."""
    assert plain(text) == expected


@given(ANY)
def test_plain_text_is_one_visible_line(text: str) -> None:
    """It can be encoded, has no controls and no space but single ones, and stays as it is."""
    line = plain(text)
    line.encode()
    assert line == " ".join(line.split())
    assert not {unicodedata.category(char) for char in line} & {"Cc", "Cf", "Cs", "Cn", "Zl", "Zp"}
    assert plain(line) == line


@given(ANY, st.sets(st.characters()))
def test_only_glyphs_of_the_font_are_shown(text: str, lacking: set[str]) -> None:
    """What the font lacks is a visible replacement, and no line makes it fail."""
    line = shown(plain(text), lambda char: char not in lacking)
    assert not set(line) & (lacking - {REPLACEMENT})


@given(ANY, st.integers(1, 12))
def test_wrapping_loses_nothing(text: str, limit: int) -> None:
    """Lines are within the limit, and together hold every character but the spaces."""
    lines = list(wrap(text, width, limit))
    assert all(0 < len(line) <= limit for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


@given(ANY, st.integers(2, 12), st.integers(1, 4))
def test_a_cut_text_tells_that_it_is_cut(text: str, limit: int, most: int) -> None:
    """Within the room, the lines are the text's; beyond it, the last ends in an ellipsis."""
    whole, lines = list(wrap(text, width, limit)), cut(text, width, limit, most)
    assert len(lines) <= most
    assert all(len(line) <= limit for line in lines)
    assert lines == whole if len(whole) <= most else lines[-1].endswith(ELLIPSIS)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("María (VIP)", "María (VIP)"),
        ("\u05d3\u05d5\u05d3", "\u05d3\u05d5\u05d3"),
        ("\u05d0\u05d1\u05d2", "\u05d2\u05d1\u05d0"),
        ("abc \u05d0\u05d1\u05d2 (12)", "abc (12) \u05d2\u05d1\u05d0"),
        ("\u05d0\u05b8\u05d1", "\u05d1\u05d0"),
        # salam: seen and lam-alef joined, meem alone after an alef
        ("\u0633\u0644\u0627\u0645", "\ufee1\ufefc\ufeb3"),
        ("\u0645\u062d\u0645\u062f", "\ufeaa\ufee4\ufea4\ufee3"),
        ("\u06cc\u06cc", "\ufbfd\ufbfe"),
    ],
)
def test_hebrew_and_arabic_are_set_from_right_to_left(line: str, expected: str) -> None:
    """Letters come in the order of the page, Arabic ones joined, brackets the right way round."""
    assert visual(line) == expected


def test_a_process_loads_fpdf_for_a_line_from_right_to_left_alone() -> None:
    """It would be a third of the start of a service's every process, and 30 MB of each."""
    program = """
import sys
from cloud.tickets.sheet_text import shown
assert shown("\\u00d1u, la gira", lambda _: True) == "\\u00d1u, la gira"
assert "fpdf" not in sys.modules
assert shown("\\u05d0\\u05d1", lambda _: True) == "\\u05d1\\u05d0"
assert "fpdf" in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_every_language_says_everything() -> None:
    """Each file has the sentences of the English one, with the same values in them."""
    assert LANGUAGES == ("de", "en", "es", "fr")
    english = words("en").sentences
    for language in LANGUAGES:
        own = words(language).own
        assert own.keys() == english.keys(), language
        for name, sentence in own.items():
            assert _values(sentence) == _values(english[name]), (language, name)


def test_an_unknown_language_is_english() -> None:
    """A tenant's setting that nobody translated still gives a ticket."""
    assert words("xx").language == "en"


def _values(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}
