"""The concurrent tree against a naive one: any operations, any age of proof, canopy or not."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from cloud.ledger.tree.concurrent import (
    Change,
    ConcurrentTree,
    Refusal,
    TreeRefused,
    initialise,
    load,
)
from cloud.ledger.tree.hashing import EMPTY, keccak, root_of
from cloud.ledger.tree.nodes import Nodes
from cloud.ledger.tree.shape import layout
from cloud.ledger.values import Shape
from tests.cloud.ledger.naive import Naive

AUTHORITY = bytes(range(32))


def made(depth: int = 3, buffer: int = 8, canopy: int = 0) -> ConcurrentTree:
    """Return an empty tree."""
    shape = Shape(depth, buffer, canopy)
    return initialise(bytearray(layout(shape).size), shape, AUTHORITY, 7)


def leaf(number: int) -> bytes:
    """Return a leaf that no other number has."""
    return keccak(number.to_bytes(8, "little"))


class Snapshot(Struct):
    """A proof and what it was of."""

    root: bytes
    index: int
    old: bytes
    proof: list[bytes]
    taken: int  # after how many changes


def snapshot(naive: Naive, index: int, taken: int, canopy: int) -> Snapshot:
    """Take a proof, cut by the canopy as a sender would cut it."""
    proof = naive.proof(index)
    return Snapshot(naive.root(), index, naive.leaves[index], proof[: len(proof) - canopy], taken)


@settings(max_examples=150, deadline=None)
@given(data=st.data(), shape=st.sampled_from([(3, 8), (5, 8), (6, 16)]))
def test_any_operations_agree_with_a_naive_tree(
    data: st.DataObject, shape: tuple[int, int]
) -> None:
    """Appends, and changes with proofs of any age: whatever is accepted gives the naive root,
    and a proof younger than the buffer is refused only if its own leaf has changed."""
    depth, buffer = shape
    canopy = data.draw(st.integers(0, depth), label="canopy")
    tree, naive, nodes = made(depth, buffer, canopy), Naive(depth), Nodes(depth)
    kept: list[Snapshot] = []
    changes = 0
    for step in range(data.draw(st.integers(1, 40), label="steps")):
        if data.draw(st.booleans(), label="append") and tree.appended < 1 << depth:
            nodes.apply(tree.append(leaf(step)))
            naive.leaves[tree.appended - 1] = leaf(step)
            changes += 1
        elif tree.appended:
            index = data.draw(st.integers(0, tree.appended - 1), label="index")
            kept.append(snapshot(naive, index, changes, canopy))
            used = data.draw(st.sampled_from(kept), label="proof")
            changes += _replace(tree, naive, nodes, used, leaf(1000 + step), changes, buffer)
        assert tree.root == naive.root() == nodes.root
        assert load(tree.memory).root == tree.root
    for index in range(tree.appended):
        assert list(nodes.proof(index)) == naive.proof(index)
    assert Nodes.of(depth, b"".join(naive.leaves[: tree.appended])).root == naive.root()


def _replace(
    tree: ConcurrentTree,
    naive: Naive,
    nodes: Nodes,
    used: Snapshot,
    new: bytes,
    changes: int,
    buffer: int,
) -> int:
    """Try a change. Returns how many were made, after checking that this was right."""
    before = bytes(tree.memory)
    unchanged = naive.leaves[used.index] == used.old
    why = Refusal.FULL
    try:
        change: Change | None = tree.replace(used.root, used.old, new, used.index, used.proof)
    except TreeRefused as refused:
        why = refused.why
        change = None
    if change is None:
        assert why in (Refusal.MODIFIED, Refusal.PROOF)
        assert bytes(tree.memory) == before
        assert not unchanged or changes - used.taken >= buffer
        return 0
    assert unchanged
    naive.leaves[used.index] = new
    nodes.apply(change)
    return 1


def grown(count: int, canopy: int = 0) -> tuple[ConcurrentTree, Naive]:
    """Return a tree of depth 5 and buffer 8 with *count* leaves."""
    tree, naive = made(5, 8, canopy), Naive(5)
    for number in range(count):
        tree.append(leaf(number))
        naive.leaves[number] = leaf(number)
    return tree, naive


@pytest.mark.parametrize("canopy", [0, 2, 5])
def test_a_proof_within_the_buffer_lands(canopy: int) -> None:
    """Seven changes later it is brought up to date."""
    tree, naive = grown(4, canopy)
    old = snapshot(naive, 1, 0, canopy)
    for number in range(4, 11):
        tree.append(leaf(number))
        naive.leaves[number] = leaf(number)
    tree.replace(old.root, old.old, leaf(99), old.index, old.proof)
    naive.leaves[1] = leaf(99)
    assert tree.root == naive.root()


def test_a_proof_just_beyond_the_buffer_may_still_land() -> None:
    """What the forgotten change did is not in this proof's path: it is inferred."""
    tree, naive = grown(4)
    old = snapshot(naive, 1, 0, 0)
    for number in range(4, 12):
        tree.append(leaf(number))
        naive.leaves[number] = leaf(number)
    assert old.root not in tree.roots()
    tree.replace(old.root, old.old, leaf(99), old.index, old.proof)
    naive.leaves[1] = leaf(99)
    assert tree.root == naive.root()


