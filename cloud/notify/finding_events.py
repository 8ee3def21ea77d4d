"""What mails about events, incidents, invitations and keys say."""

from typing import Final, LiteralString
from uuid import UUID

from cloud.accounts import mail as account_mail
from cloud.notify.asked import GONE, OVER, Answer, Asked, gig
from cloud.notify.facts import OfEvent, OfIncidents, OfInvitation, OfKey

GUEST: Final[LiteralString] = """
    SELECT email FROM ticket
     WHERE tenant_id = current_tenant() AND event_id = $1 AND ticket_id = $2
       AND account_id IS NULL AND email IS NOT NULL
"""


async def event(asked: Asked) -> Answer:
    """News of an event, to an account or to a guest without one."""
    about, event = asked.mail.about, UUID(asked.mail.about["event_id"])
    to = asked.reader.email if asked.reader else None
    if to is None and "ticket_id" in about:
        to = await asked.tx.conn.fetchval(GUEST, event, UUID(about["ticket_id"]))
    return GONE if to is None else (to, OfEvent(await gig(asked.tx, event)))


MEMBER: Final[LiteralString] = """
    SELECT true FROM member
     WHERE tenant_id = current_tenant() AND account_id = $1 AND role IN ('owner', 'staff')
"""
OPEN: Final[LiteralString] = """
    SELECT kind, count(*) AS number FROM incident
     WHERE tenant_id = current_tenant() AND event_ref = $1 AND state = 'open'
       AND resolved_at IS NULL
     GROUP BY kind
"""
EVENT_OF: Final[LiteralString] = """
    SELECT event_id FROM event WHERE tenant_id = current_tenant() AND ref = $1
"""


async def incidents(asked: Asked) -> Answer:
    """What is open still, to who may settle it still."""
    ref = bytes.fromhex(asked.mail.about["event_ref"])
    if asked.reader is None or not await asked.tx.conn.fetchval(MEMBER, asked.mail.account_id):
        return GONE
    rows = await asked.tx.conn.fetch(OPEN, ref)
    if not rows:
        return OVER
    event = await asked.tx.conn.fetchval(EVENT_OF, ref)
    show = None if event is None else await gig(asked.tx, event)
    return asked.reader.email, OfIncidents(show, {row["kind"]: row["number"] for row in rows})


INVITATION: Final[LiteralString] = """
    SELECT email, role, expires_at FROM invitation
     WHERE tenant_id = current_tenant() AND invitation_id = $1
       AND accepted_at IS NULL AND revoked_at IS NULL
"""


async def invitation(asked: Asked) -> Answer:
    """An invitation, while it is open, with its secret until it is sent."""
    name = asked.mail.about["invitation_id"]
    row = await asked.tx.conn.fetchrow(INVITATION, UUID(name))
    if row is None:
        return GONE
    if row["expires_at"] <= asked.tx.now:
        return OVER
    secret, sealed = "", {"sealed": asked.mail.sealed}
    if asked.mail.sealed:
        secret = account_mail.opened(asked.sealer, "mail.invitation", f"invitation:{name}", sealed)
    return row["email"], OfInvitation(row["role"], secret, row["expires_at"])


async def key(asked: Asked) -> Answer:
    """A key that was handed out: it is told whatever happened since."""
    return (
        GONE if asked.reader is None else (asked.reader.email, OfKey(asked.mail.about["address"]))
    )
