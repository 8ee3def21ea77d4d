"""Tickets' codes over HTTP: as text, as a picture, on paper.

Only who owns a ticket is given its code, and the box office (`tickets:issue`), of which the
audit then knows: whoever has a static code gets in.
"""

import asyncio
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from cloud.db.tenancy import TenantTx
from cloud.errors import Refusal
from cloud.http.access import Caller, fan
from cloud.tickets import codes, repository_printed
from cloud.tickets.controller_paths import TENANT, TICKET
from cloud.tickets.model_access import judge
from cloud.tickets.model_printed import Printable, code, has_code, picture, printed
from cloud.tickets.sheet import A4, LETTER, sheet

SCOPE: Final = "tickets:issue"
PDF: Final = "application/pdf"
Language = Annotated[
    Literal["en", "es", "fr", "de"], QueryParameter(description="Of the words around the code.")
]
Paper = Annotated[Literal["a4", "letter"], QueryParameter(description="The size of a page.")]


@get(
    f"{TICKET}/code.txt", opt=fan(), media_type="text/plain", tags=["tickets"],
    operation_id="readCodeText", summary="Read a ticket's code",
)  # fmt: skip
async def code_text(
    event_id: FromPath[UUID],
    ticket_id: FromPath[UUID],
    tx: NamedDependency[TenantTx],
    caller: NamedDependency[Caller],
) -> str:
    """Return the text of the code. A wallet makes live codes of a bound ticket's."""
    return code(await _own(tx, caller, event_id, ticket_id))


@get(
    f"{TICKET}/code.svg", opt=fan(), media_type="image/svg+xml", tags=["tickets"],
    operation_id="readCodeSvg", summary="Read a ticket's code as SVG",
)  # fmt: skip
async def code_svg(
    event_id: FromPath[UUID],
    ticket_id: FromPath[UUID],
    tx: NamedDependency[TenantTx],
    caller: NamedDependency[Caller],
) -> bytes:
    """Return the code as a picture for a screen."""
    ticket = await _own(tx, caller, event_id, ticket_id)
    drawn = await asyncio.to_thread(codes.draw, picture(ticket), codes.SCREEN)
    return codes.svg(drawn, ticket.event_name)


@get(
    f"{TICKET}/code.png", opt=fan(), media_type="image/png", tags=["tickets"],
    operation_id="readCodePng", summary="Read a ticket's code as PNG",
)  # fmt: skip
async def code_png(
    event_id: FromPath[UUID],
    ticket_id: FromPath[UUID],
    tx: NamedDependency[TenantTx],
    caller: NamedDependency[Caller],
) -> bytes:
    """Return the code as a picture for a screen."""
    ticket = await _own(tx, caller, event_id, ticket_id)
    drawn = await asyncio.to_thread(codes.draw, picture(ticket), codes.SCREEN)
    return await asyncio.to_thread(codes.png, drawn)


@get(
    f"{TICKET}/code.pdf", opt=fan(), media_type=PDF, tags=["tickets"],
    operation_id="printTicket", summary="Print a ticket",
)  # fmt: skip
async def code_pdf(
    event_id: FromPath[UUID],
    ticket_id: FromPath[UUID],
    tx: NamedDependency[TenantTx],
    caller: NamedDependency[Caller],
    language: Language = "en",
    paper: Paper = "a4",
) -> Response[bytes]:
    """Return a page to print. A ticket that only a live code admits says so in place of a code."""
    ticket = await _own(tx, caller, event_id, ticket_id)
    return await _pdf(tx, [ticket], f"ticket-{ticket.number}", language, paper)


@get(
    f"{TENANT}/orders/{{order_id:uuid}}/tickets.pdf", opt=fan(), media_type=PDF, tags=["tickets"],
    operation_id="printOrder", summary="Print an order's tickets",
)  # fmt: skip
async def order_pdf(
    order_id: FromPath[UUID],
    tx: NamedDependency[TenantTx],
    caller: NamedDependency[Caller],
    language: Language = "en",
    paper: Paper = "a4",
) -> Response[bytes]:
    """Return a page for each ticket of an order that has a code: the caller's own, or all of
    them to the box office.
    """
    found = await repository_printed.of_order(tx, order_id)
    own = [each for each in found if caller.account and each.account_id == caller.account]
    if caller.has(SCOPE) and len(own) < len(found):
        own = found
        await tx.audit("order.printed", f"order:{order_id}", tickets=len(found))
    if not own:
        judge(caller, None, SCOPE)
        raise Refusal("not_found")
    ready = [each for each in own if has_code(each)] or own
    return await _pdf(tx, ready, f"tickets-{order_id.hex[:8]}", language, paper)


async def _own(tx: TenantTx, caller: Caller, event_id: UUID, ticket_id: UUID) -> Printable:
    """Return a ticket to who may show its code."""
    ticket = await repository_printed.printable(tx, event_id, ticket_id)
    own = judge(caller, ticket and ticket.account_id, SCOPE)
    if ticket is None:
        raise Refusal("not_found")
    if not own:
        await tx.audit("ticket.code_shown", f"ticket:{ticket_id}", event_id=event_id)
    return ticket


async def _pdf(
    tx: TenantTx, tickets: list[Printable], name: str, language: str, paper: str
) -> Response[Any]:
    pages = [printed(each) for each in tickets]
    size = A4 if paper == "a4" else LETTER
    made_at = int(tx.now.timestamp())
    document = await asyncio.to_thread(sheet, pages, language=language, made_at=made_at, size=size)
    headers = {"content-disposition": f'attachment; filename="{name}.pdf"'}
    return Response(document, media_type=PDF, headers=headers)


CODE_ROUTES: Final = (code_text, code_svg, code_png, code_pdf, order_pdf)
