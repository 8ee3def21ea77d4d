"""Rows of `asset`: what is to be looked at, and what there is. RLS adds the tenant to queries."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, LiteralString
from uuid import UUID

from asyncpg import Range
from msgspec import Struct
from solders.pubkey import Pubkey

from cloud.db.connect import Row
from cloud.db.tenancy import TenantTx
from cloud.ledger.values import Effect, Flag
from cloud.ledger.work.keys import Fan
from cloud.ledger.work.steps import Has

# The event first, and locked until the end: the worker puts it to rest under the same lock.
DUE_EVENT: Final[LiteralString] = """
    INSERT INTO asset_event (event_id, due_at) VALUES ($1, $2)
        ON CONFLICT (tenant_id, event_id) DO UPDATE
       SET due_at = least(asset_event.due_at, excluded.due_at)
"""
# A ticket that nobody has had is no asset yet; one that has its row is looked at in any state. What
# was left as others made it is so until its ticket is taken back: then it is burnt wherever it is.
LOOK: Final[LiteralString] = """
    INSERT INTO asset (event_id, ticket_id, number, due_at, wished_at)
    SELECT event_id, ticket_id, number, $5, $5 FROM ticket t
     WHERE tenant_id = current_tenant() AND event_id = $1
       AND ($2::uuid IS NULL OR order_id = $2)
       AND ($3::uuid[] IS NULL OR ticket_id = ANY($3))
       AND ($4::int4range IS NULL OR number <@ $4::int4range)
       AND (state IN ('purchased', 'minted', 'active', 'listed', 'used')
            OR EXISTS (SELECT FROM asset a WHERE a.tenant_id = t.tenant_id
                          AND a.event_id = t.event_id AND a.ticket_id = t.ticket_id))
        ON CONFLICT (tenant_id, event_id, ticket_id) DO UPDATE
       SET wish = asset.wish + 1, due_at = excluded.due_at,
           wished_at = CASE WHEN asset.due_at IS NULL THEN excluded.wished_at
                            ELSE asset.wished_at END,
           held = CASE WHEN asset.held = 'left' AND EXISTS (
                            SELECT FROM ticket v WHERE v.tenant_id = asset.tenant_id
                               AND v.event_id = asset.event_id AND v.ticket_id = asset.ticket_id
                               AND v.state IN ('refunded', 'revoked'))
                       THEN '' ELSE asset.held END
"""
FREEZES: Final[LiteralString] = """
    SELECT freezes FROM asset_event WHERE tenant_id = current_tenant() AND event_id = $1
"""
WAKE: Final[LiteralString] = "SELECT pg_notify('usher_ledger', '')"
DUE: Final[LiteralString] = """
    SELECT a.ticket_id, a.number, a.ref, a.wish, a.asset_id, a.owner, a.frozen,
           a.burnt, a.tree_no, t.state, t.gen, t.class_index, t.account_id, w.address,
           (SELECT count(*) FROM wallet_export x
             WHERE x.tenant_id = t.tenant_id AND x.account_id = t.account_id) AS exports
      FROM asset a
      JOIN ticket t USING (tenant_id, event_id, ticket_id)
      LEFT JOIN wallet w ON w.tenant_id = t.tenant_id AND w.account_id = t.account_id
     WHERE a.tenant_id = current_tenant() AND a.event_id = $1 AND a.due_at <= $2
       AND a.job_id IS NULL AND a.held = ''
     ORDER BY a.due_at, a.number LIMIT $3
"""
# Who had a ticket: at the address that is kept for one of them its asset may be.
KEEPERS: Final[LiteralString] = """
    SELECT ticket_id, account_id, (SELECT count(*) FROM wallet_export x
             WHERE x.tenant_id = current_tenant() AND x.account_id = had.account_id) AS exports
      FROM (
        SELECT ticket_id, account_id FROM ticket
         WHERE tenant_id = current_tenant() AND event_id = $1 AND ticket_id = ANY($2)
        UNION SELECT t.ticket_id, p.account_id FROM ticket t
          JOIN purchase p USING (tenant_id, order_id)
         WHERE t.tenant_id = current_tenant() AND t.event_id = $1 AND t.ticket_id = ANY($2)
        UNION SELECT r.ticket_id, unnest(ARRAY[r.sender, r.recipient]) FROM transfer r
         WHERE r.tenant_id = current_tenant() AND r.event_id = $1 AND r.ticket_id = ANY($2)) had
     WHERE account_id IS NOT NULL
"""
REST: Final[LiteralString] = """
    UPDATE asset a SET due_at = NULL, attempts = 0, fault = ''
      FROM unnest($2::uuid[], $3::int[]) AS r (ticket_id, wish)
     WHERE a.tenant_id = current_tenant() AND a.event_id = $1 AND a.ticket_id = r.ticket_id
       AND a.wish = r.wish AND a.job_id IS NULL
