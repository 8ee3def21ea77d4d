"""One page: the ticket above the fold, and below it what to do with it.

Folded once, the page shows the ticket alone; folded twice, the code lies in one quarter and
no fold goes through it. Each text has its room, and is set smaller or cut to stay in it.
All measures are in mm.
"""

from itertools import pairwise
from typing import Final, NamedTuple

from cloud.tickets import codes
from cloud.tickets.sheet_board import BLACK, GREY, Board, Type
from cloud.tickets.sheet_printed import Printed, local, offset, paper_admits
from cloud.tickets.sheet_words import Words

MARGIN: Final = 18.0
CODE: Final = 66.0  # without its quiet zone: a module is 1.35 if static, 1.16 if bound
QUIET: Final = 5.5  # four modules at least, on all sides
GAP: Final = 10.0  # between the columns
TOP: Final = 30.0  # of what is below the head
FACTS: Final = 25.0  # from the row of facts to the fold
RULE: Final = 0.3

KICKER: Final = Type((9.0,), grey=GREY)
EVENT: Final = Type((28.0, 24.0, 20.0, 15.0), lines=4, bold=True, tag="H1", leading=1.16)
DAY: Final = Type((13.0, 11.5), lines=2, bold=True)
HOURS: Final = Type((13.0, 11.5), lines=2)
SMALL: Final = Type((8.5,), lines=2, grey=GREY)
PLACE: Final = Type((11.0,), lines=2, bold=True)
ADDRESS: Final = Type((10.0, 9.0), lines=2)
LABEL: Final = Type((8.0,), grey=GREY)
VALUE: Final = Type((11.5, 10.0, 9.0), lines=2, bold=True)
HEADING: Final = Type((13.0,), bold=True, tag="H2")
SENTENCE: Final = Type((10.5,), lines=3, leading=1.35)
CLASS_TEXT: Final = Type((10.5, 9.5), lines=6, bold=True, leading=1.35)
LIVE: Final = Type((15.0, 13.0), lines=2, bold=True, tag="H2")


class Position(NamedTuple):
    """Which ticket of the document it is, from 1."""

    number: int
    total: int


def draw_page(board: Board, ticket: Printed, position: Position, words: Words) -> None:
    """Add a ticket's page."""
    board.add_page()
    _head(board, ticket, position, words)
    _what(board, ticket, words)
    _whose(board, ticket, words)
    if paper_admits(ticket.code):
        _code(board, ticket, words)
    else:
        _no_code(board, words)
    _fold(board, words)
    _gate(board, ticket, words)
    _bought(board, ticket, words)


def _head(board: Board, ticket: Printed, position: Position, words: Words) -> None:
    name = words("title.one")
    if position.total > 1:
        name = words("title.of", n=position.number, total=position.total)
    board.write_in(MARGIN, MARGIN, 60, name, KICKER._replace(bold=True, grey=BLACK))
    board.write_in(_right(board), MARGIN, CODE, f"{words('field.order')} {ticket.order}", KICKER)
    board.line(MARGIN, MARGIN + 6, board.w - MARGIN, RULE)


def _what(board: Board, ticket: Printed, words: Words) -> None:
    """Write event, time and place, in the left column."""
    width = _right(board) - GAP - MARGIN
    starts = local(ticket.starts_at, ticket.timezone)
    y = board.write_in(MARGIN, TOP - 2, width, ticket.event, EVENT) + 5
    y = board.write_in(MARGIN, y, width, words.day(starts), DAY)
    y = board.write_in(MARGIN, y, width, _hours(ticket, words), HOURS) + 0.8
    zone = words("time.zone", zone=ticket.timezone, offset=offset(starts))
    y = board.write_in(MARGIN, y, width, zone, SMALL) + 5
    y = board.write_in(MARGIN, y, width, ticket.place, PLACE)
    board.write_in(MARGIN, y, width, ticket.address, ADDRESS)


def _whose(board: Board, ticket: Printed, words: Words) -> None:
    """Write name, class and seat, in a row above the fold."""
    y = board.h / 2 - FACTS
    board.line(MARGIN, y, board.w - MARGIN, RULE)
    named = (("attendee", ticket.attendee), ("class", ticket.ticket_class), ("seat", ticket.seat))
    facts = [(name, value) for name, value in named if value]
    middle = MARGIN + 0.56 * (_right(board) - MARGIN)  # names are longer than classes
    edges = (MARGIN, middle, _right(board), board.w - MARGIN + GAP / 2)
    for (x, to), (name, value) in zip(pairwise(edges), facts, strict=False):
        _fact(board, x, y + 4, to - x - GAP / 2, words(f"field.{name}"), value)


def _hours(ticket: Printed, words: Words) -> str:
    starts = f"{local(ticket.starts_at, ticket.timezone):%H:%M}"
    if ticket.doors_at is None:
        return words("time.starts", starts=starts)
    doors = f"{local(ticket.doors_at, ticket.timezone):%H:%M}"
    return words("time.doors", doors=doors, starts=starts)


def _code(board: Board, ticket: Printed, words: Words) -> None:
    x = _right(board)
    board.draw_code(x, TOP, CODE, codes.draw(ticket.code, codes.PAPER), words("code.alt"))
    board.write_in(x, TOP + CODE + QUIET, CODE, words("code.caption"), SMALL)


def _no_code(board: Board, words: Words) -> None:
    x, inner = _right(board) + 7, CODE - 14
    board.frame(_right(board), TOP, CODE, 0.6)
    y = board.write_in(x, TOP + 12, inner, words("live.title"), LIVE) + 3
    board.write_in(x, y, inner, words("live.say"), SENTENCE._replace(lines=8))


def _fold(board: Board, words: Words) -> None:
    y = board.h / 2
    board.line(0, y, board.w, RULE, dash=(1.2, 1.8))
    board.write_in(MARGIN, y + 1, 60, words("fold"), LABEL)


def _gate(board: Board, ticket: Printed, words: Words) -> None:
    """Say what to do, in the left column below the fold."""
    width = _right(board) - GAP - MARGIN
    on_paper = paper_admits(ticket.code)
    names = ["bring", "flat", "copy", "newer"] if on_paper else ["bring_live", "newer"]
    y = board.write_in(MARGIN, board.h / 2 + 16, width, words("gate.title"), HEADING) + 2.5
    y = board.write_in(MARGIN, y, width, ticket.class_text, CLASS_TEXT)
    for name in names:
        y = board.write_in(MARGIN, y + 2, width, words(f"gate.{name}"), SENTENCE)


def _bought(board: Board, ticket: Printed, words: Words) -> None:
    """Write what was paid for, in the right column below the fold."""
    x, y = _right(board), board.h / 2 + 16.5
    for name, value in (("order", ticket.order), ("price", ticket.price)):
        y = _fact(board, x, y, CODE, words(f"field.{name}"), value)


def _fact(board: Board, x: float, y: float, width: float, label: str, value: str) -> float:
    if not value:
        return y
    y = board.write_in(x, y, width, label, LABEL)
    return board.write_in(x, y, width, value, VALUE) + 2.5


def _right(board: Board) -> float:
    return board.w - MARGIN - CODE
