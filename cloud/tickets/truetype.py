"""A TrueType font that is read once, and cut to a few of its glyphs at a time. Pure.

Glyphs keep their numbers, so that nothing in them has to be written anew: a cut font is the
outlines that are wanted, copied, with nothing between them. Hints for coarse screens are left out,
which neither paper nor today's screens use. Formats: OpenType's specification, "glyf", "loca".
"""

import io
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from fontTools.ttLib import TTFont  # type: ignore[import-untyped]

# Of a composite glyph's component: its flags.
WORDS, SCALE, MORE, TWO_SCALES, MATRIX, HINTS = 0x1, 0x8, 0x20, 0x40, 0x80, 0x100
WHOLE: Final = 0xB1B0AFBA  # what the checksums of a font come to
EM: Final = 1000  # units in which a PDF measures


class Face:
    """A font. Its measures are in thousandths of its size. `stem`: of an upright stroke."""

    def __init__(self, content: bytes, stem: int) -> None:
        font = TTFont(io.BytesIO(content), recalcTimestamp=False, lazy=True)
        self._tables = {tag: bytes(font.reader[tag]) for tag in ("head", "hhea", "maxp", "glyf")}
        self._starts: Sequence[int] = list(font["loca"].locations)
        self._metrics = [font["hmtx"].metrics[name] for name in font.getGlyphOrder()]
        scale = EM / font["head"].unitsPerEm
        self.name = str(font["name"].getDebugName(6))
        self.stem = stem
        self.ascent = round(font["hhea"].ascent * scale)
        self.descent = round(font["hhea"].descent * scale)
        corners = struct.unpack_from(">4h", self._tables["head"], 36)
        self.box = [round(each * scale) for each in corners]
        self.widths = [round(advance * scale) for advance, _ in self._metrics]  # by glyph
        self.glyphs = {
            chr(code): int(font.getGlyphID(name)) for code, name in font.getBestCmap().items()
        }
        self._wide = {letter: self.widths[glyph] for letter, glyph in self.glyphs.items()}

    def has(self, letter: str) -> bool:
        """Tell whether it can show a letter."""
        return letter in self.glyphs

    def width(self, text: str, size: float) -> float:
        """Return how wide a text is, whose letters it has."""
        units: int = sum(map(self._wide.__getitem__, text))
        return units * size / EM

    def cut(self, glyphs: Iterable[int]) -> bytes:
        """Return a font with these glyphs, and what they are composed of, under their numbers."""
        outlines = sorted(self._outlines(glyphs).items())
        starts, metrics, start, free = [], [], 0, 0
        for glyph, outline in outlines:  # those between two have nothing
            gap = glyph - free
            starts.append(struct.pack(">I", start) * (gap + 1))
            metrics.append(bytes(4 * gap) + struct.pack(">Hh", *self._metrics[glyph]))
            start, free = start + len(outline), glyph + 1
        starts.append(struct.pack(">I", start))
        head, across, most = (bytearray(self._tables[tag]) for tag in ("head", "hhea", "maxp"))
        head[8:12], head[50:52] = bytes(4), b"\0\1"  # no checksum yet; offsets of four bytes
        across[34:36] = most[4:6] = struct.pack(">H", free)
        return _file(
            {
                b"glyf": b"".join(outline for _, outline in outlines),
                b"head": bytes(head),
                b"hhea": bytes(across),
                b"hmtx": b"".join(metrics),
                b"loca": b"".join(starts),
                b"maxp": bytes(most),
            }
        )

    def _outlines(self, glyphs: Iterable[int]) -> dict[int, bytes]:
        wanted, outlines = [0, *glyphs], {}  # the first glyph is what a font shows for none
        while wanted:
            glyph = wanted.pop()
            if glyph not in outlines:
                outline = self._tables["glyf"][self._starts[glyph] : self._starts[glyph + 1]]
                outlines[glyph], parts = _bare(outline)
                wanted += parts
        return outlines


def _bare(outline: bytes) -> tuple[bytes, Sequence[int]]:
    """Return an outline without its hints, filled up to whole words, and the glyphs in it."""
    if not outline:
        return b"", ()
    contours = struct.unpack_from(">h", outline)[0]
    if contours < 0:
        return _bare_composite(outline)
    at = 10 + 2 * contours
    hints = struct.unpack_from(">H", outline, at)[0]
    return _filled(outline[:at] + b"\0\0" + outline[at + 2 + hints :]), ()


def _bare_composite(outline: bytes) -> tuple[bytes, Sequence[int]]:
    made, parts, end = bytearray(outline), [], 0
    for at, flags, glyph, size in _components(outline):
        struct.pack_into(">H", made, at, flags & ~HINTS)
        parts.append(glyph)
        end = at + size
    return _filled(bytes(made[:end])), parts


def _components(outline: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Yield where each component is, its flags, its glyph and its size."""
    at, flags = 10, MORE
    while flags & MORE:
        flags, glyph = struct.unpack_from(">HH", outline, at)
        size = 8 if flags & WORDS else 6
        size += 2 * bool(flags & SCALE) + 4 * bool(flags & TWO_SCALES) + 8 * bool(flags & MATRIX)
        yield at, flags, glyph, size
        at += size


def _filled(content: bytes) -> bytes:
    return content + bytes(-len(content) % 4)


def _file(tables: Mapping[bytes, bytes]) -> bytes:
    """Return a font's file: a directory of its tables, then the tables, with their checksums."""
    power = len(tables).bit_length() - 1
    directory = struct.pack(
        ">IHHHH", 0x10000, len(tables), 16 << power, power, 16 * len(tables) - (16 << power)
    )
    body, begin = bytearray(), len(directory) + 16 * len(tables)
    for tag, table in sorted(tables.items()):
        directory += tag + struct.pack(">III", _sum(table), begin + len(body), len(table))
        body += _filled(table)
    made = bytearray(directory) + body
    at = made.index(b"head") + 8  # its entry's offset
    (head,) = struct.unpack_from(">I", made, at)
    struct.pack_into(">I", made, head + 8, (WHOLE - _sum(bytes(made))) % 2**32)
    return bytes(made)


def _sum(content: bytes) -> int:
    filled = _filled(content)
    words: Sequence[int] = struct.unpack(f">{len(filled) // 4}I", filled)
    return sum(words) % 2**32
