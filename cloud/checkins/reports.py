"""What is told of an event's check-ins: who is inside, what was found, what happened when."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, LiteralString, NamedTuple
from uuid import UUID

import msgspec

from cloud.db.connect import Row
from cloud.db.tenancy import TenantTx
from shared.log import hlc
from shared.log.record import LAYOUT, Confirm, Kind, Record, Shown
from shared.merge.view import Summary
from shared.outcomes import BY_NUMBER


class Inside(msgspec.Struct, frozen=True):
    """People in a zone, the fewest that the records allow. Day 0: the whole event."""

    zone: int
    day: int
    people: int


class Entered(msgspec.Struct, frozen=True):
    """Entries by a gate that stand."""

    gate: int
    entries: int


class Found(msgspec.Struct, frozen=True):
    """Something for a person to settle (shared/spec/merge.md §5)."""

    kind: str
    ticket: str  # hash, in hex; zeros: it is about a log
    record: str
    device: str
    incarnation: int
    seq: int


class Overview(msgspec.Struct, frozen=True):
    """The merged view of an event: the same, in whatever order its records came."""

    entered: int
    inside: tuple[Inside, ...]
    gates: tuple[Entered, ...]
    findings: tuple[Found, ...]
    quarantined: int  # records that are kept and don't count
    unproved: int  # exits and undos that wait for their proof


def overview(summary: Summary, ref: bytes) -> Overview:
    """Return the part of a view's summary that is about one event."""
    gates = tuple(Entered(gate, n) for event, gate, n in summary.entries if event == ref)
    about = (each for each in summary.findings if each.event in (ref, bytes(8)))
    return Overview(
        entered=sum(gate.entries for gate in gates),
        inside=tuple(
            Inside(where.zone, where.day, n) for where, n in summary.presence if where.event == ref
        ),
        gates=gates,
        findings=tuple(
            Found(
                f.kind.value, f.ticket.hex(), f.record.hex(), f.device.hex(), f.incarnation, f.seq
            )
            for f in about
        ),
        quarantined=len(summary.quarantined),
        unproved=len(summary.unproved),
    )


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One record of a log, as it can be read. `counts`: it chains to a BOOT and isn't cut off."""

    record: str  # its id, in hex
    kind: str  # in, out, annul, deny, override, …; `unreadable`
    device: str
    incarnation: int
    seq: int
    at: datetime  # by the device's clock
    received_at: datetime
    online: bool
    counts: bool
    ticket: str  # hash, in hex
    gen: int  # of the ticket's code
    gate: int
    zone: int
    day: int
    reason: str  # an outcome's code, where it has one
    shown: str  # manual, static, live, challenge
    confirm: str  # local, claimed, cloud
    ref: str  # the record or right that it names


class Place(NamedTuple):
    """Where a record stands: what pages of records are sorted by."""

    device: str
    incarnation: int
    seq: int
    record: str


DECIDED: Final = frozenset({Kind.IN, Kind.OUT, Kind.DENY, Kind.OVERRIDE})
START: Final = Place("", 0, 0, "")

LIST: Final[LiteralString] = """
    SELECT r.record_id, r.device_id, r.incarnation, r.seq, r.kind, r.raw, r.received_at,
           d.kind = 'worker' AS online,
           w.record_id IS NULL AND r.kind <> 0
           AND (d.revoked_at IS NULL
                OR (r.incarnation, r.seq) <= (d.cutoff_incarnation, d.cutoff_seq)) AS counts
      FROM record r
      JOIN device d ON d.tenant_id = r.tenant_id AND d.device_id = r.device_id
      LEFT JOIN record_waiting w ON w.tenant_id = r.tenant_id AND w.record_id = r.record_id
     WHERE r.tenant_id = current_tenant() AND r.event_ref = $1
       AND (r.device_id, r.incarnation, r.seq, r.record_id) > ($2, $3, $4, $5)
     ORDER BY r.device_id, r.incarnation, r.seq, r.record_id LIMIT $6
"""
OF_TICKET: Final[LiteralString] = """
    SELECT r.record_id, r.device_id, r.incarnation, r.seq, r.kind, r.raw, r.received_at,
           d.kind = 'worker' AS online,
           w.record_id IS NULL AND r.kind <> 0
           AND (d.revoked_at IS NULL
                OR (r.incarnation, r.seq) <= (d.cutoff_incarnation, d.cutoff_seq)) AS counts
      FROM ticket t
      JOIN record r ON r.tenant_id = t.tenant_id AND r.event_ref = $1 AND r.ticket = t.hash
      JOIN device d ON d.tenant_id = r.tenant_id AND d.device_id = r.device_id
      LEFT JOIN record_waiting w ON w.tenant_id = r.tenant_id AND w.record_id = r.record_id
     WHERE t.tenant_id = current_tenant() AND t.event_id = $2 AND t.ticket_id = $3
     ORDER BY r.device_id, r.incarnation, r.seq, r.record_id
"""
TICKET: Final[LiteralString] = """
    SELECT true FROM ticket
     WHERE tenant_id = current_tenant() AND event_id = $1 AND ticket_id = $2
"""


async def records(tx: TenantTx, ref: bytes, after: Place, limit: int) -> list[Entry]:
    """Return records of an event, device by device, each log in order."""
    device, record = bytes.fromhex(after.device), bytes.fromhex(after.record)
    rows = await tx.conn.fetch(LIST, ref, device, after.incarnation, after.seq, record, limit)
    return [entry(row) for row in rows]


async def scans(tx: TenantTx, event_id: UUID, ref: bytes, ticket_id: UUID) -> list[Entry] | None:
    """Return what happened to a ticket at gates, by the clocks there; None: no such ticket."""
    if not await tx.conn.fetchval(TICKET, event_id, ticket_id):
        return None
    rows = await tx.conn.fetch(OF_TICKET, ref, event_id, ticket_id)
    return _in_time(rows)


def place(of: Entry) -> Place:
    """Return where an entry stands in the list."""
    return Place(of.device, of.incarnation, of.seq, of.record)


def _in_time(rows: Sequence[Row]) -> list[Entry]:
    ordered = sorted(rows, key=lambda row: (bytes(row["raw"][64:72]), bytes(row["record_id"])))
    return [entry(row) for row in ordered]


def entry(row: Row) -> Entry:
    """Return a record's row as it can be read."""
    read = Record._make(LAYOUT.unpack(row["raw"]))
    kind = Kind(row["kind"]) if row["kind"] else None
    outcome = (
        BY_NUMBER.get(read.reason & 0xFFFF)
        if kind in (Kind.IN, Kind.OUT, Kind.DENY, Kind.OVERRIDE)
        else None
    )
    at = min(hlc.wall(read.hlc), 253_402_300_799_000)
    return Entry(
        record=row["record_id"].hex(),
        kind=kind.name.lower() if kind else "unreadable",
        device=row["device_id"].hex(),
        incarnation=row["incarnation"],
        seq=row["seq"],
        at=datetime.fromtimestamp(at / 1000, UTC),
        received_at=row["received_at"],
        online=row["online"],
        counts=row["counts"],
        ticket=read.ticket.hex(),
        gen=read.gen,
        gate=read.gate,
        zone=read.zone,
        day=read.day,
        reason=outcome.code if outcome else "",
        shown=Shown(read.bits >> 2 & 3).name.lower(),
        confirm=Confirm(min(read.bits & 3, 2)).name.lower(),
        ref=read.ref.hex(),
    )
