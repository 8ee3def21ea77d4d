"""The arguments of the instructions that change a leaf: which leaf it is, by its hashes."""

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace
from solders.pubkey import Pubkey

from cloud.ledger.bubblegum.borsh import Reader, option
from cloud.ledger.bubblegum.leaf import NO_ASSET_DATA, collection_hash
from cloud.ledger.bubblegum.programs import asset_of
from cloud.ledger.values import Flag, Leaf, Schema


class LeafArgs(Struct, frozen=True):
    """`root` is the one that the proof is of. The two that may be absent are V2's."""

    root: bytes
    data_hash: bytes
    creator_hash: bytes
    nonce: int
    index: int
    asset_data_hash: bytes | None = None
    flags: int | None = None

    def encode(self, schema: Schema) -> bytes:
        """Return the bytes."""
        head = self.root + self.data_hash + self.creator_hash
        if schema is Schema.V2:
            flags = None if self.flags is None else bytes((self.flags,))
            head += option(self.asset_data_hash) + option(flags)
        return head + self.nonce.to_bytes(8, "little") + self.index.to_bytes(4, "little")


def read_leaf_args(reader: Reader, schema: Schema) -> LeafArgs:
    """Read what `LeafArgs.encode` writes."""
    root, data, creators = reader.take(32), reader.take(32), reader.take(32)
    asset_data = flags = None
    if schema is Schema.V2:
        asset_data = reader.option(lambda: reader.take(32))
        flags = reader.option(lambda: reader.number(1))
    return LeafArgs(root, data, creators, reader.number(8), reader.number(4), asset_data, flags)


def leaf_of(
    schema: Schema, keys: Mapping[str, Pubkey], args: LeafArgs, delegate: str = "leaf_delegate"
) -> Leaf:
    """Return the leaf that accounts and arguments claim is there: a proof will tell."""
    owner = keys["leaf_owner"]
    leaf = Leaf(
        schema,
        asset_of(keys["tree"], args.nonce),
        owner,
        keys.get(delegate) or owner,
        args.nonce,
        args.data_hash,
        args.creator_hash,
    )
    if schema is Schema.V1:
        return leaf
    return replace(
        leaf,
        collection_hash=collection_hash(keys.get("collection")),
        asset_data_hash=args.asset_data_hash or NO_ASSET_DATA,
        flags=Flag(args.flags or 0),
    )


def args_of(leaf: Leaf, index: int, root: bytes) -> LeafArgs:
    """Return the arguments that name *leaf*; what is the default is left out."""
    asset_data = leaf.asset_data_hash if leaf.asset_data_hash != NO_ASSET_DATA else None
    flags = int(leaf.flags) if leaf.flags != Flag(0) else None
    if leaf.schema is Schema.V1:
        asset_data = None
    return LeafArgs(root, leaf.data_hash, leaf.creator_hash, leaf.nonce, index, asset_data, flags)
