"""Records of devices' logs in PostgreSQL. Row-level security adds the tenant to every query.

Records are never dropped and never stored twice. One that follows nothing known waits, visibly,
and counts as soon as the record that it follows is here. Where too many wait already, more are not
taken: their device is told, and offers them again.
"""

import asyncio
from collections.abc import Iterable, Sequence, Set
from itertools import count
from typing import Final, LiteralString, NamedTuple

from cloud.checkins.runs import Link, Run, alone, chained, heads
from cloud.db.tenancy import TenantTx

AT_ONCE: Final = 8192  # records in a statement
MOST_WAITING: Final = 65_536  # of a device's records: 16 MiB. What waits is read at each upload

PARENTS: Final[LiteralString] = """
    SELECT n.incarnation, n.seq, n.hash FROM record r
      JOIN unnest($2::bigint[], $3::bigint[], $4::bytea[]) AS n (incarnation, seq, hash)
        ON r.incarnation = n.incarnation AND r.seq = n.seq AND sha256(r.raw) = n.hash
     WHERE r.tenant_id = current_tenant() AND r.device_id = $1
       AND NOT EXISTS (SELECT FROM record_waiting w
                        WHERE w.tenant_id = r.tenant_id AND w.record_id = r.record_id)
"""
STORE: Final[LiteralString] = """
    INSERT INTO record (event_ref, record_id, device_id, incarnation, seq, kind, ticket, raw)
    SELECT n.event_ref, n.record_id, $1, n.incarnation, n.seq, n.kind, n.ticket, n.raw
      FROM unnest($2::bytea[], $3::bytea[], $4::bigint[], $5::bigint[], $6::smallint[],
                  $7::bytea[], $8::bytea[])
           AS n (event_ref, record_id, incarnation, seq, kind, ticket, raw)
        ON CONFLICT DO NOTHING
 RETURNING record_id
"""
FORK: Final[LiteralString] = """
    INSERT INTO log_fork (device_id, incarnation)
    SELECT DISTINCT $1::bytea, n.incarnation
      FROM unnest($2::bigint[], $3::bigint[], $4::bigint[]) AS n (incarnation, first, last)
     WHERE EXISTS (
        SELECT FROM record r
         WHERE r.tenant_id = current_tenant() AND r.device_id = $1
           AND r.incarnation = n.incarnation AND r.seq BETWEEN n.first AND n.last
         GROUP BY r.seq HAVING count(*) > 1)
        ON CONFLICT DO NOTHING
"""
WAIT: Final[LiteralString] = """
    INSERT INTO record_waiting (device_id, incarnation, record_id, event_ref)
    SELECT $1, * FROM unnest($2::bigint[], $3::bytea[], $4::bytea[])
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
     WHERE h.seq < excluded.seq OR (h.seq = excluded.seq AND h.hash > excluded.hash)
"""
TIES: Final[LiteralString] = "SELECT note_ties($1, $2, $3, $4)"
WAITERS: Final[LiteralString] = """
    SELECT count(*) FROM record_waiting WHERE tenant_id = current_tenant() AND device_id = $1
"""
# What waited is of events that its arrival was noted at, and their merges count it only now.
MERGE: Final[LiteralString] = """
    INSERT INTO merge_due (event_ref)
    SELECT e.ref FROM event e WHERE e.tenant_id = current_tenant() AND e.ref = ANY($1)
"""


class _Line(NamedTuple):
    """A record, on its way into its table."""

    incarnation: int
    seq: int
    kind: int
    hash: bytes
    raw: bytes


async def parents(tx: TenantTx, device: bytes, runs: Sequence[Run]) -> set[Link]:
    """Return those of the records before the runs that are here and count."""
    after = [run for run in runs if run.seq > 1]
    if not after:
        return set()
    places = [run.incarnation for run in after], [run.seq - 1 for run in after]
    rows = await tx.conn.fetch(PARENTS, device, *places, [run.prev for run in after])
    return {Link(row["incarnation"], row["seq"], row["hash"]) for row in rows}


async def store(tx: TenantTx, device: bytes, runs: Sequence[Run]) -> set[bytes]:
    """Keep a device's runs; return the ids of what was new. Its row is locked."""
    lines = [_Line(run.incarnation, *line) for run in runs for line in
             zip(count(run.seq), run.kinds, run.hashes, run.raws, strict=False)]  # fmt: skip
    new: set[bytes] = set()
    for at in range(0, len(lines), AT_ONCE):
        some = lines[at : at + AT_ONCE]
        rows = await tx.conn.fetch(
            STORE, device,
            [line.raw[80:88] for line in some],
            [line.hash[:16] for line in some],
            [line.incarnation for line in some],
            [line.seq for line in some],
            [line.kind for line in some],
            [line.raw[96:112] for line in some],
            [line.raw for line in some],
        )  # fmt: skip
        new.update(row["record_id"] for row in rows)
    if new:
        places = [run.incarnation for run in runs], [run.seq for run in runs]
        await tx.conn.execute(FORK, device, *places, [run.last for run in runs])
    return new


async def wait(tx: TenantTx, device: bytes, runs: Iterable[Run], stored: Set[bytes]) -> None:
    """Note of what was stored that it waits."""
    new = {hash_[:16]: (run.incarnation, hash_[:16], raw[80:88])
           for run in runs for raw, hash_ in zip(run.raws, run.hashes, strict=True)
           if hash_[:16] in stored}  # fmt: skip
    if new:
        await tx.conn.execute(WAIT, device, *map(list, zip(*new.values(), strict=True)))


async def release(tx: TenantTx, device: bytes, ready: Sequence[Run]) -> list[Run]:
    """Let count what waited for records that count now; return it as runs of one record."""
    touched = sorted({run.incarnation for run in ready})
    rows = await tx.conn.fetch(WAITING, device, touched) if touched else []
    if not rows:
        return []
    single = await asyncio.to_thread(lambda: [alone(row["raw"]) for row in rows])
    counted = {link for run in ready for link in run.links()}
    released, _ = chained(single, counted)
    if released:
        await tx.conn.execute(RELEASE, [run.hashes[0][:16] for run in released])
        await merge_again(tx, {run.raws[0][80:88] for run in released})
    return released


async def merge_again(tx: TenantTx, events: Iterable[bytes]) -> None:
    """Have these events merged, since what is known of their records has changed."""
    await tx.conn.execute(MERGE, sorted(events))


async def advance(tx: TenantTx, device: bytes, counted: Sequence[Run]) -> None:
    """Note where the device's logs end, now that these count."""
    for head in heads(counted):
        await tx.conn.execute(HEAD, device, *head)


async def tie(tx: TenantTx, device: bytes, runs: Iterable[Run], stored: Set[bytes]) -> None:
    """Note what was stored that forgets records, or follows what such a record follows. Where the
    device's logs end is noted before."""
    came = [
        (run.incarnation, seq, raw[32:64])
        for run in runs
        for seq, hash_, raw in zip(count(run.seq), run.hashes, run.raws, strict=False)
        if hash_[:16] in stored
    ]
    if came:
        await tx.conn.execute(TIES, device, *map(list, zip(*came, strict=True)))


async def room(tx: TenantTx, device: bytes) -> int:
    """Return how many more of a device's records may wait."""
    waiting = await tx.conn.fetchval(WAITERS, device)
    return max(0, MOST_WAITING - int(waiting))