"""
CLAIM: Final[LiteralString] = """
    UPDATE asset a
       SET job_id = c.job_id, place = c.place, taken = c.wish, more = c.more,
           text_id = coalesce(c.text_id, a.text_id), gen = coalesce(c.gen, a.gen)
      FROM unnest($2::uuid[], $3::uuid[], $4::int[], $5::int[], $6::boolean[], $7::int[],
                  $8::int[]) AS c (ticket_id, job_id, place, wish, more, text_id, gen)
     WHERE a.tenant_id = current_tenant() AND a.event_id = $1 AND a.ticket_id = c.ticket_id
       AND a.job_id IS NULL AND (c.text_id IS NULL OR a.asset_id IS NULL)
"""
MINTED: Final[LiteralString] = """
    UPDATE asset a
       SET asset_id = m.asset_id, tree_no = m.tree_no, leaf_index = m.leaf_index,
           owner = m.owner, mint_job = a.job_id, job_id = NULL, attempts = 0, fault = '',
           due_at = CASE WHEN a.wish = a.taken AND NOT a.more THEN NULL ELSE $2::timestamptz END,
           changed_at = $2::timestamptz
      FROM unnest($3::uuid[], $4::int[], $5::bytea[], $6::int[], $7::int[], $8::bytea[])
           AS m (job_id, place, asset_id, tree_no, leaf_index, owner)
     WHERE a.tenant_id = current_tenant() AND a.event_id = $1
       AND a.job_id = m.job_id AND a.place = m.place AND a.asset_id IS NULL
    RETURNING a.ticket_id, a.asset_id
"""
CHANGED: Final[LiteralString] = """
    UPDATE asset a
       SET owner = c.owner, frozen = c.frozen, burnt = c.burnt, job_id = NULL, attempts = 0,
           fault = '', changed_at = $2::timestamptz,
           due_at = CASE WHEN a.wish = a.taken AND NOT a.more THEN NULL ELSE $2::timestamptz END
      FROM unnest($3::uuid[], $4::bytea[], $5::boolean[], $6::boolean[])
           AS c (job_id, owner, frozen, burnt)
     WHERE a.tenant_id = current_tenant() AND a.event_id = $1 AND a.job_id = c.job_id
"""
FREE: Final[LiteralString] = """
    UPDATE asset SET job_id = NULL, due_at = $3
     WHERE tenant_id = current_tenant() AND event_id = $1 AND job_id = ANY($2)
"""
FAILED: Final[LiteralString] = """
    UPDATE asset SET job_id = NULL, attempts = attempts + 1, fault = $3, due_at = $4,
           held = CASE WHEN attempts + 1 >= $5 THEN 'failed' ELSE held END
     WHERE tenant_id = current_tenant() AND event_id = $1
       AND (job_id = ANY($2) OR (job_id IS NULL AND ticket_id = ANY($2)))
"""
WAITING: Final[LiteralString] = """
    SELECT count(*) FROM (
        SELECT FROM asset WHERE tenant_id = current_tenant() AND event_id = $1
           AND due_at IS NOT NULL AND asset_id IS NULL AND held = '' LIMIT $2) w
"""
NEXT: Final[LiteralString] = """
    SELECT least(
        (SELECT min(due_at) FROM asset WHERE tenant_id = current_tenant() AND event_id = $1
            AND due_at IS NOT NULL AND job_id IS NULL AND held = ''),
        (SELECT min(due_at) FROM ledger_job WHERE tenant_id = current_tenant()
            AND event_id = $1 AND state = 'signed'))
"""

MANY: Final = 20_000  # tickets that wait

Keepers = Mapping[UUID, Sequence[Fan]]


class Due(Struct, frozen=True):
    """A ticket to be compared with its asset. `state`, `gen` and so on are the ticket's."""

    ticket_id: UUID
    number: int
    ref: bytes
    wish: int
    asset_id: Pubkey | None
    has: Has | None
    state: str
    gen: int
    class_index: int
    fan: Fan | None
    wallet: Pubkey | None
    tree_no: int | None


class Claim(Struct, frozen=True):
    """A ticket in a job. `text_id` and `gen`: of a mint alone."""

    ticket_id: UUID
    job_id: UUID
    place: int
    wish: int
    more: bool
    text_id: int | None = None
    gen: int | None = None


