"""What a mail is about, looked up at the moment that it is sent or shown.

Each function returns the facts, or a code that says why there is nothing to send any more.
"""

from collections.abc import Mapping
from typing import Final, LiteralString
from uuid import UUID

from cloud.db.tenancy import TenantTx
from cloud.http.kernel import Sealer
from cloud.notify import finding_events, finding_tickets, refusals
from cloud.notify.asked import BOUNCED, NO_ADDRESS, REFUSED, Asked, Look, Reader
from cloud.notify.facts import Found
from cloud.notify.model import CATEGORIES, Kind
from cloud.notify.repository import Waiting

READER: Final[LiteralString] = """
    SELECT email, email_verified_at IS NOT NULL AS proved FROM account
     WHERE account_id = $1 AND erased_at IS NULL
"""
ORGANIZER: Final[LiteralString] = "SELECT name FROM tenant WHERE tenant_id = $1"


async def find(tx: TenantTx, sealer: Sealer, mail: Waiting) -> Found | str:
    """Return what a mail says and to whom, or the code of why it is dropped."""
    reader = await _reader(tx, mail.account_id)
    if mail.account_id is not None and reader is None:
        return NO_ADDRESS
    answer = await LOOKS[mail.kind](Asked(tx, sealer, mail, reader))
    if isinstance(answer, str):
        return answer
    to, facts = answer
    category = CATEGORIES.get(mail.kind)
    if category is not None:
        refused = await refusals.refused(tx, to, mail.created_at)
        if category in refused:
            return BOUNCED if refused[category] else REFUSED
    organizer = await tx.conn.fetchval(ORGANIZER, tx.tenant)
    return Found(mail.kind, to, mail.language, organizer, facts)


async def _reader(tx: TenantTx, account: UUID | None) -> Reader | None:
    row = None if account is None else await tx.conn.fetchrow(READER, account)
    return None if row is None or row["email"] is None else Reader(row["email"], row["proved"])


LOOKS: Final[Mapping[Kind, Look]] = {
    Kind.ORDER: finding_tickets.order,
    Kind.REFUND: finding_tickets.money,
    Kind.PAYMENT_RETURNED: finding_tickets.money,
    Kind.OFFER: finding_tickets.offer,
    Kind.OFFER_DECLINED: finding_tickets.offered,
    Kind.OFFER_LAPSED: finding_tickets.offered,
    Kind.OFFER_WITHDRAWN: finding_tickets.withdrawn,
    Kind.HANDED_OVER: finding_tickets.offered,
    Kind.TAKEN_OVER: finding_tickets.taken_over,
    Kind.GUEST: finding_tickets.guest,
    Kind.EVENT_MOVED: finding_events.event,
    Kind.EVENT_CANCELLED: finding_events.event,
    Kind.INCIDENT: finding_events.incidents,
    Kind.INVITATION: finding_events.invitation,
    Kind.KEY_EXPORTED: finding_events.key,
}
