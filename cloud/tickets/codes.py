"""A ticket's code, as modules, SVG and PNG (shared/spec/token.md §2).

code = draw(token.encode_text(ticket), PAPER)
svg(code, "Ticket 3 of the order 4F7K")

Rules:
- Alphanumeric mode throughout, so a text has one size.
- On screens error correction M; on paper Q, or M where Q would need more than version 10.
- Four light modules around: they are part of every picture.
- The same text gives the same bytes.
"""

import html
import re
import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple, Self

import qrcode

from cloud.tickets import qr
from shared import token

QUIET: Final = 4  # modules
LARGEST: Final = 10  # the largest version that a gate's cameras are tried with

M: Final = qrcode.ERROR_CORRECT_M
Q: Final = qrcode.ERROR_CORRECT_Q
Levels = tuple[int, ...]
SCREEN: Final[Levels] = (M,)
PAPER: Final[Levels] = (Q, M)  # the first that stays within LARGEST

DARK: Final = re.compile("1+")
PNG: Final = b"\x89PNG\r\n\x1a\n"
GREY: Final = bytes((1, 0, 0, 0, 0))  # a bit a pixel, no palette, nothing interlaced

# What XML 1.0 has no way to say, not even escaped.
NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Code(NamedTuple):
    """A code's modules with its quiet zone, row by row; "1" is dark."""

    lines: tuple[str, ...]

    @classmethod
    def of(cls, rows: Iterable[Iterable[object]]) -> Self:
        """Return a code of modules that are true where they are dark."""
        return cls(tuple("".join("01"[bool(module)] for module in row) for row in rows))

    @property
    def side(self) -> int:
        """How many modules wide and high it is, the quiet zone among them."""
        return len(self.lines)

    @property
    def rows(self) -> tuple[tuple[bool, ...], ...]:
        """Its modules; true is dark."""
        return tuple(tuple(module == "1" for module in line) for line in self.lines)


def draw(text: str, levels: Levels) -> Code:
    """Return the code of a ticket or presentation. Any other text is Malformed."""
    token.parse(text)
    sizes = ((qr.version_for(text, level), level) for level in levels)
    version, level = next(size for size in sizes if size[0] <= LARGEST)
    rows = qr.modules(text, version, level)
    side = len(rows) + 2 * QUIET
    edge = ["0" * side] * QUIET
    return Code((*edge, *(row.center(side, "0") for row in rows), *edge))


def runs(code: Code) -> Iterator[tuple[int, int, int]]:
    """Yield x, y and length of each horizontal run of dark modules."""
    for y, row in enumerate(code.lines):
        for dark in DARK.finditer(row):
            yield dark.start(), y, dark.end() - dark.start()


def svg(code: Code, title: str) -> bytes:
    """Return the code as one path on white, with a title for screen readers."""
    side = code.side
    path = "".join(f"M{x} {y}h{length}v1h-{length}z" for x, y, length in runs(code))
    said = html.escape(NOT_XML.sub("\ufffd", title))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" role="img"'
        f' shape-rendering="crispEdges"><title>{said}</title>'
        f'<rect width="{side}" height="{side}" fill="#fff"/><path d="{path}"/></svg>'
    ).encode()


def png(code: Code, module: int = 8) -> bytes:
    """Return the code in black and white, each module a square of `module` pixels."""
    if not 1 <= module <= 64:
        raise ValueError("a module has 1 to 64 pixels")
    stride = -(-code.side * module // 8)
    pixels = b"".join(_row(line, module, stride) for line in code.lines)
    size = struct.pack(">II", code.side * module, code.side * module)
    parts = ((b"IHDR", size + GREY), (b"IDAT", zlib.compress(pixels)), (b"IEND", b""))
    return PNG + b"".join(_chunk(*part) for part in parts)


def _row(line: str, module: int, stride: int) -> bytes:
    """Return a row of modules as PNG's rows of pixels: the first as it is, the others like it."""
    bits = line.translate({ord("1"): "0" * module, ord("0"): "1" * module})
    first = int(bits.ljust(8 * stride, "0"), 2).to_bytes(stride, "big")
    return b"\0" + first + (b"\2" + bytes(stride)) * (module - 1)


def _chunk(kind: bytes, content: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + check
