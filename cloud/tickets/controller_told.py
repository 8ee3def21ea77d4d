"""What is told of tickets over HTTP: to staff with the age of what gates said of them."""

from typing import TypeVar
from uuid import UUID

from litestar import Response

from cloud import unsent
from cloud.db.tenancy import TenantTx
from cloud.http.access import Caller

T = TypeVar("T")


async def told(tx: TenantTx, caller: Caller, event_id: UUID, said: T) -> Response[T]:
    """Return an answer about an event's tickets."""
    if caller.has("tickets:read"):
        return await unsent.beside(tx, event_id, said)
    return Response(said)
