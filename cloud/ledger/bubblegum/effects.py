"""What a transaction did to which leaves: its instructions read beside its events.

The events say what a leaf is now, and where. That a leaf was burnt, and what it was minted as,
only the instruction says.
"""

from collections.abc import Iterator, Sequence

from solders.pubkey import Pubkey

from cloud.ledger.bubblegum import instructions as known
from cloud.ledger.bubblegum.arguments import leaf_of, read_leaf_args
from cloud.ledger.bubblegum.borsh import Reader
from cloud.ledger.bubblegum.events import ChangeEvent, LeafEvent, read_event
from cloud.ledger.bubblegum.instructions import BY_DISCRIMINATOR, Spec, accounts_of
from cloud.ledger.bubblegum.metadata import read_metadata
from cloud.ledger.bubblegum.programs import BUBBLEGUM
from cloud.ledger.bubblegum.transaction import Call
from cloud.ledger.faults import LedgerMalformed
from cloud.ledger.tree.concurrent import Change
from cloud.ledger.values import Effect, Schema

TREES = {known.CREATE_TREE, known.CREATE_TREE_V2}
SILENT = {known.SET_TREE_DELEGATE}
BURNS = {known.BURN, known.BURN_V2}
MINTS = {known.MINT_V1, known.MINT_V2}


def effects(calls: Sequence[Call], events: Sequence[bytes]) -> Iterator[tuple[Effect, Change]]:
    """Yield what was done, in order, with the path that it changed.

    Raises `LedgerMalformed` where events and instructions don't belong together, and for an
    instruction of Bubblegum's that isn't known here.
    """
    left = iter(events)
    for call in calls:
        if call.program != BUBBLEGUM:
            continue
        spec = BY_DISCRIMINATOR.get(call.data[:8])
        if spec is None:
            raise LedgerMalformed("effects", "an instruction that is not known here")
        if spec in SILENT:
            continue
        if spec in TREES:
            _change(left)
            continue
        yield _effect(spec, call, left)
    if next(left, None) is not None:
        raise LedgerMalformed("effects", "more events than instructions")


def _effect(spec: Spec, call: Call, left: Iterator[bytes]) -> tuple[Effect, Change]:
    schema = Schema.V2 if spec.name.endswith("_v2") else Schema.V1
    keys = accounts_of(spec, [meta.key for meta in call.metas])
    if spec in BURNS:
        return _burnt(schema, keys, call, _change(left))
    event = read_event(next(left, b""))
    if not isinstance(event, LeafEvent):
        raise LedgerMalformed("effects", "no leaf where one was to be")
    told = _change(left)
    if told.tree != keys["tree"]:
        raise LedgerMalformed("effects", "another tree's event")
    if event.leaf.owner != (keys.get("new_leaf_owner") or keys["leaf_owner"]):
        raise LedgerMalformed("effects", "another owner's event")
    index, sequence = told.change.index, told.change.sequence
    if spec not in MINTS:
        found = Effect(event.leaf, told.tree, index, sequence, keys.get("collection"))
        return found, told.change
    minted = read_metadata(Reader(call.data, 8), schema)
    if minted.data_hash(schema) != event.leaf.data_hash:
        raise LedgerMalformed("effects", "another leaf's event")
    found = Effect(
        event.leaf,
        told.tree,
        index,
        sequence,
        minted.collection,
        name=minted.name,
        symbol=minted.symbol,
        uri=minted.uri,
    )
    return found, told.change


def _burnt(
    schema: Schema, keys: dict[str, Pubkey], call: Call, told: ChangeEvent
) -> tuple[Effect, Change]:
    args = read_leaf_args(Reader(call.data, 8), schema)
    leaf = leaf_of(schema, keys, args)
    change = told.change
    if told.tree != keys["tree"]:
        raise LedgerMalformed("effects", "another tree's event")
    collection = keys.get("collection")
    found = Effect(leaf, told.tree, change.index, change.sequence, collection, burnt=True)
    return found, change


def _change(left: Iterator[bytes]) -> ChangeEvent:
    event = read_event(next(left, b""))
    if not isinstance(event, ChangeEvent):
        raise LedgerMalformed("effects", "no change where one was to be")
    return event
