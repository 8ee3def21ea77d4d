"""Tickets as a PDF to print: a page each, an order as one document. Pure but for the fonts' files.

sheet([Printed(event="Ñu, la gira", ...)], language="es", made_at=now)

Rules:
- The same arguments give the same bytes.
- The code is drawn as vectors at error correction Q, more than a millimetre a module.
- A ticket that a gate refuses on paper has no code here: the page says where to open it.
- No text, however hostile, moves what stands beside it (`sheet_text`). What the font lacks,
  such as Chinese letters, is printed as U+FFFD: the code admits, whatever the name looks like.
- Sentences are in `language` (en, es, fr, de; else English), other people's texts as they are.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cloud.tickets import sheet_file, sheet_text
from cloud.tickets.sheet_board import Board
from cloud.tickets.sheet_fonts import FONTS, faces
from cloud.tickets.sheet_fonts import FontMissing as FontMissing
from cloud.tickets.sheet_page import Position, draw_page
from cloud.tickets.sheet_printed import Printed as Printed
from cloud.tickets.sheet_words import Words, words

Size = tuple[float, float]
A4: Final[Size] = (210.0, 297.0)  # mm
LETTER: Final[Size] = (215.9, 279.4)


def sheet(
    tickets: Sequence[Printed],
    *,
    language: str,
    made_at: int,
    size: Size = A4,
    fonts: Path = FONTS,
) -> bytes:
    """Return the document. `made_at` is in unix seconds."""
    if not tickets:
        raise ValueError("a document has at least one ticket")
    said, board = words(language), Board(size, faces(fonts))
    for number, ticket in enumerate(tickets, start=1):
        draw_page(board, ticket, Position(number, len(tickets)), said)
    return sheet_file.file(
        board, language=said.language, title=_title(tickets[0], said), made_at=made_at
    )


def _title(ticket: Printed, said: Words) -> str:
    title = said("title.document", event=ticket.event[:200], order=ticket.order[:100])
    return sheet_text.plain(title)
