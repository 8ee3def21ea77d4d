"""Jobs, and the guests who wait for their tickets, in PostgreSQL."""

from collections.abc import Sequence
from typing import Final, LiteralString, NamedTuple
from uuid import UUID

import msgspec

from cloud.db.connect import Row
from cloud.db.tenancy import TenantTx
from cloud.tickets.guests_model import GuestRow, Job, JobInput, JobState, Report

KIND: Final = "guests"
CHUNK: Final = 20_000  # rows a statement

NEW: Final[LiteralString] = """
    INSERT INTO job (kind, state, input, total, report, created_at, ended_at)
    VALUES ($1, $2, $3, $4, $5, $6, CASE WHEN $2 IN ('done', 'failed') THEN $6::timestamptz END)
    RETURNING *
"""
ADD: Final[LiteralString] = """
    INSERT INTO guest (job_id, place, line, class_index, name, email, seat)
    SELECT $1, $2::int + place::int - 1, line, class_index, name, email, seat
      FROM unnest($3::int[], $4::int[], $5::text[], $6::text[], $7::text[])
           WITH ORDINALITY AS g (line, class_index, name, email, seat, place)
"""


class NewJob(NamedTuple):
    """A job to be stored."""

    state: JobState
    input: JobInput
    total: int
    report: Report


async def make(tx: TenantTx, new: NewJob, rows: Sequence[GuestRow] = ()) -> Job:
    """Store a job, and the guests whose tickets it shall issue."""
    row = await tx.conn.fetchrow(
        NEW, KIND, new.state, msgspec.to_builtins(new.input), new.total,
        msgspec.to_builtins(new.report), tx.now,
    )  # fmt: skip
    made = _job(row)
    for start in range(0, len(rows), CHUNK):
        columns = zip(*rows[start : start + CHUNK], strict=True)
        await tx.conn.execute(ADD, made.job_id, start, *map(list, columns))
    return made


READ: Final[LiteralString] = """
    SELECT * FROM job WHERE tenant_id = current_tenant() AND job_id = $1
"""


async def read(tx: TenantTx, job_id: UUID) -> Job | None:
    """Return a job."""
    row = await tx.conn.fetchrow(READ, job_id)
    return None if row is None else _job(row)


LOCK: Final[LiteralString] = """
    SELECT * FROM job WHERE tenant_id = current_tenant() AND job_id = $1 AND kind = $2
       AND state IN ('waiting', 'running') FOR UPDATE
"""


async def lock(tx: TenantTx, job_id: UUID) -> Job | None:
    """Return a job that is not ended, and that nobody else works on meanwhile."""
    row = await tx.conn.fetchrow(LOCK, job_id, KIND)
    return None if row is None else _job(row)


TAKE: Final[LiteralString] = """
    WITH taken AS (
        DELETE FROM guest WHERE tenant_id = current_tenant() AND job_id = $1
           AND place >= $2 AND place < $2 + $3
        RETURNING place, line, class_index, name, email, seat)
    SELECT line, class_index, name, email, seat FROM taken ORDER BY place
"""


async def take(tx: TenantTx, job: Job, most: int) -> list[GuestRow]:
    """Take the job's next guests: their rows are gone if this transaction is kept."""
    rows = await tx.conn.fetch(TAKE, job.job_id, job.done, most)
    return [GuestRow(*(row[name] for name in GuestRow._fields)) for row in rows]


SET: Final[LiteralString] = """
    UPDATE job SET state = $2, done = $3, report = $4,
           ended_at = CASE WHEN $2 IN ('done', 'failed') THEN $5::timestamptz END
     WHERE tenant_id = current_tenant() AND job_id = $1
"""


async def progress(tx: TenantTx, job_id: UUID, state: JobState, done: int, report: Report) -> None:
    """Store how far a job is."""
    await tx.conn.execute(SET, job_id, state, done, msgspec.to_builtins(report), tx.now)


DROP: Final[LiteralString] = """
    DELETE FROM guest WHERE tenant_id = current_tenant() AND job_id = $1
"""


async def drop(tx: TenantTx, job_id: UUID) -> None:
    """Forget the guests who still wait."""
    await tx.conn.execute(DROP, job_id)


def _job(row: Row | None) -> Job:
    if row is None:
        raise LookupError("no such job")
    asked = msgspec.convert(row["input"], JobInput)
    report = msgspec.convert(row["report"], Report)
    return Job(
        row["job_id"], row["kind"], row["state"], asked.event_id, asked.dry_run,
        asked.over_capacity, row["done"], row["total"], report, row["created_at"], row["ended_at"],
    )  # fmt: skip
