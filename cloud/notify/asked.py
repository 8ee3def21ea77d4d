"""What is looked up about a mail, and what comes of it."""

from collections.abc import Awaitable, Callable
from typing import Final, LiteralString, NamedTuple
from uuid import UUID

from cloud.db.tenancy import TenantTx
from cloud.http.kernel import Sealer
from cloud.notify.facts import Facts, Gig
from cloud.notify.repository import Waiting

GONE: Final = "gone"  # what it was about is not there any more
OVER: Final = "over"  # or is settled by now
NO_ADDRESS: Final = "no_address"
REFUSED: Final = "refused_by_reader"
BOUNCED: Final = "address_bounced"

GIG: Final[LiteralString] = """
    SELECT e.name, e.doors_at, e.starts_at, e.timezone, v.name AS place, v.address
      FROM event e JOIN venue v USING (tenant_id, venue_id)
     WHERE e.tenant_id = current_tenant() AND e.event_id = $1
"""


class Reader(NamedTuple):
    """To whom a mail goes. `proved`: the address is known to be theirs."""

    email: str
    proved: bool


class Asked(NamedTuple):
    """A mail to be found. `reader`: of its account, if it goes to one."""

    tx: TenantTx
    sealer: Sealer
    mail: Waiting
    reader: Reader | None


Answer = tuple[str, Facts] | str  # an address and the facts, or a code
Look = Callable[[Asked], Awaitable[Answer]]


async def gig(tx: TenantTx, event: UUID) -> Gig:
    """Return an event as its guests see it."""
    row = await tx.conn.fetchrow(GIG, event)
    if row is None:
        raise LookupError("no such event")
    return Gig(**row)


def number_of(order: UUID) -> str:
    """Return the number that people tell each other, as on the printed ticket."""
    return order.hex[:8].upper()
