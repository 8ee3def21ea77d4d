"""What others did to our trees: found in their history, and put before a person.

A ticket is none the worse for it: what the chain has now is written into its asset's row, which
then rests until somebody decides. The gate never asks.
"""

from collections.abc import Mapping, Sequence
from typing import Final, LiteralString
from uuid import UUID

import structlog
from msgspec import Struct
from solders.pubkey import Pubkey
from solders.signature import Signature

from cloud.db.tenancy import TenantTx
from cloud.ledger.history import readable
from cloud.ledger.ports import Ledger
from cloud.ledger.values import Effect, Flag, Landed
from cloud.ledger.work import event_rows, job_rows
from cloud.ledger.work.event_rows import TreeRow

LOG = structlog.get_logger("usher.ledger")
FOUND: Final[LiteralString] = """
    INSERT INTO asset_review (event_id, signature, asset_id, ticket_id, kind, owner, slot)
    SELECT $1, $2, $3,
           (SELECT ticket_id FROM asset WHERE tenant_id = current_tenant() AND event_id = $1
               AND asset_id = $3), $4, $5, $6
        ON CONFLICT DO NOTHING
"""
HELD: Final[LiteralString] = """
    UPDATE asset SET owner = $3, frozen = $4, burnt = $5, held = 'review'
     WHERE tenant_id = current_tenant() AND event_id = $1 AND asset_id = $2
"""


class Strange(Struct, frozen=True):
    """What somebody else did."""

    signature: Signature
    slot: int
    effect: Effect

    @property
    def kind(self) -> str:
        """What it was (asset_review.kind). A change of owner and of delegate are one."""
        if self.effect.name is not None:
            return "minted"
        if self.effect.burnt:
            return "burnt"
        return "frozen" if self.effect.leaf.flags else "moved"


class News(Struct, frozen=True):
    """What was done to a tree; and `now`, by asset, what it is by the newest change of all that are
    listed, also of those behind a gap."""

    landed: Sequence[Landed] = ()
    now: Mapping[Pubkey, Effect] = {}


class Read(Struct, frozen=True):
    """What of a tree's history is settled, up to `cursor`."""

    cursor: Signature | None
    strange: Sequence[Strange]


def read(landed: Sequence[Landed], tree: TreeRow, known: dict[Signature, str]) -> Read:
    """Return what is strange in a history, oldest first. *known*: our jobs' states.

    It is read no further than the first of ours that is still open: whoever looks for that one
    must find it behind the cursor.
    """
    cursor, strange = tree.cursor, []
    for each in landed:
        state = known.get(each.signature)
        if state in ("signed", "review"):
            break
        cursor = each.signature
        if state is None and each.error is None:
            strange += [
                Strange(each.signature, each.slot, effect)
                for effect in readable(each)
                if effect.tree == tree.address
            ]
    return Read(cursor, strange)


async def news(ledger: Ledger, tree: TreeRow) -> News:
    """Return what was done to a tree since its history was last read, up to where something is
    missing between two transactions: it may be listed later, and before the cursor nobody looks."""
    if tree.address is None:
        return News()
    changes = await ledger.reconcile(tree.address, tree.cursor)
    if changes.whole < len(changes.landed):
        LOG.warning("ledger_gap", tree=str(tree.address), missing=changes.unaccounted)
    newest = sorted(changes.effects, key=lambda each: each.sequence)
    return News(changes.landed[: changes.whole], {each.leaf.id: each for each in newest})


async def keep(tx: TenantTx, event_id: UUID, tree: TreeRow, told: News) -> int:
    """Write down what is strange, and up to where was read; return how much is strange."""
    known = await job_rows.states(tx, event_id, [each.signature for each in told.landed])
    found = read(told.landed, tree, known)
    for each in found.strange:
        leaf = each.effect.leaf
        asset, owner = bytes(leaf.id), bytes(leaf.owner)
        await tx.conn.execute(
            FOUND, event_id, bytes(each.signature), asset, each.kind, owner, each.slot
        )
        now = told.now[leaf.id]  # we may have changed it since
        owner, frozen = bytes(now.leaf.owner), bool(now.leaf.flags & Flag.FROZEN)
        await tx.conn.execute(HELD, event_id, asset, owner, frozen, now.burnt)
    if found.cursor is not None and found.cursor != tree.cursor:
        await event_rows.read_to(tx, event_id, tree.tree_no, found.cursor)
    return len(found.strange)
