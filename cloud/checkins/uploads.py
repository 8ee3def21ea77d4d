"""A device's log, taken in: checked, kept, and then counted.

Records are never dropped and never stored twice. One that follows nothing known waits, visibly,
and counts as soon as the record that it follows is here.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final, LiteralString, NamedTuple

from cloud.checkins import settling
from cloud.checkins.runs import Broken, Run, alone, chained, heads, take_apart
from cloud.db.tenancy import TenantTx
from cloud.errors import Refusal
from shared.devices.roster import Cutoff

ABOUT_TICKETS: Final = frozenset({1, 2, 3, 5})  # IN, OUT, ANNUL, OVERRIDE

# One upload of a device at a time.
DEVICE: Final[LiteralString] = """
    SELECT public, cutoff_incarnation, cutoff_seq FROM device
     WHERE tenant_id = current_tenant() AND device_id = $1 FOR UPDATE
"""
PARENTS: Final[LiteralString] = """
    SELECT sha256(r.raw) AS hash FROM record r
      JOIN unnest($2::bigint[], $3::bigint[], $4::bytea[]) AS n (incarnation, seq, hash)
        ON r.incarnation = n.incarnation AND r.seq = n.seq AND sha256(r.raw) = n.hash
     WHERE r.tenant_id = current_tenant() AND r.device_id = $1
       AND NOT EXISTS (SELECT FROM record_waiting w
                        WHERE w.tenant_id = r.tenant_id AND w.record_id = r.record_id)
"""
STORE: Final[LiteralString] = """
    INSERT INTO record (event_ref, record_id, device_id, incarnation, seq, kind, ticket, raw)
    SELECT n.event_ref, n.record_id, $1, $2, n.seq, n.kind, n.ticket, n.raw
      FROM unnest($3::bytea[], $4::bytea[], $5::bigint[], $6::smallint[], $7::bytea[],
                  $8::bytea[]) AS n (event_ref, record_id, seq, kind, ticket, raw)
        ON CONFLICT DO NOTHING
 RETURNING record_id
"""
WAIT: Final[LiteralString] = """
    INSERT INTO record_waiting (device_id, incarnation, record_id, event_ref)
    SELECT $1, $2, n.record_id, n.event_ref
      FROM unnest($3::bytea[], $4::bytea[]) AS n (record_id, event_ref)
"""
WAITING: Final[LiteralString] = """
    SELECT r.raw
      FROM record_waiting w
      JOIN record r ON r.tenant_id = w.tenant_id AND r.event_ref = w.event_ref
                   AND r.record_id = w.record_id
     WHERE w.tenant_id = current_tenant() AND w.device_id = $1 AND w.incarnation = ANY($2)
"""
RELEASE: Final[LiteralString] = """
    DELETE FROM record_waiting WHERE tenant_id = current_tenant() AND record_id = ANY($1)
"""
HEAD: Final[LiteralString] = """
    INSERT INTO log_head AS h (device_id, incarnation, seq, hash, hlc)
    VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (tenant_id, device_id, incarnation) DO UPDATE
       SET seq = excluded.seq, hash = excluded.hash, hlc = greatest(h.hlc, excluded.hlc)
     WHERE h.seq < excluded.seq
"""
END: Final[LiteralString] = """
    SELECT incarnation, seq FROM log_head
     WHERE tenant_id = current_tenant() AND device_id = $1 ORDER BY incarnation DESC LIMIT 1
