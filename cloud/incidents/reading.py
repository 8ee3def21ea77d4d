"""Incidents, read: in pages, one with its evidence, and as devices are told of them."""

from collections.abc import Sequence
from typing import Any, Final, LiteralString, NamedTuple
from uuid import UUID

import msgspec

from cloud.checkins import reports
from cloud.db.connect import Row
from cloud.db.tenancy import TenantTx
from cloud.incidents.shapes import Exhibit, IncidentDetail, IncidentOut
from shared.log.record import signed_by
from shared.wire import MAX_CONCERNED, MAX_NOTES, IncidentNote

LIST: Final[LiteralString] = """
    SELECT i.*, e.event_id, t.ticket_id
      FROM incident i
      LEFT JOIN event e ON e.tenant_id = i.tenant_id AND e.ref = i.event_ref
      LEFT JOIN ticket t ON t.tenant_id = i.tenant_id AND t.event_id = e.event_id
                        AND t.hash = i.ticket
     WHERE i.tenant_id = current_tenant() AND i.number < $1
       AND ($2 = '' OR i.kind = $2)
       AND CASE $3
           WHEN '' THEN true
           WHEN 'resolved' THEN i.resolved_at IS NOT NULL
           WHEN 'open' THEN i.state = 'open' AND i.resolved_at IS NULL
           ELSE i.state = $3 END
       AND ($4::bytea IS NULL OR i.event_ref = $4
            OR (i.event_ref = '\\x0000000000000000' AND EXISTS (
                SELECT FROM log_event l
                 WHERE l.tenant_id = i.tenant_id AND l.event_ref = $4
                   AND l.device_id = i.device_id AND l.incarnation = i.incarnation)))
     ORDER BY i.number DESC LIMIT $5
"""
ONE: Final[LiteralString] = """
    SELECT i.*, e.event_id, t.ticket_id
      FROM incident i
      LEFT JOIN event e ON e.tenant_id = i.tenant_id AND e.ref = i.event_ref
      LEFT JOIN ticket t ON t.tenant_id = i.tenant_id AND t.event_id = e.event_id
                        AND t.hash = i.ticket
     WHERE i.tenant_id = current_tenant() AND i.incident_id = $1
"""
EVIDENCE: Final[LiteralString] = """
    SELECT r.record_id, r.device_id, r.incarnation, r.seq, r.kind, r.raw, r.received_at,
           d.kind = 'worker' AS online, d.name, d.public, e.event_id, g.name AS gate_name,
           p.record_id IS NOT NULL AS proved,
           w.record_id IS NULL AND r.kind <> 0
           AND (d.revoked_at IS NULL
                OR (r.incarnation, r.seq) <= (d.cutoff_incarnation, d.cutoff_seq)) AS counts
      FROM unnest($1::bytea[], $2::bytea[]) WITH ORDINALITY AS n (event_ref, record_id, place)
      JOIN record r ON r.tenant_id = current_tenant() AND r.event_ref = n.event_ref
                   AND r.record_id = n.record_id
      JOIN device d ON d.tenant_id = r.tenant_id AND d.device_id = r.device_id
      LEFT JOIN event e ON e.tenant_id = r.tenant_id AND e.ref = r.event_ref
      LEFT JOIN gate g ON g.tenant_id = r.tenant_id AND g.venue_id = e.venue_id
                      AND g.gate_id = get_byte(r.raw, 88) * 256 + get_byte(r.raw, 89)
      LEFT JOIN proof p ON p.tenant_id = r.tenant_id AND p.record_id = r.record_id
      LEFT JOIN record_waiting w ON w.tenant_id = r.tenant_id AND w.record_id = r.record_id
     ORDER BY n.place
"""
NOTES: Final[LiteralString] = """
    SELECT number, event_ref, incident_id, kind, found_at, ticket, state, resolved_at, gates,
           devices
      FROM incident
     WHERE tenant_id = current_tenant() AND number > $1 AND $2 = ANY(devices)
     ORDER BY number LIMIT $3
"""


class Asked(NamedTuple):
    """Which incidents: '' and None for all."""

    kind: str = ""
    state: str = ""
    ref: bytes | None = None


class Numbered(NamedTuple):
    """An incident, and by what pages are sorted."""

    number: int
    incident: IncidentOut


async def some(tx: TenantTx, asked: Asked, before: int, limit: int) -> list[Numbered]:
    """Return incidents, those that changed last first."""
    rows = await tx.conn.fetch(LIST, before, *asked, limit)
    return [Numbered(row["number"], IncidentOut(**_told(row))) for row in rows]


async def one(tx: TenantTx, incident: bytes) -> IncidentDetail | None:
    """Return an incident with its evidence."""
    row = await tx.conn.fetchrow(ONE, incident)
    if row is None:
        return None
    rows = await tx.conn.fetch(EVIDENCE, row["record_events"], row["record_ids"])
    return IncidentDetail(**_told(row), evidence=tuple(map(_exhibit, rows)))


async def notes(tx: TenantTx, device: bytes, after: int) -> tuple[Sequence[IncidentNote], bool]:
    """Return what a device is told of the incidents with records of its own that changed later,
    and whether there is more."""
    rows = await tx.conn.fetch(NOTES, after, device, MAX_NOTES + 1)
    return [_note(row, device) for row in rows[:MAX_NOTES]], len(rows) > MAX_NOTES


def _told(row: Row) -> dict[str, Any]:
    plain = ("kind", "event_id", "ticket_id", "incarnation", "seq", "records", "found_at",
             "resolved_at", "state", "decided_by", "decided_at", "note")  # fmt: skip
    return {name: row[name] for name in plain} | {
        "incident": row["incident_id"].hex(),
        "ticket": row["ticket"].hex(),
        "device": row["device_id"].hex(),
        "devices": tuple(each.hex() for each in row["devices"]),
        "gates": tuple(row["gates"]),
    }


def _exhibit(row: Row) -> Exhibit:
    event_id: UUID | None = row["event_id"]
    return Exhibit(
        **msgspec.structs.asdict(reports.entry(row)),
        event_id=event_id,
        device_name=row["name"],
        gate_name=row["gate_name"] or "",
        signed=signed_by(row["raw"], row["public"]),
        proved=row["proved"],
        raw=row["raw"].hex(),
    )


def _note(row: Row, device: bytes) -> IncidentNote:
    """Return an incident as a device is told of it: itself among those concerned, always."""
    others = [each for each in row["devices"] if each != device][: MAX_CONCERNED - 1]
    return IncidentNote(
        number=row["number"],
        event=row["event_ref"].hex(),
        incident=row["incident_id"].hex(),
        kind=row["kind"],
        found=int(row["found_at"].timestamp() * 1000),
        ticket=row["ticket"].hex(),
        state=row["state"] if row["resolved_at"] is None else "resolved",
        gates=tuple(row["gates"]),
        devices=tuple(each.hex() for each in sorted([device, *others])),
    )