async def look(
    tx: TenantTx,
    event_id: UUID,
    *,
    order: UUID | None = None,
    tickets: Sequence[UUID] | None = None,
    numbers: tuple[int, int] | None = None,
) -> None:
    """Have tickets looked at: of an order, or these, or those with numbers from..below."""
    span = None if numbers is None else Range(*numbers)
    await tx.conn.execute(DUE_EVENT, event_id, tx.now)
    await tx.conn.execute(LOOK, event_id, order, tickets, span, tx.now)
    await tx.conn.execute(WAKE)


async def freezes(tx: TenantTx, event_id: UUID) -> bool:
    """Whether an event's used tickets are frozen."""
    return await tx.conn.fetchval(FREEZES, event_id) is True


async def due(tx: TenantTx, event_id: UUID, limit: int) -> list[Due]:
    """Return tickets to be compared, those that wait longest first."""
    return [_due(row) for row in await tx.conn.fetch(DUE, event_id, tx.now, limit)]


async def keepers(tx: TenantTx, event_id: UUID, tickets: Sequence[UUID]) -> Keepers:
    """Return all accounts that had tickets."""
    had: dict[UUID, list[Fan]] = {}
    for row in await tx.conn.fetch(KEEPERS, event_id, list(tickets)):
        had.setdefault(row["ticket_id"], []).append(Fan(row["account_id"], row["exports"]))
    return had


async def rest(tx: TenantTx, event_id: UUID, agreed: Sequence[Due]) -> None:
    """Note that tickets and assets agree, unless something was wished meanwhile."""
    tickets, wishes = [each.ticket_id for each in agreed], [each.wish for each in agreed]
    await tx.conn.execute(REST, event_id, tickets, wishes)


async def claim(tx: TenantTx, event_id: UUID, claims: Sequence[Claim]) -> bool:
    """Bind tickets to their jobs; False: another has one of them, so the jobs are void."""
    columns = zip(*((c.ticket_id, c.job_id, c.place, c.wish, c.more, c.text_id, c.gen)
                    for c in claims), strict=True)  # fmt: skip
    tag = await tx.conn.execute(CLAIM, event_id, *map(list, columns))
    return tag == f"UPDATE {len(claims)}"


async def minted(
    tx: TenantTx, event_id: UUID, told: Sequence[tuple[UUID, int, int, Effect]]
) -> list[tuple[UUID, bytes]]:
    """Store what mints have told: (job, place in it, tree, effect); return the tickets that had
    a row for it, with their assets."""
    columns = zip(*((job, place, bytes(e.leaf.id), tree_no, e.index, bytes(e.leaf.owner))
                    for job, place, tree_no, e in told), strict=True)  # fmt: skip
    rows = await tx.conn.fetch(MINTED, event_id, tx.now, *map(list, columns))
    return [(row["ticket_id"], row["asset_id"]) for row in rows]


async def changed(tx: TenantTx, event_id: UUID, told: Sequence[tuple[UUID, Effect]]) -> None:
    """Store what changes have told."""
    columns = zip(*((job, bytes(e.leaf.owner), bool(e.leaf.flags & Flag.FROZEN), e.burnt)
                    for job, e in told), strict=True)  # fmt: skip
    await tx.conn.execute(CHANGED, event_id, tx.now, *map(list, columns))


async def free(tx: TenantTx, event_id: UUID, jobs: Sequence[UUID], wait: timedelta) -> None:
    """Let the tickets of dead jobs be signed for again, after a while."""
    await tx.conn.execute(FREE, event_id, list(jobs), tx.now + wait)


async def failed(
    tx: TenantTx, event_id: UUID, those: Sequence[UUID], fault: str, wait: timedelta, most: int
) -> None:
    """Note a failure of jobs, or of tickets for which none could be signed."""
    await tx.conn.execute(FAILED, event_id, list(those), fault, tx.now + wait, most)


async def waiting(tx: TenantTx, event_id: UUID) -> int:
    """Return how many tickets wait for their mint: `MANY` stand for more."""
    return int(await tx.conn.fetchval(WAITING, event_id, MANY))


async def next_due(tx: TenantTx, event_id: UUID) -> datetime | None:
    """Return when the next thing of an event is due."""
    found: datetime | None = await tx.conn.fetchval(NEXT, event_id)
    return found


def _due(row: Row) -> Due:
    owner, wallet, asset = row["owner"], row["address"], row["asset_id"]
    has = None if owner is None else Has(Pubkey.from_bytes(owner), row["frozen"], row["burnt"])
    return Due(
        row["ticket_id"], row["number"], row["ref"], row["wish"],
        None if asset is None else Pubkey.from_bytes(asset), has, row["state"], row["gen"],
        row["class_index"],
        None if row["account_id"] is None else Fan(row["account_id"], row["exports"]),
        None if wallet is None else Pubkey.from_bytes(wallet), row["tree_no"],
    )  # fmt: skip
