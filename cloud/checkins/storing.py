"""Records of devices' logs in PostgreSQL. Row-level security adds the tenant to every query.

Records are never dropped and never stored twice. One that follows nothing known waits, visibly,
and counts as soon as the record that it follows is here. Where too many wait already, more are not
taken: their device is told, and offers them again.
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence, Set
from itertools import accumulate, count
from typing import Final, LiteralString

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
# All as they lie behind one another: as arrays, looking at each element would cost the client more
# than the rest of an upload.
STORE: Final[LiteralString] = """
    INSERT INTO record (event_ref, record_id, device_id, incarnation, seq, kind, ticket, raw)
    SELECT substring(n.raw FROM 81 FOR 8), substring($6::bytea FROM 16 * n.at + 1 FOR 16), $1,
           n.incarnation, n.seq, get_byte($7::bytea, n.at), substring(n.raw FROM 97 FOR 16), n.raw
      FROM (SELECT run.incarnation, run.seq + i AS seq, run.at + i AS at,
                   substring($5::bytea FROM 256 * (run.at + i) + 1 FOR 256) AS raw
              FROM unnest($2::bigint[], $3::bigint[], $4::integer[], $8::integer[])
                   AS run (incarnation, seq, at, many),
                   generate_series(0, run.many - 1) AS i
            OFFSET 0) AS n
        ON CONFLICT DO NOTHING
 RETURNING record_id
"""
FORK: Final[LiteralString] = """
    INSERT INTO log_fork (device_id, incarnation, found_at)
    SELECT DISTINCT $1::bytea, n.incarnation, $5::timestamptz
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
BOOTS: Final[LiteralString] = """
    SELECT prev FROM log_boot WHERE tenant_id = current_tenant() AND device_id = $1
"""
TIES: Final[LiteralString] = "SELECT note_ties($1, $2, $3, $4)"
WAITERS: Final[LiteralString] = """
    SELECT count(*) FROM record_waiting WHERE tenant_id = current_tenant() AND device_id = $1
"""
# What waited is of events that its arrival was noted at, and their merges count it only now.
MERGE: Final[LiteralString] = """
    INSERT INTO merge_due (event_ref, anew)
    SELECT e.ref, false FROM event e WHERE e.tenant_id = current_tenant() AND e.ref = ANY($1)
"""
READ: Final[LiteralString] = """
    INSERT INTO merge_due (event_ref, anew)
    SELECT DISTINCT e.event_ref, true
      FROM unnest($1::bytea[], $2::bigint[]) AS n (device_id, incarnation)
      JOIN log_event e ON e.tenant_id = current_tenant() AND e.device_id = n.device_id
     WHERE e.incarnation = n.incarnation
        OR EXISTS (SELECT FROM log_tie t
                    WHERE t.tenant_id = e.tenant_id AND t.device_id = e.device_id
                      AND t.incarnation = e.incarnation AND t.other = n.incarnation)
"""


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
    new: set[bytes] = set()
    for some in _portions(runs):
        at = list(accumulate((len(run.raws) for run in some), initial=0))
        rows = await tx.conn.fetch(
            STORE, device, [run.incarnation for run in some], [run.seq for run in some], at[:-1],
            b"".join(raw for run in some for raw in run.raws),
            b"".join(name[:16] for run in some for name in run.hashes),
            bytes(kind for run in some for kind in run.kinds),
            [len(run.raws) for run in some],
        )  # fmt: skip
        new.update(row["record_id"] for row in rows)
    if new:
        places = [run.incarnation for run in runs], [run.seq for run in runs]
        await tx.conn.execute(FORK, device, *places, [run.last for run in runs], tx.now)
    return new


def _portions(runs: Iterable[Run]) -> Iterator[list[Run]]:
    """Yield runs, as many as go into a statement; none is longer than that (shared.log.runs)."""
    some: list[Run] = []
    for run in runs:
        if sum(len(each.raws) for each in some) + len(run.raws) > AT_ONCE:
            yield some
            some = []
        some.append(run)
    if some:
        yield some


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
    """Have these events merged, since more of their records counts."""
    await tx.conn.execute(MERGE, sorted(events))


async def read_again(tx: TenantTx, logs: Iterable[tuple[bytes, int]]) -> None:
    """Have all events merged anew whose merges read these logs: something else than records came
    in of them."""
    named = sorted(logs)
    await tx.conn.execute(READ, [device for device, _ in named], [number for _, number in named])


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
    followed = {prev for _, seq, prev in came if seq == 1}
    followed |= {row["prev"] for row in await tx.conn.fetch(BOOTS, device)}
    if tying := [each for each in came if each[2] in followed]:
        await tx.conn.execute(TIES, device, *map(list, zip(*tying, strict=True)))


async def room(tx: TenantTx, device: bytes) -> int:
    """Return how many more of a device's records may wait."""
    waiting = await tx.conn.fetchval(WAITERS, device)
    return max(0, MOST_WAITING - int(waiting))
