"""The merged view of an event: what all records that are here mean together.

It is the view of a gate that holds the same records, byte for byte (shared/spec/merge.md): those of
whole incarnations that touch the event, whatever event each record is of.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final, LiteralString, NamedTuple

from cloud.checkins.devices import member
from cloud.checkins.judges import Judges, judges
from cloud.checkins.runs import kind_of
from cloud.checkins.tickets import ticket
from cloud.db.connect import Row
from cloud.db.tenancy import TenantTx
from shared.merge.ticket import SILENT
from shared.merge.view import View

# Whole incarnations: whether a record counts hangs on those before it, whatever their event. And
# those that a BOOT ties to them by forgetting records (migrations/0014_logs.sql).
RECORDS: Final[LiteralString] = """
    WITH touching AS (
        SELECT device_id, incarnation FROM log_event
         WHERE tenant_id = current_tenant() AND event_ref = $1),
    wanted AS (
        SELECT device_id, incarnation FROM touching
         UNION
        SELECT t.device_id, t.other FROM touching e
          JOIN log_tie t ON t.tenant_id = current_tenant() AND t.device_id = e.device_id
                        AND t.incarnation = e.incarnation)
    SELECT r.raw, p.body AS proof
      FROM wanted w
      JOIN record r ON r.tenant_id = current_tenant() AND r.device_id = w.device_id
                   AND r.incarnation = w.incarnation
      LEFT JOIN proof p ON p.tenant_id = r.tenant_id AND p.record_id = r.record_id
     ORDER BY r.device_id, r.incarnation, r.seq, r.record_id
"""
DEVICES: Final[LiteralString] = """
    SELECT device_id, public, cutoff_incarnation, cutoff_seq FROM device
     WHERE tenant_id = current_tenant()
"""
# Of the others nothing is said that the records don't say.
WORDS: Final[LiteralString] = """
    SELECT e.ref, t.ticket_id, t.hash, t.number, t.class_index, t.state, t.gen, t.blocked,
           t.holder, t.attendee, t.seat
      FROM event e
      JOIN ticket t ON t.tenant_id = e.tenant_id AND t.event_id = e.event_id
     WHERE e.tenant_id = current_tenant() AND e.ref = ANY($1) AND (t.gen > 0 OR t.gone)
       AND EXISTS (SELECT FROM record r
                    WHERE r.tenant_id = current_tenant() AND r.event_ref = e.ref
                      AND r.ticket = t.hash AND r.kind <> 4)
"""


class Merged(NamedTuple):
    """An event's view, and the records that it is of."""

    view: View
    raws: list[bytes]


async def view_of(tx: TenantTx, ref: bytes) -> View:
    """Return the view. The work is done beside the event loop."""
    return (await merged(tx, ref)).view


async def merged(tx: TenantTx, ref: bytes) -> Merged:
    """Return the view and its records."""
    records = await tx.conn.fetch(RECORDS, ref)
    devices = await tx.conn.fetch(DEVICES)
    words = await tx.conn.fetch(WORDS, sorted({row["raw"][80:88] for row in records}))
    vouch = await judges(tx)
    return await asyncio.to_thread(_merge, records, devices, words, vouch)


def _merge(
    records: Sequence[Row], devices: Sequence[Row], words: Sequence[Row], vouch: Judges
) -> Merged:
    view = View()
    view.learn_roster(1, {row["device_id"]: member(row) for row in devices})
    for row in words:
        if (word := ticket(row).word()) != SILENT:
            view.learn_ticket(row["ref"], row["hash"], word)
    codes = {row["raw"][156:188]: row["proof"] for row in records if row["proof"] is not None}
    for row in records:
        if _is_proved(row["raw"], row["proof"], codes, vouch):
            view.prove(row["raw"])
        view.add(row["raw"])
    return Merged(view, [row["raw"] for row in records])


def _is_proved(
    raw: bytes, proof: bytes | None, codes: Mapping[bytes, bytes], vouch: Judges
) -> bool:
    """Whether a record is proved: by its own blob, or by one that came with another record while
    this one was on its way (cloud/checkins/sharing.py)."""
    if proof is not None:
        return vouch.stands(raw, proof)
    code = codes.get(raw[156:188])
    return code is not None and bool(kind_of(raw)) and vouch.prove(raw, code)
