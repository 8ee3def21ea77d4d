"""What a ticket is drawn on: a page of fpdf2 that takes untrusted text and is read aloud.

The fonts are DejaVu's (`sheet_fonts`), from npm's `dejavu-fonts-ttf`: fpdf2's own know Latin
letters alone.
All that is written is tagged, headings as such and the code as a figure with its words;
what only decorates is marked as an artifact, which a screen reader passes over.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from fpdf import FPDF
from fpdf.fonts import TTFFont

from cloud.tickets import codes, sheet_fonts, sheet_text

POINT: Final = 25.4 / 72  # mm
ASCENT: Final = 0.93  # of DejaVu's letters, in sizes

BLACK: Final = 0
GREY: Final = 95  # dark enough to be read by weak eyes, and on a weak printer


class Type(NamedTuple):
    """How a text is set."""

    sizes: tuple[float, ...]  # points, the first at which it fits
    lines: int = 1  # at the last size: larger ones get as many as the same height holds
    bold: bool = False
    grey: int = BLACK
    tag: str = "P"
    leading: float = 1.25

    def most(self, size: float) -> int:
        """Return how many lines there may be at a size."""
        return max(1, int(self.lines * self.sizes[-1] / size))


class Board(FPDF):
    """Pages of one size, in mm from the top left.

    `whole`: with every letter that the fonts have; without, `lacks` says that one was wanted.
    """

    def __init__(
        self, size: tuple[float, float], fonts: Path, made_at: int, *, whole: bool
    ) -> None:
        super().__init__(format=size)
        self.set_auto_page_break(False)
        self.set_creation_date(datetime.fromtimestamp(made_at, UTC))
        self.set_creator("Usher")
        self.set_producer("fpdf2")
        self.lacks = False
        sheet_fonts.add(self, fonts, whole=whole)

    def write_in(self, x: float, y: float, width: float, text: str, kind: Type) -> float:
        """Write a text within a width, from its upper edge `y`; return its lower edge."""
        text = sheet_text.plain(text)
        lines = self._fitted(text, width, kind)
        step = self.font_size_pt * POINT * kind.leading
        written = [self._visual(line) for line in lines]
        if lines:
            with self._tagged(kind.tag, _said(text, " ".join(written))):
                self.set_text_color(kind.grey)
                for index, line in enumerate(written):
                    self.text(x, y + index * step + self.font_size_pt * POINT * ASCENT, line)
        return y + len(lines) * step

    def draw_code(self, x: float, y: float, side: float, code: codes.Code, alt: str) -> None:
        """Draw a code's dark modules in a square; its quiet zone lies around the square."""
        module = side / (code.side - 2 * codes.QUIET)
        left, top = x - codes.QUIET * module, self.h - y + codes.QUIET * module
        boxes = " ".join(
            f"{self._pt(left + column * module)} {self._pt(top - (row + 1) * module)}"
            f" {self._pt(length * module)} {self._pt(module)} re"
            for column, row, length in codes.runs(code)
        )
        with self._tagged("Figure", alt):
            self._out(f"0 g {boxes} f")  # one path: no hair lines between its boxes

    @contextmanager
    def artifact(self) -> Iterator[None]:
        """Draw what no screen reader needs to say."""
        self._out("/Artifact BMC")
        yield
        self._out("EMC")

    @contextmanager
    def _tagged(self, tag: str, alt: str) -> Iterator[None]:
        mcid = self.struct_builder.next_mcid_for_page(self.page)
        self._add_marked_content(struct_type=f"/{tag}", mcid=mcid, alt_text=alt or None)
        self._out(f"/{tag} <</MCID {mcid}>> BDC")
        yield
        self._out("EMC")

    def _fitted(self, text: str, width: float, kind: Type) -> list[str]:
        """Choose the size, and return the lines that are written at it."""
        for size in kind.sizes:
            self._use(kind, size)
            lines = list(sheet_text.wrap(text, self._width, width))
            if len(lines) <= kind.most(size):
                return lines
        return sheet_text.cut(text, self._width, width, kind.lines)

    def _use(self, kind: Type, size: float) -> None:
        self.set_font(sheet_fonts.FAMILY, "B" if kind.bold else "", size)

    def _width(self, text: str) -> float:
        return self.get_string_width(self._visual(text))

    def _visual(self, text: str) -> str:
        return sheet_text.shown(text, self._has_glyph)

    def _has_glyph(self, char: str) -> bool:
        found = isinstance(self.current_font, TTFFont) and ord(char) in self.current_font.cmap
        self.lacks = self.lacks or not found
        return found

    def _pt(self, mm: float) -> str:
        return f"{mm * self.k:.3f}"


def _said(text: str, written: str) -> str:
    """Return what a screen reader must be told, where the glyphs don't tell it."""
    return "" if written == text else text
