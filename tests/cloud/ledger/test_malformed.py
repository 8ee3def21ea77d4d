"""Bytes that are not what they should be are refused by name, whatever they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.ledger.bubblegum.borsh import Reader
from cloud.ledger.bubblegum.collection import (
    PLUGINS,
    Granted,
    created,
    read_collection,
    read_create,
)
from cloud.ledger.bubblegum.config import Config, read_config
from cloud.ledger.bubblegum.events import change_event, leaf_event, read_event
from cloud.ledger.bubblegum.metadata import read_metadata
from cloud.ledger.bubblegum.programs import BUBBLEGUM, CORE
from cloud.ledger.bubblegum.transaction import parse
from cloud.ledger.faults import LedgerFault, LedgerMalformed, LedgerRefused, LedgerUntrusted
from cloud.ledger.tree.concurrent import load
from cloud.ledger.tree.nodes import Nodes
from cloud.ledger.tree.shape import layout
from cloud.ledger.values import Error, Leaf, Schema, Shape
from tests.cloud.ledger.test_tree import leaf, made


@given(st.binary(max_size=400))
def test_noise_is_refused_by_a_typed_error(noise: bytes) -> None:
    """No reader raises anything else."""
    for read in (
        read_event,
        read_config,
        read_collection,
        read_create,
        lambda raw: read_metadata(Reader(raw), Schema.V1),
        lambda raw: read_metadata(Reader(raw), Schema.V2),
        lambda raw: load(bytearray(raw)),
    ):
        try:
            read(noise)
        except LedgerFault:
            continue
    assert parse(noise) == Error("SanitizeFailure")


@pytest.mark.parametrize(
    ("at", "value"),
    [(0, 2), (1, 1), (2, 9), (6, 4), (64, 8), (72, 0), (72, 9)],
    ids=["type", "version", "buffer", "depth", "active", "none used", "too many used"],
)
def test_a_tree_s_account_with_one_wrong_byte(at: int, value: int) -> None:
    """Its header and its counters are checked before anything is read by them."""
    memory = bytearray(made().memory)
    memory[at] = value
    with pytest.raises(LedgerMalformed) as caught:
        load(memory)
    assert caught.value.code == "tree_account"


@pytest.mark.parametrize("size", [0, 79, 1303, 1305, 1336])
def test_a_tree_s_account_of_a_wrong_size(size: int) -> None:
    """No canopy fits it."""
    with pytest.raises(LedgerMalformed):
        load((made().memory + bytes(64))[:size])


@pytest.mark.parametrize("shape", [(4, 8, 0), (3, 16, 0), (20, 64, 2), (3, 8, 4), (31, 64, 14)])
def test_a_tree_that_no_program_takes(shape: tuple[int, int, int]) -> None:
    """Depth and buffer are of a list; the canopy leaves 17 nodes of a proof at most."""
    with pytest.raises(LedgerRefused) as caught:
        layout(Shape(*shape))
    assert caught.value.code == "tree_shape"


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ((3, 8, 0), 1304),
        ((5, 8, 2), 2072),
        ((14, 64, 8), 48120),
        ((17, 64, 11), 169048),
        ((20, 64, 10), 109752),
        ((20, 64, 14), 1092792),
    ],
)
def test_sizes_that_the_chain_has(shape: tuple[int, int, int], size: int) -> None:
    """Of accounts that the real programs took."""
    assert layout(Shape(*shape)).size == size


def a_leaf(schema: Schema = Schema.V2) -> Leaf:
    """Return some leaf."""
    return Leaf(schema, CORE, CORE, CORE, 5, bytes(32), bytes(32), bytes(32), bytes(32))


def test_a_leaf_event_with_another_hash_is_not_believed() -> None:
    """In form, and contradicted by its own fields."""
    with pytest.raises(LedgerUntrusted) as caught:
        read_event(leaf_event(a_leaf(), bytes(32)))
    assert caught.value.code == "event_hash"


def test_a_change_event_whose_nodes_are_no_path() -> None:
    """A node's number that is not its parent's child."""
    event = bytearray(change_event(CORE, made().append(leaf(1))))
    event[70] ^= 1
    with pytest.raises(LedgerMalformed):
        read_event(bytes(event))


def test_every_prefix_and_extension_of_an_event_is_refused() -> None:
    """Nothing may be missing, and nothing may follow."""
    event = change_event(CORE, made().append(leaf(1)))
    for size in range(len(event)):
        with pytest.raises(LedgerMalformed):
            read_event(event[:size])
    with pytest.raises(LedgerMalformed):
        read_event(event + b"\0")


def test_a_config_reads_back() -> None:
    """All 96 bytes."""
    config = Config(CORE, BUBBLEGUM, 1 << 14, 7, False, Schema.V2)
    assert read_config(config.encode()) == config
    assert len(config.encode()) == 96


def test_a_collection_reads_back() -> None:
    """With a name and an address of 31 bytes it takes 175, as on the chain."""
    asked = tuple(Granted(plugin) for plugin in PLUGINS)
    collection = created(CORE, "Tickets", "https://a.example/c/1234", asked).counted(3, 2)
    assert read_collection(collection.encode()) == collection
    assert len(collection.encode()) == 175


def test_a_change_that_leaves_a_gap() -> None:
    """Events that come out of order are not taken in."""
    tree = made()
    tree.append(leaf(1))
    with pytest.raises(LedgerMalformed):
        Nodes(3).apply(tree.append(leaf(2)))
