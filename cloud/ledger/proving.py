"""What an index says of an asset, and a node of a transaction, against the tree's account: the
account alone is believed.

Proved are the leaf (id, owner, delegate, hashes, flags), that it is burnt, its place, and its
collection. Names and addresses of metadata are proved by whoever can recompute the data hash.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from cloud.ledger.agreeing import enough
from cloud.ledger.bubblegum.leaf import collection_hash, leaf_hash
from cloud.ledger.bubblegum.programs import PAIRS, asset_of
from cloud.ledger.faults import LedgerFault, LedgerUntrusted
from cloud.ledger.tree.concurrent import ConcurrentTree, load
from cloud.ledger.tree.hashing import EMPTY_LEAF, root_of
from cloud.ledger.values import Account, Asset, Effect, Proof, Schema

T = TypeVar("T")


def by_enough(told: Sequence[Account | None], judge: Callable[[Account | None], T]) -> list[T]:
    """Return what is found in accounts, by as many of several as it takes to believe it; raise
    what the first was found wrong for."""
    found: list[T] = []
    faults: list[LedgerFault] = []
    for account in told:
        try:
            found.append(judge(account))
        except LedgerFault as fault:
            faults.append(fault)
    if len(found) < enough(len(told)):
        raise faults[0]
    return found


def prove(asset: Asset, proof: Proof, account: Account | None) -> ConcurrentTree:
    """Return the tree. Raises `LedgerUntrusted`: `account` and nothing else is the chain's word.

    Its code tells a lie (`asset_id`, `asset_place`, `asset_leaf`, `asset_collection`,
    `proof_root`, `tree_owner`) from an index that lags behind (`proof_old`, `asset_old`).
    """
    if account is None:
        raise LedgerUntrusted("tree_owner", "there is no such tree")
    _describes(asset, proof)
    if account.owner != PAIRS[asset.leaf.schema].compression:
        raise LedgerUntrusted("tree_owner", "the tree's account is another program's")
    tree = load(bytearray(account.data))
    if len(proof.nodes) != tree.shape.depth:
        raise LedgerUntrusted("proof_root", "the proof is not as long as the tree is deep")
    if asset.index >= tree.appended:
        raise LedgerUntrusted("asset_place", "nothing was ever there")
    if root_of(proof.leaf, proof.index, proof.nodes) != proof.root:
        raise LedgerUntrusted("proof_root", "the proof leads to another root")
    if proof.root not in tree.roots():
        raise LedgerUntrusted("proof_old", "the account does not remember the proof's root")
    if tree.changed_since(proof.root, proof.index):
        raise LedgerUntrusted("asset_old", "the leaf has changed since")
    return tree


def shown(told: Sequence[Effect], slot: int, account: Account | None) -> bool:
    """Whether a tree's account shows what a transaction at *slot* is said to have done to it;
    False: it is older than that. Raises `LedgerUntrusted` ("landed_tree") where it denies it. Of
    what it no longer remembers, it has its counters alone.
    """
    if account is None:
        raise LedgerUntrusted("landed_tree", "there is no such tree")
    tree = load(bytearray(account.data))
    for each in told:
        if account.owner != PAIRS[each.leaf.schema].compression:
            raise LedgerUntrusted("landed_tree", "the tree's account is another program's")
        if each.sequence > tree.sequence or each.index >= tree.appended:
            if account.slot < slot:
                return False
            raise LedgerUntrusted("landed_tree", "the tree has not changed so often")
        leaf = EMPTY_LEAF if each.burnt else leaf_hash(each.leaf)
        if tree.logged(each.sequence) not in (None, (each.index, leaf)):
            raise LedgerUntrusted("landed_tree", "the tree remembers another change")
    return True


def shown_by(told: Sequence[Effect], slot: int, accounts: Sequence[Account | None]) -> bool:
    """Whether as many accounts show it as it takes to believe it. Raises as `shown` does, where
    too few don't deny it."""
    found = by_enough(accounts, lambda account: shown(told, slot, account))
    return sum(found) >= enough(len(accounts))


def _describes(asset: Asset, proof: Proof) -> None:
    """Check that the two speak of one leaf."""
    leaf = asset.leaf
    if leaf.id != asset_of(asset.tree, leaf.nonce):
        raise LedgerUntrusted("asset_id", "no such leaf has this id")
    if (proof.tree, proof.index) != (asset.tree, asset.index) or asset.index != leaf.nonce:
        raise LedgerUntrusted("asset_place", "asset and proof are of two places")
    if proof.leaf != (EMPTY_LEAF if asset.burnt else leaf_hash(leaf)):
        raise LedgerUntrusted("asset_leaf", "the asset is not what its leaf says")
    if leaf.schema is Schema.V2 and leaf.collection_hash != collection_hash(asset.collection):
        raise LedgerUntrusted("asset_collection", "the leaf is of another collection")
