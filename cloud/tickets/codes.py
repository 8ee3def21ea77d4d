"""A ticket's code, as modules, SVG and PNG (shared/spec/token.md §2).

code = draw(token.encode_text(ticket), PAPER)
svg(code, "Ticket 3 of the order 4F7K")

Rules:
- Alphanumeric mode throughout, so a text has one size.
- On screens error correction M; on paper Q, or M where Q would need more than version 10.
- Four light modules around: they are part of every picture.
- The same text gives the same bytes.

Trap: qrcode 8.2 raises ValueError for a block of zeros alone (its issue 330), 17 or more zero
bytes of a ticket in a row. Ids and signatures are random: only a made-up ticket has them.
"""

import html
import io
import re
from collections.abc import Iterator
from itertools import groupby
from typing import Final, NamedTuple

import qrcode
from PIL import Image
from qrcode.util import MODE_ALPHA_NUM, QRData

from cloud.tickets import masks
from shared import token

QUIET: Final = 4  # modules
LARGEST: Final = 10  # the largest version that a gate's cameras are tried with

M: Final = qrcode.ERROR_CORRECT_M
Q: Final = qrcode.ERROR_CORRECT_Q
Levels = tuple[int, ...]
SCREEN: Final[Levels] = (M,)
PAPER: Final[Levels] = (Q, M)  # the first that stays within LARGEST

# What XML 1.0 has no way to say, not even escaped.
NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Code(NamedTuple):
    """A code's modules with its quiet zone, row by row; true is dark."""

    rows: tuple[tuple[bool, ...], ...]

    @property
    def side(self) -> int:
        """How many modules wide and high it is, the quiet zone among them."""
        return len(self.rows)


def draw(text: str, levels: Levels) -> Code:
    """Return the code of a ticket or presentation. Any other text is Malformed."""
    token.parse(text)
    made = next(code for code in _made(text, levels) if code.version <= LARGEST)
    made.mask_pattern = masks.best(made)
    made.make()
    return Code(tuple(tuple(map(bool, row)) for row in made.get_matrix()))


def runs(code: Code) -> Iterator[tuple[int, int, int]]:
    """Yield x, y and length of each horizontal run of dark modules."""
    for y, row in enumerate(code.rows):
        x = 0
        for dark, run in groupby(row):
            length = len(tuple(run))
            if dark:
                yield x, y, length
            x += length


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
    small = Image.new("1", (code.side, code.side))
    small.putdata([0 if dark else 255 for row in code.rows for dark in row])
    size = code.side * module
    out = io.BytesIO()
    small.resize((size, size), Image.Resampling.NEAREST).save(out, "PNG", optimize=True)
    return out.getvalue()


def _made(text: str, levels: Levels) -> Iterator[qrcode.QRCode]:
    for level in levels:
        made = qrcode.QRCode(error_correction=level, border=QUIET)
        made.add_data(QRData(text, mode=MODE_ALPHA_NUM))
        yield made
