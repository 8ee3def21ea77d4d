"""Mail to many at once: the guests of a list, and everybody who has a ticket of an event.

It is put down page by page, each in a transaction of its own that locks no ticket, so that no gate
and no buyer waits for it. Pages go by tickets' numbers, which never change; somebody with several
tickets is told with the first of them.
"""

from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from cloud.db.tenancy import TenantTx
from cloud.messages.consumer import Message
from cloud.notify.model import Kind
from cloud.spans import traceparent

NEXT: Final = "mail.news"  # the topic of what is left to be put down
PAGE: Final = 5_000  # mails
TOGETHER: Final = 40  # tickets in one mail to a guest

GUESTS: Final[LiteralString] = """
    INSERT INTO mail (kind, language, about, created_at, due_at, trace)
    SELECT 'guest', coalesce((
               SELECT lower(split_part(locale, '-', 1)) FROM account
                WHERE email = g.email AND email_verified_at IS NOT NULL), 'en'),
           jsonb_build_object('event_id', $1::uuid, 'numbers', jsonb_agg(number ORDER BY number)),
           $4, $4, $5
      FROM (SELECT lower(email) AS email, number,
                   (row_number() OVER (PARTITION BY lower(email) ORDER BY number) - 1) / $6 AS part
              FROM ticket
             WHERE tenant_id = current_tenant() AND event_id = $1
               AND number >= $2 AND number < $3
               AND account_id IS NULL AND email IS NOT NULL AND state = 'active') g
     GROUP BY g.email, g.part
"""


async def on_issued(tx: TenantTx, message: Message) -> None:
    """Send guests their tickets, where the list has an address; one mail to each."""
    event, first = UUID(message.payload["event_id"]), message.payload["first"]
    end = first + message.payload["count"]
    await tx.conn.execute(GUESTS, event, first, end, tx.now, traceparent(), TOGETHER)


# Whoever holds a ticket; for a cancelled event also whose tickets were taken back since.
NEWS: Final[LiteralString] = """
    WITH held AS (
        SELECT t.account_id, t.email, t.ticket_id, t.number FROM ticket t
         WHERE t.tenant_id = current_tenant() AND t.event_id = $2
           AND (t.state IN ('purchased', 'minted', 'active', 'listed', 'used')
             OR (t.state = 'refunded' AND $4 AND EXISTS (
                 SELECT FROM ticket_move m
                  WHERE m.tenant_id = t.tenant_id AND m.event_id = t.event_id
                    AND m.ticket_id = t.ticket_id AND m.move = 'refund' AND m.at >= $5)))
    ), told AS (
        SELECT account_id, NULL::uuid AS ticket_id, min(number) AS number
          FROM held WHERE account_id IS NOT NULL GROUP BY account_id
        UNION ALL
        (SELECT DISTINCT ON (lower(email)) NULL, ticket_id, number FROM held
          WHERE account_id IS NULL AND email IS NOT NULL ORDER BY lower(email), number)
    ), page AS (
        SELECT * FROM told WHERE number > $7 ORDER BY number LIMIT $8
    ), put AS (
        INSERT INTO mail (kind, account_id, language, about, created_at, due_at, trace)
        SELECT $1, account_id, coalesce(lower(split_part(a.locale, '-', 1)), 'en'),
               jsonb_strip_nulls(jsonb_build_object('event_id', $2::uuid, 'ticket_id', ticket_id)),
               $3, $3, $6
          FROM page LEFT JOIN account a USING (account_id)
         WHERE a.erased_at IS NULL
    )
    SELECT count(*) AS many, max(number) AS last FROM page
"""


async def on_moved(tx: TenantTx, message: Message) -> None:
    """Tell everybody who has a ticket, if it is about when to come."""
    before, after = message.payload["before"], message.payload["after"]
    if any(before[name] != after[name] for name in ("doors_at", "starts_at")):
        await _page(tx, message, Kind.EVENT_MOVED, message.at, -1)


async def on_cancelled(tx: TenantTx, message: Message) -> None:
    """Tell everybody who had a ticket."""
    await _page(tx, message, Kind.EVENT_CANCELLED, message.at, -1)


async def on_next(tx: TenantTx, message: Message) -> None:
    """Tell those who are left."""
    told = message.payload
    since = datetime.fromisoformat(told["since"])
    await _page(tx, message, Kind(told["kind"]), since, told["after"])


async def _page(tx: TenantTx, message: Message, kind: Kind, since: datetime, after: int) -> None:
    event, refunded_too = UUID(message.payload["event_id"]), kind is Kind.EVENT_CANCELLED
    page = await tx.conn.fetchrow(
        NEWS, kind.value, event, tx.now, refunded_too, since, traceparent(), after, PAGE
    )
    if page is not None and page["many"] == PAGE:
        await tx.publish(
            NEXT, message.key, event_id=event, kind=kind.value, since=since, after=page["last"]
        )
