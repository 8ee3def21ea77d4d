"""What an event has spent, as the books have it, beside what was told before it was spent."""

from collections.abc import Sequence
from typing import Final, LiteralString
from uuid import UUID

import msgspec

from cloud.books.model import CHAIN_DEPOSITS, CHAIN_FEES, CHAIN_PAYER, CHAIN_PROTOCOL
from cloud.db.tenancy import TenantTx
from cloud.ledger.web.shapes import SpentOn, SpentOut
from cloud.ledger.work import event_rows
from cloud.ledger.work.event_rows import TreeRow
from cloud.ledger.work.planning import cost

FORESEEN: Final = frozenset({"collection", "tree", "mint"})  # nobody knows what will be moved
SPENT: Final[LiteralString] = """
    SELECT j.kind, count(*) FILTER (WHERE p.account = $2) AS transactions,
           count(*) FILTER (WHERE p.account = $2 AND j.state = 'failed') AS failed,
           coalesce(sum(p.amount) FILTER (WHERE p.account = $3), 0)::bigint AS fees,
           coalesce(sum(p.amount) FILTER (WHERE p.account = $4), 0)::bigint AS protocol,
           coalesce(sum(p.amount) FILTER (WHERE p.account = $5), 0)::bigint AS deposits,
           coalesce(-sum(p.amount) FILTER (WHERE p.account = $2), 0)::bigint AS total
      FROM ledger_job j
      JOIN posting p ON p.tenant_id = j.tenant_id AND p.journal_id = j.entry
     WHERE j.tenant_id = current_tenant() AND j.event_id = $1
     GROUP BY j.kind ORDER BY min(j.number)
"""
ACCOUNTS: Final = (CHAIN_PAYER, CHAIN_FEES, CHAIN_PROTOCOL, CHAIN_DEPOSITS)


async def spent(tx: TenantTx, event_id: UUID) -> SpentOut:
    """Return what an event has spent."""
    rows = await tx.conn.fetch(SPENT, event_id, *ACCOUNTS)
    found = [msgspec.convert(dict(row), SpentOn) for row in rows]
    return beside(await event_rows.trees(tx, event_id), found)


def beside(trees: Sequence[TreeRow], found: Sequence[SpentOn]) -> SpentOut:
    """Return what was found beside what was told of trees: of them all, and of what is there."""
    made = [tree for tree in trees if tree.address is not None]
    return SpentOut(
        sum(tree.cost.total for tree in trees),
        sum(cost(tree.cost.rent, tree.minted, tree.schema).total for tree in made),
        sum(each.total for each in found if each.kind in FORESEEN),
        sum(each.total for each in found),
        list(found),
    )
