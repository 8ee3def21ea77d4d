"""The books over HTTP, for whoever may read them. Nobody writes them but the facts."""

from typing import Annotated, Final

from litestar import get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from cloud.books import repository
from cloud.books.repository import Balance, Entry, Place
from cloud.db.tenancy import TenantTx
from cloud.http import paging
from cloud.http.access import needs
from cloud.http.paging import Cursor, Limit, Page

BOOKS: Final = "/v1/tenants/{tenant_id:uuid}/books"
Subject = Annotated[
    str,
    QueryParameter(
        max_length=128,
        pattern=r"\A(|(order|refund|payment|transaction):[A-Za-z0-9_-]+)\Z",
        description="`order:<id>`, `refund:<id>`, `payment:<id>` or `transaction:<signature>` (on "
        "a chain): entries of this alone.",
    ),
]


@get(
    f"{BOOKS}/balances",
    opt=needs("books:read"),
    tags=["books"],
    operation_id="readBalances",
    summary="Read the balances",
)
async def read_balances(tx: NamedDependency[TenantTx]) -> list[Balance]:
    """Return what each account comes to, in each currency. They sum to zero."""
    return await repository.balances(tx)


@get(
    f"{BOOKS}/entries",
    opt=needs("books:read"),
    tags=["books"],
    operation_id="listEntries",
    summary="List entries",
)
async def list_entries(
    tx: NamedDependency[TenantTx],
    subject: Subject = "",
    limit: Limit = paging.DEFAULT_LIMIT,
    cursor: Cursor = "",
) -> Page[Entry]:
    """Return entries, the oldest first; each as soon as nothing older can still come."""
    after = paging.decode(cursor, Place) or Place(0, 0)
    found = await repository.entries(tx, after, subject, limit + 1)
    shown = paging.page(found, limit, lambda booked: booked.place)
    return Page([booked.entry for booked in shown.items], shown.next)


ROUTES = (read_balances, list_entries)
