"""Incidents in PostgreSQL. Row-level security adds the tenant to every query."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Final, LiteralString

from cloud.db.connect import Row
from cloud.db.tenancy import TenantTx
from cloud.incidents.model import NO_EVENT, Changes, Evidence, Found, Held, State

# Whoever writes incidents takes their tenant's numbers first, and so one at a time: numbers are
# seen in their order, and none is missing below one that was seen.
LOCK: Final[LiteralString] = """
    INSERT INTO incident_count AS c (number) VALUES (0)
        ON CONFLICT (tenant_id) DO UPDATE SET number = c.number RETURNING number
"""
COUNT: Final[LiteralString] = """
    UPDATE incident_count SET number = $1 WHERE tenant_id = current_tenant()
"""
HELD: Final[LiteralString] = """
    SELECT incident_id, event_ref, device_id, incarnation, record_events, record_ids, records,
           devices, gates, resolved_at
      FROM incident
     WHERE tenant_id = current_tenant()
       AND (event_ref = $1 OR (event_ref = $2 AND device_id = ANY($3)))
"""
NAMED: Final[LiteralString] = """
    SELECT incident_id, event_ref, device_id, incarnation, record_events, record_ids, records,
           devices, gates, resolved_at
      FROM incident WHERE tenant_id = current_tenant() AND incident_id = ANY($1)
"""
ADD: Final[LiteralString] = """
    INSERT INTO incident (
        incident_id, number, found_at, event_ref, kind, ticket, device_id, incarnation, seq,
        record_events, record_ids, records, devices, gates)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
"""
CHANGE: Final[LiteralString] = """
    UPDATE incident SET number = $2, record_events = $3, record_ids = $4, records = $5,
           devices = $6, gates = $7, resolved_at = NULL
     WHERE tenant_id = current_tenant() AND incident_id = $1
"""
RESOLVE: Final[LiteralString] = """
    UPDATE incident SET number = $2, resolved_at = $3
     WHERE tenant_id = current_tenant() AND incident_id = $1
"""
DECIDE: Final[LiteralString] = """
    UPDATE incident SET number = $2, state = $3, note = $4, decided_by = current_actor(),
           decided_at = $5
     WHERE tenant_id = current_tenant() AND incident_id = $1
"""


async def lock(tx: TenantTx) -> int:
    """Return the tenant's newest number, which is this transaction's to raise."""
    return int(await tx.conn.fetchval(LOCK))


async def held(tx: TenantTx, ref: bytes, logs: Collection[tuple[bytes, int]]) -> list[Held]:
    """Return the incidents of an event, and those of no event that are about these logs."""
    devices = sorted({device for device, _ in logs})
    rows = await tx.conn.fetch(HELD, ref, NO_EVENT, devices)
    every = map(_held, rows)
    return [each for each in every if each.event == ref or each.log in logs]


async def named(tx: TenantTx, ids: Sequence[bytes]) -> list[Held]:
    """Return those of these incidents that are kept already."""
    return [_held(row) for row in await tx.conn.fetch(NAMED, list(ids))] if ids else []


async def write(tx: TenantTx, changed: Changes, number: int) -> int:
    """Write what a merge changes, above the locked number; return how many changes there were."""
    many = len(changed.new) + len(changed.again) + len(changed.gone)
    numbers = iter(range(number + 1, number + 1 + many))
    await tx.conn.executemany(ADD, [_row(each, next(numbers), tx.now) for each in changed.new])
    await tx.conn.executemany(
        CHANGE, [(f.subject.id, next(numbers), *_lists(f.evidence)) for f in changed.again]
    )
    await tx.conn.executemany(RESOLVE, [(name, next(numbers), tx.now) for name in changed.gone])
    await _count(tx, number, many)
    return many


async def decide(tx: TenantTx, incident: bytes, state: State, note: str) -> bool:
    """Write down what a person decided; False where there is no such incident."""
    number = await lock(tx)
    done = await tx.conn.execute(DECIDE, incident, number + 1, state, note, tx.now)
    if done == "UPDATE 0":
        return False
    await _count(tx, number, 1)
    return True


async def _count(tx: TenantTx, number: int, more: int) -> None:
    if more:
        await tx.conn.execute(COUNT, number + more)
        await tx.tell_devices()


def _row(each: Found, number: int, now: datetime) -> Sequence[object]:
    about = each.subject
    return (
        about.id, number, now, about.event, about.kind, about.ticket, about.device,
        about.incarnation, about.seq, *_lists(each.evidence),
    )  # fmt: skip


def _lists(evidence: Evidence) -> Iterable[object]:
    return (list(part) if isinstance(part, tuple) else part for part in evidence)


def _held(row: Row) -> Held:
    evidence = Evidence(
        tuple(row["record_events"]),
        tuple(row["record_ids"]),
        row["records"],
        tuple(row["devices"]),
        tuple(row["gates"]),
    )
    log = row["device_id"], row["incarnation"]
    return Held(row["incident_id"], row["event_ref"], log, evidence, row["resolved_at"])
