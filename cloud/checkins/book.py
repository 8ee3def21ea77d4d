"""What the cloud decides by at an event: its rules and the keys that sign its tickets.

Compiled once and kept, as long as the stamp is the same. The stamp is read in each transaction
that decides, so nothing is decided by what was changed before.
"""

from collections import OrderedDict
from typing import Any, Final, LiteralString, NamedTuple
from uuid import UUID

from cloud.db.tenancy import TenantTx
from cloud.events.repository import plan_of
from cloud.keys import repository as key_repository
from cloud.keys.model import KeyRow
from shared.keyset import IssuerKey, TrustedKeys
from shared.presentation import Freshness
from shared.rules.compiled import Rules, compile_rules

KEPT: Final = 256  # events
NO_SALES: Final = 0  # nothing is newer than the cloud's own word

# The venue's rows have no version, so what they say is part of the stamp.
STAMP: Final[LiteralString] = """
    SELECT e.ref, e.version, e.state,
           (SELECT max(k.version) FROM keyset k WHERE k.tenant_id = e.tenant_id) AS keys,
           (SELECT sum(c.version) FROM ticket_class c
             WHERE c.tenant_id = e.tenant_id AND c.event_id = e.event_id) AS classes,
           (SELECT sum(hashtextextended(g::text, 0)) FROM gate g
             WHERE g.tenant_id = e.tenant_id AND g.venue_id = e.venue_id) AS gates,
           (SELECT sum(hashtextextended(z::text, 0)) FROM zone z
             WHERE z.tenant_id = e.tenant_id AND z.venue_id = e.venue_id) AS zones
      FROM event e WHERE e.tenant_id = current_tenant() AND e.event_id = $1
"""
REF: Final[LiteralString] = """
    SELECT ref FROM event WHERE tenant_id = current_tenant() AND event_id = $1
"""


class Book(NamedTuple):
    """One event's word, ready to be asked."""

    event_id: UUID
    ref: bytes
    rules: Rules  # issued whenever it is asked: the cloud's word is never old
    keys: TrustedKeys
    freshness: Freshness


class Books:
    """The events that this process has been asked about."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[UUID, UUID], tuple[tuple[Any, ...], Book]] = OrderedDict()

    async def of(self, tx: TenantTx, event_id: UUID) -> Book | None:
        """Return the book of a published event, None where there is none."""
        row = await tx.conn.fetchrow(STAMP, event_id)
        if row is None or row["state"] == "draft":
            return None
        stamp = tuple(row.values())
        key = (tx.tenant, event_id)
        kept = self._kept.get(key)
        if kept is None or kept[0] != stamp:
            kept = self._kept[key] = (stamp, await _load(tx, event_id, row["ref"]))
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return kept[1]


async def ref_of(tx: TenantTx, event_id: UUID) -> bytes | None:
    """Return what records call an event."""
    ref: bytes | None = await tx.conn.fetchval(REF, event_id)
    return ref


async def _load(tx: TenantTx, event_id: UUID, ref: bytes) -> Book:
    plan = await plan_of(tx, event_id)
    issuers = await key_repository.keys(tx, role="issuer", event_id=event_id)
    return Book(
        event_id,
        ref,
        compile_rules(ref, plan, 0, NO_SALES),
        TrustedKeys(b"", issuers=dict(_issuer(key, ref) for key in issuers)),
        Freshness(plan.policy.live_past, plan.policy.live_future),
    )


def _issuer(key: KeyRow, ref: bytes) -> tuple[bytes, IssuerKey]:
    window = int(key.not_before.timestamp()), int(key.not_after.timestamp())
    return key.kid + ref, IssuerKey(key.public, *window, key.revoked_at is not None)
