"""The consumer "mail": what is to be mailed because something happened, put down with it.

Rows have ids alone. To whom a mail goes, in which words, and whether it is still wanted, is
looked up when it is sent.
"""

from collections.abc import Mapping
from typing import Any, Final, LiteralString
from uuid import UUID

from cloud.db.tenancy import TenantTx
from cloud.messages.consumer import Consumer, Handler, Message
from cloud.notify import putting_many
from cloud.notify.model import GATHERS, INCIDENTS_REST, Kind
from cloud.spans import traceparent

TO_ACCOUNT: Final[LiteralString] = """
    INSERT INTO mail (kind, account_id, language, about, created_at, due_at, trace)
    SELECT $1, account_id, lower(split_part(locale, '-', 1)), $3, $4, $4, $5
      FROM account WHERE account_id = $2 AND erased_at IS NULL
"""
TO_ADDRESS: Final[LiteralString] = """
    INSERT INTO mail (kind, language, about, sealed, created_at, due_at, trace)
    SELECT $1, coalesce(
           (SELECT lower(split_part(locale, '-', 1)) FROM account
             WHERE email = lower($2) AND email_verified_at IS NOT NULL),
           (SELECT lower(split_part(locale, '-', 1)) FROM account WHERE account_id = $3), 'en'),
           $4, $5, $6, $6, $7
"""


async def to_account(tx: TenantTx, kind: Kind, account: UUID, about: Mapping[str, Any]) -> None:
    """Put down a mail to an account, in its language."""
    await tx.conn.execute(TO_ACCOUNT, kind.value, account, about, tx.now, traceparent())


async def on_paid(tx: TenantTx, message: Message) -> None:
    """Confirm an order."""
    about = {"order_id": message.payload["order_id"]}
    await to_account(tx, Kind.ORDER, UUID(message.payload["account_id"]), about)


async def on_refunded(tx: TenantTx, message: Message) -> None:
    """Tell whose tickets were taken back, and what that is worth."""
    told = message.payload
    about = {name: told[name] for name in ("order_id", "amount", "currency")}
    about["tickets"] = len(told["ticket_ids"])
    await to_account(tx, Kind.REFUND, UUID(told["account_id"]), about)


async def on_payment_returned(tx: TenantTx, message: Message) -> None:
    """Tell who has paid for nothing."""
    about = {name: message.payload[name] for name in ("order_id", "amount", "currency")}
    await to_account(tx, Kind.PAYMENT_RETURNED, UUID(message.payload["account_id"]), about)


OFFERED_TO: Final[LiteralString] = """
    SELECT email, sender FROM transfer
     WHERE tenant_id = current_tenant() AND transfer_id = $1 AND email IS NOT NULL
"""


async def on_offered(tx: TenantTx, message: Message) -> None:
    """Mail an offer to the address that it was made to; an open one has its link alone."""
    told = message.payload
    row = await tx.conn.fetchrow(OFFERED_TO, UUID(told["transfer_id"]))
    if row is None or not told.get("sealed"):
        return
    about = {"transfer_id": told["transfer_id"]}
    await tx.conn.execute(
        TO_ADDRESS, Kind.OFFER.value, row["email"], row["sender"], about, told["sealed"], tx.now,
        traceparent(),
    )  # fmt: skip


async def on_withdrawn(tx: TenantTx, message: Message) -> None:
    """Tell the address that an offer was made to that it is over."""
    about = {"transfer_id": message.payload["transfer_id"]}
    row = await tx.conn.fetchrow(OFFERED_TO, UUID(about["transfer_id"]))
    if row is not None:
        await tx.conn.execute(
            TO_ADDRESS, Kind.OFFER_WITHDRAWN.value, row["email"], row["sender"], about, "", tx.now,
            traceparent(),
        )  # fmt: skip


async def on_declined(tx: TenantTx, message: Message) -> None:
    """Tell who has offered a ticket that it stays theirs."""
    await _to_sender(tx, Kind.OFFER_DECLINED, message)


async def on_lapsed(tx: TenantTx, message: Message) -> None:
    """Tell who has offered a ticket that nobody took it in time."""
    await _to_sender(tx, Kind.OFFER_LAPSED, message)


async def _to_sender(tx: TenantTx, kind: Kind, message: Message) -> None:
    told = message.payload
    if told.get("sender"):
        await to_account(tx, kind, UUID(told["sender"]), {"transfer_id": told["transfer_id"]})


async def on_accepted(tx: TenantTx, message: Message) -> None:
    """Tell both sides."""
    told = message.payload
    about = {"transfer_id": told["transfer_id"]}
    for kind, who in ((Kind.HANDED_OVER, "sender"), (Kind.TAKEN_OVER, "recipient")):
        if told.get(who):
            await to_account(tx, kind, UUID(told[who]), about)


ALONE: Final[LiteralString] = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"
# One mail at a time about an event waits for each of those who settle incidents.
INCIDENTS: Final[LiteralString] = """
    INSERT INTO mail (kind, account_id, language, about, created_at, due_at, trace)
    SELECT 'incident', m.account_id, lower(split_part(a.locale, '-', 1)),
           jsonb_build_object('event_ref', $1::text), $2,
           greatest($2::timestamptz + $3::interval, last.at + $4::interval), $5
      FROM member m JOIN account a USING (account_id)
      LEFT JOIN LATERAL (
           SELECT max(l.created_at) AS at, bool_or(l.state = 'waiting' AND l.attempts = 0) AS waits
             FROM mail l
            WHERE l.tenant_id = m.tenant_id AND l.account_id = m.account_id
              AND l.kind = 'incident' AND l.about ->> 'event_ref' = $1) last ON true
     WHERE m.tenant_id = current_tenant() AND m.role IN ('owner', 'staff')
       AND a.erased_at IS NULL AND last.waits IS NOT TRUE
"""


async def on_incident(tx: TenantTx, message: Message) -> None:
    """Tell the venue's people, who are told of many at once."""
    ref = message.payload["event_ref"]
    await tx.conn.execute(ALONE, f"mail/incident/{tx.tenant}/{ref}")
    await tx.conn.execute(INCIDENTS, ref, tx.now, GATHERS, INCIDENTS_REST, traceparent())


INVITED: Final[LiteralString] = """
    SELECT email FROM invitation WHERE tenant_id = current_tenant() AND invitation_id = $1
"""


async def on_invitation(tx: TenantTx, message: Message) -> None:
    """Mail an invitation."""
    told = message.payload
    email = await tx.conn.fetchval(INVITED, UUID(told["invitation_id"]))
    about = {"invitation_id": told["invitation_id"]}
    if email is not None:
        await tx.conn.execute(
            TO_ADDRESS, Kind.INVITATION.value, email, None, about, told["sealed"], tx.now,
            traceparent(),
        )  # fmt: skip


HANDLERS: Final[Mapping[str, Handler]] = {
    "order.paid": on_paid,
    "order.refunded": on_refunded,
    "order.payment_returned": on_payment_returned,
    "transfer.offered": on_offered,
    "transfer.accepted": on_accepted,
    "transfer.declined": on_declined,
    "transfer.lapsed": on_lapsed,
    "transfer.cancelled": on_withdrawn,
    "ticket.issued": putting_many.on_issued,
    "event.moved": putting_many.on_moved,
    "event.cancelled": putting_many.on_cancelled,
    putting_many.NEXT: putting_many.on_next,
    "incident.opened": on_incident,
    "mail.invitation": on_invitation,
}
CONSUMER: Final = Consumer("mail", HANDLERS, together=20)
