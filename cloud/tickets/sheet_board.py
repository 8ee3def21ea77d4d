"""What a ticket is drawn on: pages that take untrusted text and are read aloud.

All that is written is tagged, headings as such and the code as a figure with its words;
what only decorates is marked as an artifact, which a screen reader passes over.
Measures are in mm from the top left; a page's content is in points from the bottom left.
"""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple

from cloud.tickets import codes, sheet_text
from cloud.tickets.sheet_fonts import Faces
from cloud.tickets.truetype import Face

MM: Final = 72 / 25.4  # points
ASCENT: Final = 0.93  # of DejaVu's letters, in sizes

REMEMBERED: Final = 1024  # texts that are set already: most of a page is on every page

BLACK: Final = 0
GREY: Final = 95  # of 255: dark enough to be read by weak eyes, and on a weak printer


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


class Tag(NamedTuple):
    """What a screen reader finds. `alt`: what it says where glyphs don't tell it."""

    kind: str
    alt: str


@dataclass(frozen=True)
class Page:
    """A page's drawing, and what is tagged in it, in the order of reading."""

    drawn: list[str] = field(default_factory=list)
    tags: list[Tag] = field(default_factory=list)


@dataclass(frozen=True)
class Font:
    """A font of a document. `shown`: its glyphs that are in it, with their letters."""

    name: str
    face: Face
    shown: dict[int, str] = field(default_factory=dict)

    def write(self, line: str) -> str:
        """Return a line as its glyphs' numbers."""
        glyphs = [self.face.glyphs[letter] for letter in line]
        self.shown.update(zip(glyphs, line, strict=True))
        return f"<{''.join(f'{glyph:04X}' for glyph in glyphs)}>"


class Board:
    """Pages of one size."""

    def __init__(self, size: tuple[float, float], faces: Faces) -> None:
        self.w, self.h = size
        self.pages: list[Page] = []
        self.fonts = (Font("F1", faces.plain), Font("F2", faces.bold))

    def add_page(self) -> None:
        """Begin a page."""
        self.pages.append(Page())

    def write_in(self, x: float, y: float, width: float, text: str, kind: Type) -> float:
        """Write a text within a width, from its upper edge `y`; return its lower edge."""
        text, font = sheet_text.plain(text), self.fonts[kind.bold]
        size, lines = _fitted(text, width * MM, kind, font.face)
        step = size * kind.leading
        if lines:
            first = f"{x * MM:.3f} {(self.h - y) * MM - size * ASCENT:.3f}"
            shown = f" Tj 0 {-step:.3f} Td ".join(map(font.write, lines))
            self._tag(
                Tag(kind.tag, "" if " ".join(lines) == text else text),
                f"{kind.grey / 255:.3f} g BT /{font.name} {size:g} Tf {first} Td {shown} Tj ET",
            )
        return y + len(lines) * step / MM

    def draw_code(self, x: float, y: float, side: float, code: codes.Code, alt: str) -> None:
        """Draw a code's dark modules in a square; its quiet zone lies around the square."""
        module = side * MM / (code.side - 2 * codes.QUIET)
        left, top = x * MM - codes.QUIET * module, (self.h - y) * MM + codes.QUIET * module
        boxes = " ".join(f"{at} {-row - 1} {length} 1 re" for at, row, length in codes.runs(code))
        # One path, in modules: no hair lines between its boxes.
        scaled = f"{module:.5f} 0 0 {module:.5f} {left:.3f} {top:.3f} cm"
        self._tag(Tag("Figure", alt), f"q 0 g {scaled} {boxes} f Q")

    def line(
        self, x: float, y: float, to: float, width: float, dash: tuple[float, ...] = ()
    ) -> None:
        """Draw a level line. `dash`: how long its strokes are, and its gaps."""
        dashes = " ".join(f"{each * MM:.3f}" for each in dash)
        left, right, height = (f"{each * MM:.3f}" for each in (x, to, self.h - y))
        self._decorate(
            f"q 0 G {width * MM:.3f} w [{dashes}] 0 d {left} {height} m {right} {height} l S Q"
        )

    def frame(self, x: float, y: float, side: float, width: float) -> None:
        """Draw the edges of a square."""
        corner = f"{x * MM:.3f} {(self.h - y - side) * MM:.3f}"
        self._decorate(f"q 0 G {width * MM:.3f} w {corner} {side * MM:.3f} {side * MM:.3f} re S Q")

    def _decorate(self, drawn: str) -> None:
        self.pages[-1].drawn.append(f"/Artifact BMC {drawn} EMC")

    def _tag(self, tag: Tag, drawn: str) -> None:
        page = self.pages[-1]
        page.drawn.append(f"/{tag.kind} <</MCID {len(page.tags)}>> BDC {drawn} EMC")
        page.tags.append(tag)


@lru_cache(REMEMBERED)
def _fitted(text: str, width: float, kind: Type, face: Face) -> tuple[float, tuple[str, ...]]:
    """Choose the size; return it with the lines at it, each from left to right."""

    def wide(line: str) -> float:
        return face.width(sheet_text.shown(line, face.has), size)

    for size in kind.sizes:
        lines = list(sheet_text.wrap(text, wide, width))
        if len(lines) <= kind.most(size):
            break
    else:
        lines = sheet_text.cut(text, wide, width, kind.lines)
    return size, tuple(sheet_text.shown(line, face.has) for line in lines)
