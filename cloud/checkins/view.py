"""The merged view of an event: what all records that are here mean together."""

import asyncio
from collections.abc import Sequence
from typing import Final, LiteralString
from uuid import UUID

from cloud.checkins.devices import member
from cloud.checkins.tickets import ticket
from cloud.db.connect import Row
from cloud.db.tenancy import TenantTx
from shared.merge.ticket import SILENT
from shared.merge.view import View

# Whole incarnations: whether a record counts hangs on those before it, whatever their event.
RECORDS: Final[LiteralString] = """
    SELECT r.raw FROM record r
     WHERE r.tenant_id = current_tenant() AND (r.device_id, r.incarnation) IN (
           SELECT DISTINCT e.device_id, e.incarnation FROM record e
            WHERE e.tenant_id = current_tenant() AND e.event_ref = $1)
     ORDER BY r.device_id, r.incarnation, r.seq, r.record_id
"""
PROOFS: Final[LiteralString] = """
    SELECT r.raw FROM proof p JOIN record r USING (tenant_id, record_id)
     WHERE p.tenant_id = current_tenant() AND r.event_ref = $1
"""
DEVICES: Final[LiteralString] = """
    SELECT device_id, public, cutoff_incarnation, cutoff_seq FROM device
     WHERE tenant_id = current_tenant()
"""
# Of the others nothing is said that the records don't say.
WORDS: Final[LiteralString] = """
    SELECT ticket_id, hash, number, class_index, state, gen, blocked, holder, attendee, seat
      FROM ticket t
     WHERE t.tenant_id = current_tenant() AND t.event_id = $2
       AND (t.gen > 0 OR t.state IN ('refunded', 'revoked'))
       AND EXISTS (SELECT FROM record r
                    WHERE r.tenant_id = current_tenant() AND r.event_ref = $1
                      AND r.ticket = t.hash AND r.kind <> 4)
"""


async def view_of(tx: TenantTx, event_id: UUID, ref: bytes) -> View:
    """Return the view. The work is done beside the event loop."""
    raws = await tx.conn.fetch(RECORDS, ref)
    proofs = await tx.conn.fetch(PROOFS, ref)
    devices = await tx.conn.fetch(DEVICES)
    words = await tx.conn.fetch(WORDS, ref, event_id)
    return await asyncio.to_thread(_merge, ref, raws, proofs, devices, words)


def _merge(
    ref: bytes,
    raws: Sequence[Row],
    proofs: Sequence[Row],
    devices: Sequence[Row],
    words: Sequence[Row],
) -> View:
    view = View()
    view.learn_roster(1, {row["device_id"]: member(row) for row in devices})
    for row in words:
        if (word := ticket(row).word()) != SILENT:
            view.learn_ticket(ref, row["hash"], word)
    for row in proofs:
        view.prove(row["raw"])
    for row in raws:
        view.add(row["raw"])
    return view
