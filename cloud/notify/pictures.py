"""Tickets in a mail: their codes as pictures, and all of them as a PDF. Pure, but for its fonts."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from cloud.errors import Refusal
from cloud.notify.letter import Attachment, Block, Picture, Text
from cloud.notify.words import Words
from cloud.tickets import codes
from cloud.tickets.model_printed import Printable, picture, printed
from cloud.tickets.sheet import sheet

MOST_PICTURES: Final = 8  # of an order; the PDF has them all
MODULE: Final = 4  # pixels
NAME: Final = "tickets.pdf"


def blocks(say: Words, tickets: Sequence[Printable]) -> Iterator[Block]:
    """Show tickets: each with its code, or with where to find it."""
    on_paper = [each for each in tickets if _code(each)]
    total = len(tickets)
    for number, each in enumerate(tickets[:MOST_PICTURES], start=1):
        yield _picture(say, each, number, total)
    if len(tickets) > MOST_PICTURES and on_paper:
        yield Text(say("order.more"))
    if on_paper:
        yield Text(say("order.pdf"))
        yield Text(say("order.copies"))
    if len(on_paper) < total:
        yield Text(say("order.live"))


def _picture(say: Words, ticket: Printable, number: int, total: int) -> Picture:
    name = say("ticket.one", number=number, total=total) if total > 1 else say("fact.ticket")
    return Picture(
        f"code{number}", _png(ticket), say("code.alt", number=number), name,
        seat(say, ticket.class_name, ticket.seat),
    )  # fmt: skip


def seat(say: Words, class_name: str, label: str | None) -> str:
    """Return what a ticket is for."""
    if label:
        return say("ticket.seat", **{"class": class_name, "seat": label})
    return class_name


def _png(ticket: Printable) -> bytes:
    code = _code(ticket)
    return codes.png(codes.draw(code, codes.SCREEN), MODULE) if code else b""


def _code(ticket: Printable) -> str:
    """Return a code that admits as a picture, else nothing."""
    try:
        return picture(ticket)
    except Refusal:
        return ""


def pdf(tickets: Sequence[Printable], language: str, now: datetime) -> Sequence[Attachment]:
    """Return the tickets' document, if there are any."""
    if not tickets:
        return ()
    pages = [printed(each) for each in tickets]
    return (Attachment(NAME, sheet(pages, language=language, made_at=int(now.timestamp()))),)
