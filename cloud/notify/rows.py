"""A mail wherever it was put down: in a tenant, or outside every one."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from cloud.db.tenancy import PlatformTx, TenantTx
from cloud.http.kernel import Sealer
from cloud.notify import finding, platform_rows, refusals, repository
from cloud.notify.addresses import Sender
from cloud.notify.facts import Found
from cloud.notify.model import CATEGORIES, Outcome
from cloud.notify.platform_rows import Posted
from cloud.notify.repository import Waiting

Lane = UUID | None  # a tenant, or None: the platform
Row = Waiting | Posted


class House(NamedTuple):
    """Who mails are from, and where links lead."""

    sender: Sender
    url: str  # without a slash at its end


async def take(tx: TenantTx | PlatformTx, most: int) -> Sequence[Row]:
    """Return the mails that are due next, which are this sender's for a while."""
    if isinstance(tx, TenantTx):
        return await repository.take(tx, most)
    return await platform_rows.take(tx, most)


async def look(tx: TenantTx | PlatformTx, sealer: Sealer, row: Row) -> Found | str:
    """Return what a mail says, or a code for why there is nothing to say."""
    if isinstance(tx, TenantTx) and isinstance(row, Waiting):
        return await finding.find(tx, sealer, row)
    if isinstance(tx, PlatformTx) and isinstance(row, Posted):
        return await platform_rows.find(tx, sealer, row)
    raise TypeError("a mail is found where it was put down")


async def note(tx: TenantTx | PlatformTx, row: Row, outcome: Outcome) -> None:
    """Write down what a mail came to."""
    if isinstance(tx, TenantTx) and isinstance(row, Waiting):
        await repository.note(tx, row.mail_id, outcome)
    elif isinstance(tx, PlatformTx) and isinstance(row, Posted):
        await platform_rows.note(tx, row.message_id, outcome)


def unsubscribe(sealer: Sealer, url: str, lane: Lane, found: Found) -> str:
    """Return the address by which a mail's reader refuses its kind; "": it can't be refused."""
    category = CATEGORIES.get(found.kind)
    if category is None or lane is None:
        return ""
    link = refusals.Link(lane, category, found.to, found.language)
    return f"{url}{refusals.PATH}/{refusals.token(sealer, link)}"
