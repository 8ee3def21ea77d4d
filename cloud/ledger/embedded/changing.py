"""Leaves are moved, delegated, frozen, thawed, bound and burnt: one leaf takes another's place."""

from typing import Final

from msgspec.structs import replace
from solders.pubkey import Pubkey

from cloud.ledger.bubblegum.arguments import LeafArgs, leaf_of, read_leaf_args
from cloud.ledger.bubblegum.codes import Code
from cloud.ledger.bubblegum.collection import Collection, Plugin
from cloud.ledger.bubblegum.programs import CORE
from cloud.ledger.embedded import core
from cloud.ledger.embedded.accounts import custom
from cloud.ledger.embedded.context import Context
from cloud.ledger.values import Flag, Leaf

TRANSFER_FEE: Final = 6_000  # lamports, for the protocol: V2 alone
ANY_FREEZE: Final = Flag.FROZEN | Flag.FROZEN_BY_OWNER


def transfer(context: Context) -> None:
    """V1: the owner or their delegate moves it."""
    args, leaf = _begin(context)
    _owner_signed(context)
    context.replace(args.root, leaf, _owned_by(leaf, context["new_leaf_owner"]), args.index)


def delegate(context: Context) -> None:
    """V1: the owner lets somebody else act."""
    args, leaf = _begin(context, "previous_delegate")
    context.replace(args.root, leaf, replace(leaf, delegate=context["new_delegate"]), args.index)


def burn(context: Context) -> None:
    """V1: the owner or their delegate ends it."""
    args, leaf = _begin(context)
    _owner_signed(context)
    context.replace(args.root, leaf, None, args.index)


def transfer_v2(context: Context) -> None:
    """The owner, their delegate or the collection's transfer delegate moves it."""
    args, leaf = _begin(context)
    collection = _collection(context)
    if not _forced(context, collection, Plugin.TRANSFER):
        _acts_for(context, leaf, collection)
    if leaf.flags & Flag.SOULBOUND:
        raise custom(Code.SOULBOUND)
    context.work.pay(context["payer"], context["config"], TRANSFER_FEE)
    context.replace(args.root, leaf, _owned_by(leaf, context["new_leaf_owner"]), args.index)


def burn_v2(context: Context) -> None:
    """The owner, their delegate or the collection's burn delegate ends it."""
    args, leaf = _begin(context)
    key = context.get("collection")
    if key is not None:
        context.require_owner("collection", CORE)
        if context.get("core_signer") is None:
            raise custom(Code.MISSING_CORE_SIGNER)
        core.count(context.work, key, core.load(context.work, key), 0, -1)
    collection = _collection(context)
    if not _forced(context, collection, Plugin.BURN):
        _acts_for(context, leaf, collection)
    context.replace(args.root, leaf, None, args.index)


def freeze_v2(context: Context) -> None:
    """The collection's freeze delegate stops it, or the leaf's delegate."""
    _set_frozen(context, frozen=True)


def thaw_v2(context: Context) -> None:
    """Whoever froze it lets it go."""
    _set_frozen(context, frozen=False)


def bind_v2(context: Context) -> None:
    """The collection's freeze delegate binds it to its owner, for good."""
    args, leaf = _begin(context)
    collection = _collection(context)
    if collection is None or not collection.obeys(Plugin.FREEZE, _authority(context)):
        raise custom(Code.INVALID_AUTHORITY)
    context.replace(args.root, leaf, replace(leaf, flags=leaf.flags | Flag.SOULBOUND), args.index)


def _set_frozen(context: Context, *, frozen: bool) -> None:
    args, leaf = _begin(context)
    collection, authority = _collection(context), _authority(context)
    if collection is not None and collection.obeys(Plugin.FREEZE, authority):
        flag = Flag.FROZEN
    elif authority == leaf.delegate:
        flag = Flag.FROZEN_BY_OWNER
    else:
        raise custom(Code.INVALID_AUTHORITY)
    flags = leaf.flags | flag if frozen else leaf.flags & ~flag
    context.replace(args.root, leaf, replace(leaf, flags=flags), args.index)


def _begin(context: Context, delegate: str = "leaf_delegate") -> tuple[LeafArgs, Leaf]:
    """Return the arguments and the leaf that they and the accounts name."""
    args = read_leaf_args(context.arguments(), context.schema)
    context.require_schema(context.config())
    return args, leaf_of(context.schema, context.keys(), args, delegate)


def _owned_by(leaf: Leaf, owner: Pubkey) -> Leaf:
    return replace(leaf, owner=owner, delegate=owner)


def _authority(context: Context) -> Pubkey:
    return context.get("authority") or context["payer"]


def _owner_signed(context: Context) -> None:
    if not (context.signed("leaf_owner") or context.signed("leaf_delegate")):
        raise custom(Code.LEAF_AUTHORITY_MUST_SIGN)


def _collection(context: Context) -> Collection | None:
    key = context.get("collection")
    if key is None:
        return None
    held = context.work.read(key)
    if held is None or held.owner != CORE:
        raise custom(Code.INCORRECT_OWNER)
    return core.load(context.work, key)


def _forced(context: Context, collection: Collection | None, by: Plugin) -> bool:
    return collection is not None and collection.obeys(by, _authority(context))


def _acts_for(context: Context, leaf: Leaf, collection: Collection | None) -> None:
    """Check that who acts is the leaf's owner or delegate, and that nothing is frozen."""
    frozen = None if collection is None else collection.granted(Plugin.FREEZE)
    if frozen is not None and frozen.frozen:
        raise custom(Code.COLLECTION_FROZEN)
    if _authority(context) not in (leaf.owner, leaf.delegate):
        raise custom(Code.INVALID_AUTHORITY)
    if leaf.flags & ANY_FREEZE:
        raise custom(Code.FROZEN)
