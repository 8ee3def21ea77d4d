"""What there is to be shown of events and tickets. Row-level security adds the tenant."""

from collections.abc import Sequence
from typing import Final, LiteralString
from uuid import UUID

from solders.pubkey import Pubkey

from cloud.db.connect import Connection, Row
from cloud.db.tenancy import TenantTx
from cloud.ledger.web.shapes import (
    AssetOut,
    EventOut,
    ReviewOut,
    Standing,
    StepOut,
    TreeOut,
    shown,
)
from cloud.ledger.work import event_rows

STOPPED: Final = "ledger_paused"  # by the operator: nothing goes on at any event
NAMED: Final[LiteralString] = "SELECT tenant_id, event_id, ticket_id FROM asset_named($1)"
COUNTS: Final[LiteralString] = """
    SELECT count(*) FILTER (WHERE asset_id IS NOT NULL AND NOT burnt) AS minted,
           count(*) FILTER (WHERE burnt) AS burnt,
           count(*) FILTER (WHERE frozen AND NOT burnt) AS frozen,
           count(*) FILTER (WHERE due_at IS NOT NULL AND held = '') AS waiting,
           count(*) FILTER (WHERE held = 'failed') AS failed,
           min(wished_at) FILTER (WHERE due_at IS NOT NULL AND held = '') AS since,
           (SELECT count(*) FROM ledger_job j WHERE j.tenant_id = current_tenant()
               AND j.event_id = $1 AND j.state = 'review') AS lost,
           (SELECT count(*) FROM asset_review r WHERE r.tenant_id = current_tenant()
               AND r.event_id = $1 AND r.settled_at IS NULL) AS reviews
      FROM asset WHERE tenant_id = current_tenant() AND event_id = $1
"""
EXISTS: Final[LiteralString] = """
    SELECT true FROM event WHERE tenant_id = current_tenant() AND event_id = $1
"""
ASSET: Final[LiteralString] = """
    SELECT a.*, x.body, t.state AS ticket_state, t.account_id, j.state AS job_state,
           tr.address AS tree, e.collection
      FROM ticket t
      LEFT JOIN asset a USING (tenant_id, event_id, ticket_id)
      LEFT JOIN asset_event e USING (tenant_id, event_id)
      LEFT JOIN asset_text x USING (tenant_id, event_id, text_id)
      LEFT JOIN asset_tree tr ON (tr.tenant_id, tr.event_id, tr.tree_no)
                               = (a.tenant_id, a.event_id, a.tree_no)
      LEFT JOIN ledger_job j ON (j.tenant_id, j.event_id, j.job_id)
                              = (a.tenant_id, a.event_id, a.job_id)
     WHERE t.tenant_id = current_tenant() AND t.event_id = $1 AND t.ticket_id = $2
"""
STEPS: Final[LiteralString] = """
    SELECT kind, signature, slot, ended_at FROM ledger_job
     WHERE tenant_id = current_tenant() AND event_id = $1 AND state = 'landed'
       AND (ticket_id = $2 OR job_id = $3)
     ORDER BY number LIMIT 200
"""
TEXT: Final[LiteralString] = """
    SELECT a.number, a.ref, a.gen, t.gen AS newest, x.body, a.asset_id IS NOT NULL AS minted
      FROM asset a JOIN ticket t USING (tenant_id, event_id, ticket_id)
      JOIN asset_text x USING (tenant_id, event_id, text_id)
     WHERE a.tenant_id = current_tenant() AND a.event_id = $1 AND a.ticket_id = $2
"""
REVIEWS: Final[LiteralString] = """
    SELECT signature, asset_id, ticket_id, kind, owner, found_at, settled_at FROM asset_review
     WHERE tenant_id = current_tenant() AND event_id = $1 AND settled_at IS NULL
     ORDER BY found_at LIMIT 200
"""


async def named(conn: Connection, ref: bytes) -> tuple[UUID, UUID, UUID] | None:
    """Return the tenant, event and ticket that a public name means."""
    row = await conn.fetchrow(NAMED, ref)
    return None if row is None else (row["tenant_id"], row["event_id"], row["ticket_id"])


async def event_exists(tx: TenantTx, event_id: UUID) -> bool:
    """Whether the tenant has such an event."""
    return await tx.conn.fetchval(EXISTS, event_id) is True


async def event(tx: TenantTx, event_id: UUID) -> EventOut:
    """Return how an event stands, which may have nothing to do with the ledger yet."""
    about = await event_rows.read(tx, event_id)
    row = await tx.conn.fetchrow(COUNTS, event_id)
    if about is None or row is None:
        return EventOut()
    trees = [
        TreeOut(tree.tree_no, tree.state, tree.schema.value, _key(tree.address),
                1 << tree.shape.depth, tree.minted, tree.cost, tree.cost.total)
        for tree in await event_rows.trees(tx, event_id)
    ]  # fmt: skip
    waits = 0 if row["since"] is None else max(0, int((tx.now - row["since"]).total_seconds()))
    return EventOut(
        _key(about.collection), about.image, about.paused, about.freezes,
        STOPPED if about.stopped else about.fault, row["minted"], row["burnt"], row["frozen"],
        row["waiting"], waits, row["failed"], row["lost"], row["reviews"], trees,
    )  # fmt: skip


async def asset_row(tx: TenantTx, event_id: UUID, ticket_id: UUID) -> Row | None:
    """Return a ticket's asset with what names it; None: there is no such ticket."""
    return await tx.conn.fetchrow(ASSET, event_id, ticket_id)


async def asset(tx: TenantTx, event_id: UUID, row: Row) -> AssetOut:
    """Return it as it is shown. A ticket that has asked for nothing has none."""
    return AssetOut(
        standing(row), shown(row["asset_id"]), shown(row["tree"]), row["leaf_index"],
        shown(row["owner"]), row["frozen"] is True, row["fault"] or "", row["attempts"] or 0,
        await steps(tx, event_id, row),
    )  # fmt: skip


async def steps(tx: TenantTx, event_id: UUID, row: Row) -> list[StepOut]:
    """Return what was done to a ticket's asset, the first first."""
    if row["ticket_id"] is None:
        return []
    rows = await tx.conn.fetch(STEPS, event_id, row["ticket_id"], row["mint_job"])
    return [
        StepOut(each["kind"], shown(each["signature"]), each["slot"], each["ended_at"])
        for each in rows
    ]


def standing(row: Row) -> Standing:
    """Return in a word how a ticket stands on the ledger."""
    if row["ref"] is None:
        return "none"
    if row["held"] or row["job_state"] == "review":
        return "held"
    if row["asset_id"] is None:
        return "waiting" if row["due_at"] is not None or row["job_id"] is not None else "none"
    if row["burnt"]:
        return "burnt"
    if row["due_at"] is not None or row["job_id"] is not None:
        return "changing"
    return "frozen" if row["frozen"] else "minted"


async def text(tx: TenantTx, event_id: UUID, ticket_id: UUID) -> Row | None:
    """Return what a ticket's metadata is made of."""
    return await tx.conn.fetchrow(TEXT, event_id, ticket_id)


async def reviews(tx: TenantTx, event_id: UUID) -> Sequence[ReviewOut]:
    """Return what nobody has settled, the oldest first: 200 at most."""
    return [
        ReviewOut(shown(row["signature"]), shown(row["asset_id"]), row["ticket_id"], row["kind"],
                  shown(row["owner"]), row["found_at"])
        for row in await tx.conn.fetch(REVIEWS, event_id)
    ]  # fmt: skip


def _key(address: Pubkey | None) -> str | None:
    return None if address is None else str(address)
