"""Instructions for what tickets need. Who signs: the payer, and the authority where it differs.

The authority has created the trees and is its collections' permanent delegate; of V1's leaves it
is the owner or their delegate.
"""

from typing import Final

from msgspec import Struct
from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey
from solders.system_program import CreateAccountParams, create_account

from cloud.ledger.bubblegum import instructions as known
from cloud.ledger.bubblegum.arguments import args_of
from cloud.ledger.bubblegum.collection import OURS, create_data
from cloud.ledger.bubblegum.instructions import Spec
from cloud.ledger.bubblegum.metadata import Metadata
from cloud.ledger.bubblegum.programs import CORE, CORE_SIGNER, PAIRS, SYSTEM, config_of
from cloud.ledger.tree.shape import layout
from cloud.ledger.values import Asset, Mint, Proof, Schema, Shape


class Parties(Struct, frozen=True):
    """Who pays, and who has the say."""

    payer: Pubkey
    authority: Pubkey

    @property
    def other(self) -> Pubkey | None:
        """The authority where it isn't the payer: programs take the payer for it."""
        return None if self.authority == self.payer else self.authority


TRANSFER: Final = {Schema.V1: known.TRANSFER, Schema.V2: known.TRANSFER_V2}
BURN: Final = {Schema.V1: known.BURN, Schema.V2: known.BURN_V2}


def create_collection(parties: Parties, collection: Pubkey, name: str, uri: str) -> Instruction:
    """Make a collection whose delegates the authority is. *collection* signs too."""
    data = create_data(name, uri, OURS)
    metas = [
        AccountMeta(collection, is_signer=True, is_writable=True),
        AccountMeta(parties.authority, is_signer=False, is_writable=False),
        AccountMeta(parties.payer, is_signer=True, is_writable=True),
        AccountMeta(SYSTEM, is_signer=False, is_writable=False),
    ]
    return Instruction(CORE, data, metas)


def create_tree(
    parties: Parties, tree: Pubkey, shape: Shape, schema: Schema, deposit: int
) -> list[Instruction]:
    """Make a tree into which the authority alone mints. *tree* signs too; *deposit* is the
    rent for its account."""
    size = layout(shape).size
    account = CreateAccountParams(
        from_pubkey=parties.payer,
        to_pubkey=tree,
        lamports=deposit,
        space=size,
        owner=PAIRS[schema].compression,
    )
    spec = known.CREATE_TREE_V2 if schema is Schema.V2 else known.CREATE_TREE
    keys = {**_common(parties, tree, schema), "creator": parties.authority}
    numbers = shape.depth.to_bytes(4, "little") + shape.buffer.to_bytes(4, "little")
    return [create_account(account), spec.build(keys, numbers + b"\0")]


def metadata_of(mint: Mint) -> Metadata:
    """Return what a ticket is minted as: for good, with no royalties and no creators."""
    return Metadata(mint.name, mint.symbol, mint.uri, collection=mint.collection)


def mint(parties: Parties, tree: Pubkey, schema: Schema, wanted: Mint) -> Instruction:
    """Append a leaf."""
    data = metadata_of(wanted).encode(schema)
    keys = {**_common(parties, tree, schema), "leaf_owner": wanted.owner}
    if schema is Schema.V1:
        keys |= {"leaf_delegate": wanted.owner, "tree_delegate": parties.authority}
        return known.MINT_V1.build(keys, data)
    keys |= {"tree_delegate": parties.other, **_collected(wanted.collection)}
    return known.MINT_V2.build(keys, data + b"\0\0")


def transfer(parties: Parties, asset: Asset, proof: Proof, canopy: int, to: Pubkey) -> Instruction:
    """Move a leaf."""
    return _change(TRANSFER[asset.leaf.schema], parties, asset, proof, canopy, to)


def burn(parties: Parties, asset: Asset, proof: Proof, canopy: int) -> Instruction:
    """End a leaf."""
    return _change(BURN[asset.leaf.schema], parties, asset, proof, canopy)


def freeze(parties: Parties, asset: Asset, proof: Proof, canopy: int) -> Instruction:
    """Stop a leaf. V2 alone, as the next two."""
    return _change(known.FREEZE_V2, parties, asset, proof, canopy)


def thaw(parties: Parties, asset: Asset, proof: Proof, canopy: int) -> Instruction:
    """Let a leaf go."""
    return _change(known.THAW_V2, parties, asset, proof, canopy)


def bind(parties: Parties, asset: Asset, proof: Proof, canopy: int) -> Instruction:
    """Bind a leaf to its owner for good."""
    return _change(known.SET_NON_TRANSFERABLE_V2, parties, asset, proof, canopy)


def _change(
    spec: Spec,
    parties: Parties,
    asset: Asset,
    proof: Proof,
    canopy: int,
    to: Pubkey | None = None,
) -> Instruction:
    leaf = asset.leaf
    keys = {
        **_common(parties, asset.tree, leaf.schema),
        "leaf_owner": leaf.owner,
        "leaf_delegate": leaf.delegate,
        "new_leaf_owner": to,
        "authority": parties.other,
    }
    nodes = proof.nodes[: len(proof.nodes) - canopy]
    data = args_of(leaf, asset.index, proof.root).encode(leaf.schema)
    if leaf.schema is Schema.V1:
        return spec.build(keys, data, nodes, signed_by=parties.authority)
    return spec.build({**keys, **_collected(asset.collection)}, data, nodes)


def _common(parties: Parties, tree: Pubkey, schema: Schema) -> dict[str, Pubkey | None]:
    pair = PAIRS[schema]
    return {
        "config": config_of(tree),
        "tree": tree,
        "payer": parties.payer,
        "log_wrapper": pair.noop,
        "compression_program": pair.compression,
        "system_program": SYSTEM,
        "core_program": CORE,
    }


def _collected(collection: Pubkey | None) -> dict[str, Pubkey | None]:
    if collection is None:
        return {}
    return {"collection": collection, "core_signer": CORE_SIGNER}
