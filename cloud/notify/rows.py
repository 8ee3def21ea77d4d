"""A mail wherever it was put down: in a tenant, or outside every one."""

from collections.abc import Sequence
from enum import Enum, auto
from typing import NamedTuple
from uuid import UUID

from cloud.db.tenancy import PlatformTx, TenantTx
from cloud.http.kernel import Sealer
from cloud.notify import bounces, finding, platform_rows, refusals, repository
from cloud.notify.addresses import Mailbox, Sender
from cloud.notify.facts import Found
from cloud.notify.model import CATEGORIES, Category, Outcome, State
from cloud.notify.platform_rows import Posted
from cloud.notify.repository import Waiting

Lane = UUID | None  # a tenant, or None: the platform
Row = Waiting | Posted


class House(NamedTuple):
    """Who mails are from, and where links lead."""

    sender: Sender
    url: str  # without a slash at its end
    bounces: Mailbox | None = None  # where mails are sent back to; None: to the sender


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


def return_address(sealer: Sealer, house: House, lane: Lane, row: Row) -> str:
    """Return the address that a mail is sent back to, its own; "": the sender's."""
    if house.bounces is None:
        return ""
    number = row.mail_id.int if isinstance(row, Waiting) else row.message_id
    return bounces.address(sealer, house.bounces, lane, number).spec


class Heard(Enum):
    """What a report that a mail came back is good for."""

    NEW = auto()
    EARLY = auto()  # the mail's sender has yet to note that it was handed over
    OLD = auto()  # known already, or the mail is forgotten


async def bounce(
    tx: TenantTx | PlatformTx, sealer: Sealer, number: int, told: bounces.Report
) -> Heard:
    """Note that a mail came back after a server had taken it.

    Where its address is dead nothing more is sent there for a while that its reader may refuse.
    """
    if isinstance(tx, PlatformTx):
        if await platform_rows.under_way(tx, number):
            return Heard.EARLY
        noted = await platform_rows.bounce(tx, number, told.status)
        return Heard.NEW if noted else Heard.OLD
    if await repository.under_way(tx, UUID(int=number)):
        return Heard.EARLY
    return Heard.NEW if await _bounce(tx, sealer, number, told) else Heard.OLD


async def _bounce(tx: TenantTx, sealer: Sealer, number: int, told: bounces.Report) -> bool:
    state = State.BOUNCED if told.for_good else State.FAILED
    mail = await repository.bounce(tx, UUID(int=number), Outcome(state, told.status))
    if mail is None:
        return False
    found = await finding.find(tx, sealer, mail)
    if isinstance(found, Found) and told.is_dead(found.to):
        for category in Category:
            await refusals.refuse(tx, found.to, category, bounced=True)
    return True


def unsubscribe(sealer: Sealer, url: str, lane: Lane, found: Found) -> str:
    """Return the address by which a mail's reader refuses its kind; "": it can't be refused."""
    category = CATEGORIES.get(found.kind)
    if category is None or lane is None:
        return ""
    link = refusals.Link(lane, category, found.to, found.language)
    return f"{url}{refusals.PATH}/{refusals.token(sealer, link)}"
