"""The fonts of printed tickets: read once a process, since that is most of what a page costs.

A font comes in two sizes: with the letters of Western and Central European languages alone, which
is a tenth of it, and whole. What fpdf2 embeds it cuts out of all that a font has, so a small one
is cut in a quarter of the time. A document gets fonts of its own that share what nobody changes
(which letters there are and how wide they are) with those that were read; fpdf2 spoils the rest.
"""

import copy
import io
import tempfile
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Final

from fontTools.subset import Options, Subsetter  # type: ignore[import-untyped]
from fontTools.ttLib import TTFont  # type: ignore[import-untyped]
from fpdf import FPDF
from fpdf.fonts import SubsetMap, TTFFont

FONTS: Final = Path(__file__).parent / "static" / "vendor" / "dejavu-fonts-ttf" / "ttf"
FACES: Final = {"": "DejaVuSansCondensed.ttf", "B": "DejaVuSansCondensed-Bold.ttf"}
FAMILY: Final = "ticket"
READING: Final = Lock()  # it takes a second: whoever comes meanwhile waits for it
# Latin as far as Extended-A, punctuation, the euro, and the sign for what a font lacks.
COMMON: Final = (
    *range(0x20, 0x180), *range(0x2010, 0x2028), *range(0x2030, 0x203B), 0x20AC, 0x2116, 0xFFFD,
)  # fmt: skip


class FontMissing(RuntimeError):
    """The fonts of printed tickets are not there."""


def add(document: FPDF, folder: Path, *, whole: bool) -> None:
    """Give a document its fonts, or raise `FontMissing`. `whole`: with every letter they have."""
    for name in FACES.values():
        if not (folder / name).is_file():
            raise FontMissing(f"{name} is not there: scripts/frontend fetches it")
    with READING:
        read = _read(folder, whole)
    for key, (font, content) in read.items():
        document.fonts[key] = _own(font, content)


@cache
def _read(folder: Path, whole: bool) -> dict[str, tuple[TTFFont, bytes]]:
    """Return the fonts of a folder with their files' bytes; no document may touch them."""
    document, contents = FPDF(), []
    with tempfile.TemporaryDirectory(prefix="usher-fonts-") as place:
        for style, name in FACES.items():
            content = (folder / name).read_bytes()
            contents.append(content if whole else _common(content))
            (Path(place) / name).write_bytes(contents[-1])
            document.add_font(FAMILY, style, Path(place) / name)
        fonts = {key: font for key, font in document.fonts.items() if isinstance(font, TTFFont)}
        for font in fonts.values():
            font.ttfont.getGlyphOrder()  # read before the file is gone
    return {
        key: (font, content) for (key, font), content in zip(fonts.items(), contents, strict=True)
    }


def _common(content: bytes) -> bytes:
    """Return a font with the common letters alone."""
    options = Options(layout_features=[], glyph_names=True, notdef_outline=True, name_IDs=["*"])
    options.drop_tables += ["FFTM"]  # when its editor was built
    font = TTFont(io.BytesIO(content), recalcTimestamp=False)
    cut = Subsetter(options)
    cut.populate(unicodes=COMMON)
    cut.subset(font)
    made = io.BytesIO()
    font.save(made)
    return bytes(made.getvalue())


def _own(font: TTFFont, content: bytes) -> TTFFont:
    """Return a font that a document may use up."""
    own = copy.copy(font)
    own.ttfont = TTFont(io.BytesIO(content), recalcTimestamp=False, lazy=True)
    own.ttfont.setGlyphOrder(list(font.ttfont.getGlyphOrder()))
    own.desc = copy.copy(font.desc)  # an object of the document: it gets its number there
    own.cw = font.cw.copy()  # fpdf2 notes the letters in it that a font lacks
    own.missing_glyphs = []
    own.subset = SubsetMap(own)
    return own
