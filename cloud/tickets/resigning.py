"""Codes that must be signed anew: their key was withdrawn, or they would end too early.

The generation stays: the new code is the same ticket's, and a gate that knows the withdrawn key
refuses the old one by that. One batch is one transaction, and leaves the next to a message.
"""

from collections.abc import Mapping
from typing import Final, LiteralString
from uuid import UUID

from cloud.db.tenancy import TenantTx
from cloud.keys.issuers import Issuer, Issuers
from cloud.messages.consumer import Handler, Message
from cloud.tickets.signing import sign

BATCH: Final = 2000  # tickets
TOPIC: Final = "tickets.resign"
SPARE: Final = 29 * 86_400  # seconds: a code that outlives its event by a day may stay

# `exp` stands at bytes 34 to 37 of a token (shared/spec/token.md §1), big-endian, so that it
# compares as bytes.
STALE: Final[LiteralString] = """
    SELECT ticket_id FROM ticket
     WHERE tenant_id = current_tenant() AND event_id = $1 AND token IS NOT NULL
       AND state IN ('purchased', 'minted', 'active', 'listed', 'used')
       AND (kid = ANY($2) OR substring(token FROM 35 FOR 4) < $3)
     ORDER BY ticket_id LIMIT $4
"""
WITHDRAWN: Final[LiteralString] = """
    SELECT kid FROM tenant_key
     WHERE tenant_id = current_tenant() AND event_id = $1 AND revoked_at IS NOT NULL
"""


async def on_stale(tx: TenantTx, message: Message, issuers: Issuers) -> None:
    """Sign a batch of an event's stale codes."""
    event_id = UUID(str(message.payload["event_id"]))
    issuer = await issuers.of(tx, event_id)
    tickets = await _stale(tx, issuer, event_id)
    if not tickets:
        return
    await sign(tx, issuer, event_id, tickets)
    await tx.audit("tickets.resigned", f"event:{event_id}", count=len(tickets))
    await tx.publish("tickets.changed", f"event:{event_id}", event_id=event_id, count=len(tickets))
    if len(tickets) == BATCH:
        await tx.publish(TOPIC, message.key, event_id=event_id)


def handlers(issuers: Issuers) -> Mapping[str, Handler]:
    """Return the handlers of messages, by topic."""

    async def stale(tx: TenantTx, message: Message) -> None:
        await on_stale(tx, message, issuers)

    return dict.fromkeys(("key.revoked", "event.moved", TOPIC), stale)


async def _stale(tx: TenantTx, issuer: Issuer, event_id: UUID) -> list[UUID]:
    withdrawn = [row["kid"] for row in await tx.conn.fetch(WITHDRAWN, event_id)]
    exp = (issuer.exp - SPARE).to_bytes(4, "big")
    rows = await tx.conn.fetch(STALE, event_id, withdrawn, exp, BATCH)
    return [row["ticket_id"] for row in rows]
