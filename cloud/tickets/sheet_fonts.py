"""The fonts of printed tickets: read once a process, since that is most of what a page costs.

A document gets a font of its own that shares what nobody changes (which letters there are and how
wide they are) with the one that was read; fpdf2 cuts what it embeds out of the rest, and spoils it.
"""

import copy
from functools import cache
from pathlib import Path
from typing import Final

from fpdf import FPDF
from fpdf.fonts import SubsetMap, TTFFont

FONTS: Final = Path(__file__).parent / "static" / "vendor" / "dejavu-fonts-ttf" / "ttf"
FACES: Final = {"": "DejaVuSansCondensed.ttf", "B": "DejaVuSansCondensed-Bold.ttf"}
FAMILY: Final = "ticket"


class FontMissing(RuntimeError):
    """The fonts of printed tickets are not there."""


def add(document: FPDF, folder: Path) -> None:
    """Give a document its fonts, or raise `FontMissing`."""
    for name in FACES.values():
        if not (folder / name).is_file():
            raise FontMissing(f"{name} is not there: scripts/frontend fetches it")
    for key, font in _read(folder).items():
        document.fonts[key] = _own(font)


@cache
def _read(folder: Path) -> dict[str, TTFFont]:
    """Return the fonts of a folder, none of which a document may touch."""
    document = FPDF()
    for style, name in FACES.items():
        document.add_font(FAMILY, style, folder / name)
    return {key: font for key, font in document.fonts.items() if isinstance(font, TTFFont)}


def _own(font: TTFFont) -> TTFFont:
    """Return a font that a document may use up."""
    own, read = copy.copy(font), font.ttfont
    own.ttfont = type(read)(font.ttffile, recalcTimestamp=False, lazy=True)
    own.ttfont.setGlyphOrder(list(read.getGlyphOrder()))
    own.desc = copy.copy(font.desc)  # an object of the document: it gets its number there
    own.cw = font.cw.copy()  # fpdf2 notes the letters in it that a font lacks
    own.missing_glyphs = []
    own.subset = SubsetMap(own)
    return own
