"""Hebrew and Arabic from left to right, as a printer sets them. Pure.

fpdf2 sets glyphs in the order it gets them, and shapes nothing by itself. So letters are
joined here, by Unicode's presentation forms, and lines reordered by its bidirectional
algorithm. Vowel points are left out: without a shaping engine they would stand apart.
"""

import unicodedata
from collections.abc import Iterator
from typing import Final

LAM: Final = "\u0644"
TATWEEL: Final = "\u0640"
OPENING, CLOSING = "([{<\u00ab\u2039", ")]}>\u00bb\u203a"
MIRRORED: Final = str.maketrans(OPENING + CLOSING, CLOSING + OPENING)
BLOCKS: Final = (range(0xFB50, 0xFC00), range(0xFE80, 0xFEFD))  # Arabic presentation forms


def _forms() -> dict[str, dict[str, str]]:
    """Return the forms of each Arabic letter, and of lam with alef, by Unicode's own table."""
    forms: dict[str, dict[str, str]] = {}
    for point in (point for block in BLOCKS for point in block):
        form, *letters = unicodedata.decomposition(chr(point)).split() or [""]
        letter = "".join(chr(int(each, 16)) for each in letters)
        if len(letter) == 1 or (len(letter) == 2 and letter[0] == LAM and point > 0xFEF4):
            forms.setdefault(letter, {})[form] = chr(point)
    return forms


FORMS: Final = _forms()


def visual(line: str) -> str:
    """Return a line's characters from left to right."""
    if line.isascii() or not any(
        unicodedata.bidirectional(char) in ("R", "AL", "AN") for char in line
    ):
        return line
    from fpdf.bidi import BidiParagraph  # with it come all of fpdf, fontTools and numpy

    bare = "".join(char for char in line if unicodedata.category(char) != "Mn")
    ordered = BidiParagraph("".join(_joined(bare))).get_reordered_characters()
    return "".join(
        each.character.translate(MIRRORED) if each.embedding_level % 2 else each.character
        for each in ordered
    )


def _joined(text: str) -> Iterator[str]:
    """Yield each letter in the form that its neighbours ask for."""
    letters = list(_letters(text))
    for index, letter in enumerate(letters):
        before = index > 0 and _joins_next(letters[index - 1]) and _joins_last(letter)
        after = index + 1 < len(letters) and _joins_next(letter) and _joins_last(letters[index + 1])
        form = {
            (False, False): "<isolated>",
            (True, False): "<final>",
            (False, True): "<initial>",
            (True, True): "<medial>",
        }[before, after]
        yield FORMS.get(letter, {}).get(form, letter)


def _letters(text: str) -> Iterator[str]:
    """Yield characters, and lam with the alef after it as one."""
    index = 0
    while index < len(text):
        size = 2 if text[index : index + 2] in FORMS and text[index] == LAM else 1
        yield text[index : index + size]
        index += size


def _joins_next(letter: str) -> bool:
    return letter == TATWEEL or "<initial>" in FORMS.get(letter, {})


def _joins_last(letter: str) -> bool:
    return letter == TATWEEL or "<final>" in FORMS.get(letter, {})
