"""Rows of `ledger_job`: transactions that were signed, stored before they are sent."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, LiteralString
from uuid import UUID

from msgspec import Struct
from solders.pubkey import Pubkey
from solders.signature import Signature

from cloud.db.connect import Row
from cloud.db.tenancy import TenantTx
from cloud.ledger.ports import Signed
from cloud.ledger.work.lifecycle import State

STORE: Final[LiteralString] = """
    INSERT INTO ledger_job (event_id, job_id, kind, tree_no, ticket_id, raw, signature,
                            last_height, data_hashes, creates, made_at, due_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)
"""
OPEN: Final[LiteralString] = """
    SELECT job_id, kind, state, tree_no, ticket_id, raw, signature, last_height, data_hashes,
           creates, sends
      FROM ledger_job
     WHERE tenant_id = current_tenant() AND event_id = $1 AND state = 'signed' AND due_at <= $2
     ORDER BY number LIMIT $3
"""
COUNT: Final[LiteralString] = """
    SELECT count(*) AS jobs, coalesce(sum(cardinality(data_hashes)), 0) AS leaves,
           count(*) FILTER (WHERE kind IN ('collection', 'tree')) AS founding
      FROM ledger_job
     WHERE tenant_id = current_tenant() AND event_id = $1 AND state IN ('signed', 'review')
"""
FOUNDING_FAILED: Final[LiteralString] = """
    SELECT kind || ': ' || fault FROM ledger_job
     WHERE tenant_id = current_tenant() AND event_id = $1 AND state IN ('failed', 'dead')
       AND kind IN ('collection', 'tree') AND ended_at > $2
     ORDER BY number DESC LIMIT 1
"""
SENT: Final[LiteralString] = """
    UPDATE ledger_job SET sends = sends + 1, due_at = $3, fault = left($4, 200)
     WHERE tenant_id = current_tenant() AND event_id = $1 AND job_id = $2 AND state = 'signed'
"""
END: Final[LiteralString] = """
    UPDATE ledger_job j
       SET state = e.state, slot = e.slot, fault = left(e.fault, 200),
           raw = CASE WHEN e.state = 'review' THEN j.raw END,
           ended_at = CASE WHEN e.state <> 'review' THEN $2::timestamptz END
      FROM unnest($3::uuid[], $4::text[], $5::bigint[], $6::text[])
           AS e (job_id, state, slot, fault)
     WHERE j.tenant_id = current_tenant() AND j.event_id = $1 AND j.job_id = e.job_id
       AND j.state = 'signed'
"""
BOOKED: Final[LiteralString] = """
    UPDATE ledger_job j SET entry = b.entry
      FROM unnest($2::uuid[], $3::bigint[]) AS b (job_id, entry)
     WHERE j.tenant_id = current_tenant() AND j.event_id = $1 AND j.job_id = b.job_id
"""
OURS: Final[LiteralString] = """
    SELECT signature, state FROM ledger_job
     WHERE tenant_id = current_tenant() AND event_id = $1 AND signature = ANY($2::bytea[])
"""


class Job(Struct, frozen=True):
    """A transaction that was signed."""

    job_id: UUID
    kind: str
    signed: Signed
    tree_no: int | None = None
    ticket_id: UUID | None = None
    sends: int = 0


class Open(Struct, frozen=True):
    """How many jobs are open, how many leaves they would mint, and how many of them found a
    collection or a tree."""

    jobs: int
    leaves: int
    founding: int


class End(Struct, frozen=True):
    """What became of one."""

    job_id: UUID
    state: State
    slot: int | None = None
    fault: str = ""


async def store(tx: TenantTx, event_id: UUID, jobs: Sequence[Job]) -> None:
    """Store jobs. None of them was ever sent."""
    await tx.conn.executemany(
        STORE,
        [
            (
                event_id, job.job_id, job.kind, job.tree_no, job.ticket_id, job.signed.raw,
                bytes(job.signed.signature), job.signed.last_height, list(job.signed.data_hashes),
                job.signed.creates and bytes(job.signed.creates), tx.now,
            )
            for job in jobs
        ],
    )  # fmt: skip


async def due(tx: TenantTx, event_id: UUID, limit: int) -> list[Job]:
    """Return open jobs to be sent and looked for, the oldest first."""
    return [_job(row) for row in await tx.conn.fetch(OPEN, event_id, tx.now, limit)]


async def count(tx: TenantTx, event_id: UUID) -> Open:
    """Return what is open."""
    row = await tx.conn.fetchrow(COUNT, event_id)
    return Open(*(0, 0, 0) if row is None else (int(each) for each in row.values()))


async def founding_failed(tx: TenantTx, event_id: UUID, within: timedelta) -> str:
    """Return why a collection or a tree failed or expired of late, "": none did."""
    return await tx.conn.fetchval(FOUNDING_FAILED, event_id, tx.now - within) or ""


async def sent(tx: TenantTx, event_id: UUID, jobs: Sequence[tuple[UUID, timedelta, str]]) -> None:
    """Note that jobs were sent and not seen: (job, until the next time, what the chain said)."""
    await tx.conn.executemany(
        SENT, [(event_id, job, tx.now + wait, fault) for job, wait, fault in jobs]
    )


async def end(tx: TenantTx, event_id: UUID, ends: Sequence[End]) -> bool:
    """Write down what became of jobs; False: of one, somebody else has done so."""
    columns = zip(*((e.job_id, e.state.value, e.slot, e.fault) for e in ends), strict=True)
    tag = await tx.conn.execute(END, event_id, tx.now, *map(list, columns))
    return tag == f"UPDATE {len(ends)}"


async def booked(tx: TenantTx, event_id: UUID, entries: Sequence[tuple[UUID, int]]) -> None:
    """Note by which entries of the books what jobs took is known: (job, entry)."""
    if entries:
        await tx.conn.execute(BOOKED, event_id, *map(list, zip(*entries, strict=True)))


async def states(
    tx: TenantTx, event_id: UUID, signatures: Sequence[Signature]
) -> dict[Signature, str]:
    """Return the states of those that are ours."""
    rows = await tx.conn.fetch(OURS, event_id, [bytes(each) for each in signatures])
    return {Signature.from_bytes(row["signature"]): row["state"] for row in rows}


def _job(row: Row) -> Job:
    creates = row["creates"]
    signed = Signed(
        row["raw"],
        Signature.from_bytes(row["signature"]),
        row["last_height"],
        tuple(row["data_hashes"]),
        None if creates is None else Pubkey.from_bytes(creates),
    )
    return Job(
        row["job_id"], row["kind"], signed, row["tree_no"], row["ticket_id"], row["sends"]
    )  # fmt: skip
