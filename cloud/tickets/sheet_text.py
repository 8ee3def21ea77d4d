"""Other people's text made fit for a line of print. Pure.

Names come from strangers: nothing in them may move, hide or overlay what is printed beside
them, and none may stop a ticket from being printed. So:
- Control and format characters (bidi overrides among them), variation selectors and all
  but two combining marks in a row are left out; every kind of space is one space.
- What has no meaning (half a surrogate pair, unassigned) becomes U+FFFD, as does, in
  `shown`, what the font lacks: Chinese, Japanese, Korean and Thai letters, most emoji.
- A line is broken at spaces, or anywhere in a word wider than it; what does not fit even so
  ends in an ellipsis.
"""

import unicodedata
from collections.abc import Callable, Iterator
from typing import Final

from cloud.tickets import sheet_order

REPLACEMENT: Final = "\ufffd"
ELLIPSIS: Final = "\u2026"
MARKS: Final = 2  # combining marks in a row
LONGEST: Final = 500  # characters that are looked at

Width = Callable[[str], float]


def plain(text: str) -> str:
    """Return one line of visible text."""
    spaced = " ".join(text[:LONGEST].split())
    if spaced.isascii() and spaced.isprintable():
        return spaced
    return " ".join(unicodedata.normalize("NFC", "".join(_kept(spaced))).split())


def shown(text: str, has_glyph: Callable[[str], bool]) -> str:
    """Return a line from left to right, of glyphs that the font has."""
    ordered = sheet_order.visual(text)
    if all(map(has_glyph, ordered)):
        return ordered
    return "".join(char if has_glyph(char) else REPLACEMENT for char in ordered)


def wrap(text: str, width: Width, limit: float) -> Iterator[str]:
    """Yield the lines of a text, each at most `limit` wide (but for a single character)."""
    line = ""
    for word in text.split():
        longer = f"{line} {word}".lstrip()
        if width(longer) <= limit:
            line = longer
            continue
        if line:
            yield line
        *full, line = _pieces(word, width, limit)
        yield from full
    if line:
        yield line


def cut(text: str, width: Width, limit: float, most: int) -> list[str]:
    """Return at most `most` lines of a text; the last tells by an ellipsis that more follows."""
    lines = list(wrap(text, width, limit))
    if len(lines) <= most:
        return lines
    last = lines[most - 1]
    while last and width(last + ELLIPSIS) > limit:
        last = last[:-1]
    return [*lines[: most - 1], last.rstrip() + ELLIPSIS]


def _pieces(word: str, width: Width, limit: float) -> Iterator[str]:
    piece = ""
    for char in word:
        if piece and width(piece + char) > limit:
            yield piece
            piece = ""
        piece += char
    yield piece


def _kept(text: str) -> Iterator[str]:
    marks = 0
    for char in text:
        kind = unicodedata.category(char)
        marks = marks + 1 if kind in ("Mn", "Me") else 0
        if kind in ("Cs", "Cn", "Co"):
            yield REPLACEMENT
        elif kind.startswith("Z"):
            yield " "
        elif kind not in ("Cc", "Cf", "Me") and marks <= MARKS and not _selects(char):
            yield char


def _selects(char: str) -> bool:
    return "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef"