"""


class Taken(NamedTuple):
    """What became of an upload."""

    incarnation: int  # where the log ends here, without a gap; zeros: nothing yet
    seq: int
    new: int
    known: int
    quarantined: int  # of these, the records that don't count: yet, any more, or ever
    broken: Broken | None


async def take(tx: TenantTx, device: bytes, body: bytes) -> Taken:
    """Take in what a device has sent of its own log."""
    row = await tx.conn.fetchrow(DEVICE, device)
    if row is None:
        raise Refusal("not_found")
    apart = await asyncio.to_thread(take_apart, body, device, row["public"])
    ready, waiting = chained(apart.runs, await _parents(tx, device, apart.runs))
    stored = {id_ for run in apart.runs for id_ in await _store(tx, device, run)}
    await _wait(tx, device, waiting, stored)
    released = await _release(tx, device, ready)
    for head in heads([*ready, *released]):
        await tx.conn.execute(HEAD, device, *head)
    fresh = [raw for run in ready for raw, hash_ in zip(run.raws, run.hashes, strict=True)
             if hash_[:16] in stored]  # fmt: skip
    fresh += [raw for run in released for raw in run.raws]
    await settling.settle(tx, _touched(fresh))
    if stored:
        await tx.tell_devices()
    cut = row["cutoff_incarnation"]
    cutoff = None if cut is None else Cutoff(cut, row["cutoff_seq"])
    quarantined = _quarantined(ready, waiting, cutoff)
    end = await tx.conn.fetchrow(END, device)
    incarnation, seq = (end["incarnation"], end["seq"]) if end else (0, 0)
    known = sum(len(run.raws) for run in apart.runs) - len(stored)
    return Taken(incarnation, seq, len(stored), known, quarantined, apart.broken)


async def _parents(tx: TenantTx, device: bytes, runs: Sequence[Run]) -> set[bytes]:
    """Return the hashes of those records before the runs that are here and count."""
    after = [run for run in runs if run.seq > 1]
    if not after:
        return set()
    places = [run.incarnation for run in after], [run.seq - 1 for run in after]
    rows = await tx.conn.fetch(PARENTS, device, *places, [run.prev for run in after])
    return {row["hash"] for row in rows}


async def _store(tx: TenantTx, device: bytes, run: Run) -> list[bytes]:
    """Keep a run; return the ids of what was new."""
    rows = await tx.conn.fetch(
        STORE, device, run.incarnation,
        [raw[80:88] for raw in run.raws],
        [hash_[:16] for hash_ in run.hashes],
        list(range(run.seq, run.last + 1)),
        run.kinds,
        [raw[96:112] for raw in run.raws],
        run.raws,
    )  # fmt: skip
    return [row["record_id"] for row in rows]


async def _wait(tx: TenantTx, device: bytes, runs: Iterable[Run], stored: set[bytes]) -> None:
    for run in runs:
        new = [(hash_[:16], raw[80:88]) for raw, hash_ in zip(run.raws, run.hashes, strict=True)
               if hash_[:16] in stored]  # fmt: skip
        if new:
            ids, events = zip(*new, strict=True)
            await tx.conn.execute(WAIT, device, run.incarnation, ids, events)


async def _release(tx: TenantTx, device: bytes, ready: Sequence[Run]) -> list[Run]:
    """Let count what waited for records that count now; return it as runs of one record."""
    touched = sorted({run.incarnation for run in ready})
    rows = await tx.conn.fetch(WAITING, device, touched) if touched else []
    if not rows:
        return []
    single = await asyncio.to_thread(lambda: [alone(row["raw"]) for row in rows])
    counted = {hash_ for run in ready for hash_ in run.hashes}
    released, _ = chained(single, counted)
    if released:
        await tx.conn.execute(RELEASE, [run.hashes[0][:16] for run in released])
    return released


def _touched(raws: Iterable[bytes]) -> dict[bytes, set[bytes]]:
    """Return by event the tickets that records which count now are about."""
    touched: dict[bytes, set[bytes]] = {}
    for raw in raws:
        if raw[1] in ABOUT_TICKETS:
            touched.setdefault(raw[80:88], set()).add(raw[96:112])
    return touched


def _quarantined(ready: Sequence[Run], waiting: Sequence[Run], cutoff: Cutoff | None) -> int:
    count = sum(len(run.raws) for run in waiting)
    for run in ready:
        for seq, kind in enumerate(run.kinds, run.seq):
            cut_off = cutoff is not None and Cutoff(run.incarnation, seq) > cutoff
            count += cut_off or not kind
    return count
