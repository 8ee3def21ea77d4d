"""Leaves are minted. The checks come in the program's order, for the first one names the error."""

from typing import Final

from msgspec.structs import replace
from solders.pubkey import Pubkey

from cloud.ledger.bubblegum.codes import Code
from cloud.ledger.bubblegum.collection import Plugin
from cloud.ledger.bubblegum.config import Config
from cloud.ledger.bubblegum.leaf import NO_ASSET_DATA, collection_hash, leaf_data
from cloud.ledger.bubblegum.metadata import (
    CREATORS,
    NAME,
    NON_FUNGIBLE,
    SYMBOL,
    URI,
    Metadata,
    read_metadata,
)
from cloud.ledger.bubblegum.programs import CORE, asset_of
from cloud.ledger.embedded import core
from cloud.ledger.embedded.accounts import custom
from cloud.ledger.embedded.context import Context
from cloud.ledger.values import Leaf, Schema

FEE: Final = 90_000  # lamports, for the protocol: V2 alone


def mint(context: Context) -> None:
    """Append a leaf to the tree."""
    reader = context.arguments()
    metadata = read_metadata(reader, context.schema)
    v2 = context.schema is Schema.V2
    if v2 and (reader.flag() or reader.flag()):
        raise custom(Code.NOT_AVAILABLE)
    config = context.config()
    delegate = context.get("tree_delegate") or context["payer"]
    context.require_schema(config)
    _may_mint(config, delegate)
    signers = {context["payer"], delegate}
    signers.update(meta.key for meta in context.rest() if meta.signer)
    if v2:
        signers |= _collect(context, metadata, delegate)
    check(metadata, context.schema)
    _check_creators(metadata, signers)
    _append(context, config, metadata)
    if v2:
        context.work.pay(context["payer"], context["config"], FEE)


def _may_mint(config: Config, delegate: Pubkey) -> None:
    if not config.public and delegate not in (config.creator, config.delegate):
        raise custom(Code.TREE_AUTHORITY_INCORRECT)
    if config.minted >= config.capacity:
        raise custom(Code.MINT_CAPACITY)


def _collect(context: Context, metadata: Metadata, delegate: Pubkey) -> set[Pubkey]:
    """Let the collection count the leaf. Returns who has thereby signed for it."""
    key = context.get("collection")
    if key is None:
        if metadata.collection is not None:
            raise custom(Code.MISSING_COLLECTION)
        return set()
    context.require_owner("collection", CORE)
    authority = context.get("collection_authority") or delegate
    if context.get("core_signer") is None:
        raise custom(Code.MISSING_CORE_SIGNER)
    collection = core.load(context.work, key)
    if collection.authority != authority:
        raise custom(Code.COLLECTION_AUTHORITY)
    if collection.granted(Plugin.BUBBLEGUM) is None:
        raise custom(Code.NO_BUBBLEGUM_PLUGIN)
    if metadata.collection is None:
        raise custom(Code.COLLECTION_NOT_FOUND)
    if metadata.collection != key:
        raise custom(Code.COLLECTION_MISMATCH)
    core.count(context.work, key, collection, 1, 1)
    return {authority}


def check(metadata: Metadata, schema: Schema) -> None:
    """Check what a leaf would be minted as."""
    for value, longest, code in (
        (metadata.name, NAME, Code.NAME_TOO_LONG),
        (metadata.symbol, SYMBOL, Code.SYMBOL_TOO_LONG),
        (metadata.uri, URI, Code.URI_TOO_LONG),
    ):
        if len(value.encode()) > longest:
            raise custom(code)
    if metadata.royalty > 10_000:
        raise custom(Code.ROYALTY_TOO_HIGH)
    if metadata.creators:
        _check_shares(metadata)
    if schema is Schema.V1 and metadata.collection_verified:
        raise custom(Code.COLLECTION_CANNOT_BE_VERIFIED)
    if metadata.standard != NON_FUNGIBLE:
        raise custom(Code.TOKEN_STANDARD)


def _check_shares(metadata: Metadata) -> None:
    creators = metadata.creators
    if len(creators) > CREATORS:
        raise custom(Code.CREATORS_TOO_LONG)
    if len({creator.address for creator in creators}) < len(creators):
        raise custom(Code.DUPLICATE_CREATOR)
    if sum(creator.share for creator in creators) != 100:
        raise custom(Code.CREATOR_SHARES)


def _check_creators(metadata: Metadata, signers: set[Pubkey]) -> None:
    if any(held.verified and held.address not in signers for held in metadata.creators):
        raise custom(Code.CREATOR_DID_NOT_VERIFY)


def _append(context: Context, config: Config, metadata: Metadata) -> None:
    owner = context["leaf_owner"]
    leaf = Leaf(
        context.schema,
        asset_of(context["tree"], config.minted),
        owner,
        context.get("leaf_delegate") or owner,
        config.minted,
        metadata.data_hash(context.schema),
        metadata.creator_hash(),
    )
    if context.schema is Schema.V2:
        collected = collection_hash(metadata.collection)
        leaf = replace(leaf, collection_hash=collected, asset_data_hash=NO_ASSET_DATA)
    context.append(leaf)
    counted = replace(config, minted=config.minted + 1)
    context.work.write(context["config"]).data[:] = counted.encode()
    context.returned = leaf_data(leaf)