def test_a_proof_far_beyond_the_buffer_is_refused() -> None:
    """Its sibling was changed by something long forgotten."""
    tree, naive = grown(4)
    old = snapshot(naive, 1, 0, 0)
    tree.replace(naive.root(), leaf(0), leaf(98), 0, naive.proof(0))
    for number in range(4, 20):
        tree.append(leaf(number))
    with pytest.raises(TreeRefused) as caught:
        tree.replace(old.root, old.old, leaf(99), old.index, old.proof)
    assert caught.value.why is Refusal.PROOF


def test_a_full_tree_takes_no_more_and_still_changes() -> None:
    """Eight leaves of eight; the last one can be replaced."""
    tree, naive = made(), Naive(3)
    for number in range(8):
        tree.append(leaf(number))
        naive.leaves[number] = leaf(number)
    with pytest.raises(TreeRefused) as caught:
        tree.append(leaf(8))
    assert caught.value.why is Refusal.FULL
    tree.replace(naive.root(), leaf(7), leaf(99), 7, naive.proof(7))
    naive.leaves[7] = leaf(99)
    assert tree.root == naive.root()


def empty_leaf(tree: ConcurrentTree, naive: Naive) -> None:
    """Append nothing."""
    tree.append(EMPTY[0])


def beyond(tree: ConcurrentTree, naive: Naive) -> None:
    """Change a leaf that was never appended."""
    tree.replace(naive.root(), EMPTY[0], leaf(1), 9, naive.proof(9))


def outside(tree: ConcurrentTree, naive: Naive) -> None:
    """Change a leaf that the tree has no place for."""
    tree.replace(naive.root(), EMPTY[0], leaf(1), 32, naive.proof(0))


def changed(tree: ConcurrentTree, naive: Naive) -> None:
    """Change a leaf that has changed since."""
    tree.replace(naive.root(), leaf(1), leaf(98), 1, naive.proof(1))
    tree.replace(naive.root(), leaf(1), leaf(99), 1, naive.proof(1))


def forged(tree: ConcurrentTree, naive: Naive) -> None:
    """Bring another leaf's proof."""
    tree.replace(naive.root(), leaf(1), leaf(99), 1, naive.proof(2))


def another(tree: ConcurrentTree, naive: Naive) -> None:
    """Name another leaf than the one that is there."""
    tree.replace(naive.root(), leaf(77), leaf(99), 1, naive.proof(1))


def long(tree: ConcurrentTree, naive: Naive) -> None:
    """Bring more nodes than the tree has levels."""
    tree.replace(naive.root(), leaf(1), leaf(99), 1, [*naive.proof(1), EMPTY[0]])


def short(tree: ConcurrentTree, naive: Naive) -> None:
    """Bring fewer, with no canopy to complete them."""
    tree.replace(naive.root(), leaf(1), leaf(99), 1, naive.proof(1)[:1])


@pytest.mark.parametrize(
    ("attempt", "why"),
    [
        (empty_leaf, Refusal.EMPTY_LEAF),
        (beyond, Refusal.INDEX),
        (outside, Refusal.INDEX),
        (changed, Refusal.MODIFIED),
        (forged, Refusal.PROOF),
        (another, Refusal.PROOF),
        (long, Refusal.LENGTH),
        (short, Refusal.PROOF),
    ],
)
def test_what_is_refused(attempt: Callable[[ConcurrentTree, Naive], None], why: Refusal) -> None:
    """Each with its own reason."""
    tree, naive = grown(4)
    with pytest.raises(TreeRefused) as caught:
        attempt(tree, naive)
    assert caught.value.why is why


def test_a_burnt_leaf_is_empty() -> None:
    """And its siblings' proofs say so."""
    tree, naive = grown(4)
    tree.replace(naive.root(), leaf(2), EMPTY[0], 2, naive.proof(2))
    naive.leaves[2] = EMPTY[0]
    assert tree.root == root_of(leaf(3), 3, naive.proof(3))


@pytest.mark.parametrize("count", [0, 1, 5, 8])
def test_the_last_changes_are_remembered(count: int) -> None:
    """As many as the buffer holds, less the empty root that stands in it at first; none to come."""
    tree = made(buffer=8)
    done = [tree.append(leaf(number)) for number in range(count)]
    for change in done:
        if count - change.sequence < 8:
            assert tree.logged(change.sequence) == (change.index, change.path[0])
        else:
            assert tree.logged(change.sequence) is None
    for strange in (0, count + 1, 2**64 - 1):
        assert tree.logged(strange) is None
    if count == 8:
        naive = Naive(3)
        for number in range(8):
            naive.leaves[number] = leaf(number)
        tree.replace(naive.root(), leaf(2), bytes(32), 2, naive.proof(2))
        assert tree.logged(9) == (2, bytes(32))
        assert [tree.logged(number) is None for number in (1, 2)] == [True, False]
