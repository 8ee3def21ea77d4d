"""The tree's account: changes land on it though the proof that they bring is of an older root.

The account remembers its last `buffer` changes. A proof of a root in there is brought up to date
by replaying the changes after it; a proof of an older root is tried against all of them
(spl-concurrent-merkle-tree: "inferred proof"). The memory is always the account's bytes.
"""

from enum import StrEnum
from struct import Struct as Form
from typing import Final, NoReturn

from msgspec import Struct

from cloud.ledger.faults import LedgerMalformed
from cloud.ledger.tree.hashing import EMPTY, EMPTY_LEAF, SIZE, keccak, root_of
from cloud.ledger.tree.shape import HEADER, Layout, canopy_of, known, layout
from cloud.ledger.values import Shape

HEAD: Final = Form("<BBII32sQ6x")
COUNTERS: Final = Form("<QQQ")
TAIL: Final = Form("<II")
TYPE: Final = 1  # a concurrent Merkle tree
BUFFER_AT: Final = 80


class Refusal(StrEnum):
    """Why the tree did not change, in the words of its program's error."""

    EMPTY_LEAF = "CannotAppendEmptyNode"
    FULL = "TreeFull"
    INDEX = "LeafIndexOutOfBounds"
    MODIFIED = "LeafContentsModified"
    PROOF = "InvalidProof"
    LENGTH = "ProofTooLong"


class TreeRefused(Exception):
    """The change was refused, and the account is as it was."""

    def __init__(self, why: Refusal) -> None:
        super().__init__(why)
        self.why = why


class Change(Struct, frozen=True):
    """A leaf's new path, leaf first and root last, and the account's count of changes."""

    index: int
    path: tuple[bytes, ...]
    sequence: int

    @property
    def root(self) -> bytes:
        """The root that it made."""
        return self.path[-1]


def initialise(memory: bytearray, shape: Shape, authority: bytes, slot: int) -> "ConcurrentTree":
    """Make an empty tree of zeroed memory of the right size."""
    where = layout(shape)
    if len(memory) != where.size or any(memory):
        raise LedgerMalformed("tree_memory", "a new tree needs zeroed memory of its size")
    HEAD.pack_into(memory, 0, TYPE, 0, shape.buffer, shape.depth, authority, slot)
    COUNTERS.pack_into(memory, HEADER, 0, 0, 1)
    path = b"".join(EMPTY[: shape.depth])
    memory[BUFFER_AT : BUFFER_AT + SIZE + len(path)] = EMPTY[shape.depth] + path
    memory[where.rightmost : where.rightmost + len(path)] = path
    return ConcurrentTree(memory, where)


def load(memory: bytearray) -> "ConcurrentTree":
    """Return the tree in an account. Raises `LedgerMalformed` ("tree_account")."""
    if len(memory) < BUFFER_AT:
        _malformed("too short")
    kind, version, buffer, depth, _, _ = HEAD.unpack_from(memory)
    if (kind, version) != (TYPE, 0) or not known(depth, buffer):
        _malformed("not a tree")
    canopy = canopy_of(depth, buffer, len(memory))
    if canopy is None:
        _malformed("its size fits no canopy")
    where = layout(Shape(depth, buffer, canopy))
    _, active, used = COUNTERS.unpack_from(memory, HEADER)
    (appended, _) = TAIL.unpack_from(memory, where.canopy - TAIL.size)
    if not 1 <= used <= buffer or active >= buffer or appended > 1 << depth:
        _malformed("its counters are out of range")
    return ConcurrentTree(memory, where)


def _malformed(why: str) -> NoReturn:
    raise LedgerMalformed("tree_account", why)


class ConcurrentTree:
    """A view of *memory*, which it changes in place."""

    def __init__(self, memory: bytearray, where: Layout) -> None:
        self.memory = memory
        self.layout = where
        self.shape = where.shape

    @property
    def authority(self) -> bytes:
        """The address that may change it: the tree's config."""
        return bytes(self.memory[10:42])

    @property
    def sequence(self) -> int:
        """How often it was changed."""
        return int.from_bytes(self.memory[HEADER : HEADER + 8], "little")

    @property
    def appended(self) -> int:
        """How many leaves were ever appended."""
        at = self.layout.canopy - TAIL.size
        return int.from_bytes(self.memory[at : at + 4], "little")

    @property
    def root(self) -> bytes:
        """The newest root."""
        at = self._entry(self._counters()[1])
        return bytes(self.memory[at : at + SIZE])

    def roots(self) -> list[bytes]:
        """Return the roots in the buffer, the newest first."""
        _, active, used = self._counters()
        at = [self._entry((active - back) % self.shape.buffer) for back in range(used)]
        return [bytes(self.memory[start : start + SIZE]) for start in at]

    def changed_since(self, root: bytes, index: int) -> bool:
        """Whether a leaf was changed after *root*, which is one of `roots`."""
        return any(self._index(at) == index for at in self._changes_since(root))

    def logged(self, sequence: int) -> tuple[int, bytes] | None:
        """Return which leaf a change was of, and what it has become by it; None: the account does
        not remember so long."""
        newest, active, used = self._counters()
        back = newest - sequence
        if not 0 <= back < used or not sequence:
            return None
        at = self._entry((active - back) % self.shape.buffer)
        return self._index(at), bytes(self.memory[at + SIZE : at + 2 * SIZE])

    def append(self, leaf: bytes) -> Change:
        """Add a leaf at the next free index. Needs no proof: the rightmost one is kept."""
        index, depth = self.appended, self.shape.depth
        if leaf == EMPTY_LEAF:
            raise TreeRefused(Refusal.EMPTY_LEAF)
        if index >= 1 << depth:
            raise TreeRefused(Refusal.FULL)
        if index == 0:
            return self._put(0, leaf, list(EMPTY[:depth]))
        proof, last = self._rightmost()
        path, rightmost = _append_path(leaf, index, proof, last)
        self._set_rightmost(rightmost, leaf, index + 1)
        return self._record(index, path)

    def replace(
        self, root: bytes, old: bytes, new: bytes, index: int, proof: list[bytes]
    ) -> Change:
        """Put *new* where *old* is. *proof* is of *root* and may lack what the canopy has."""
        depth = self.shape.depth
        if index >= 1 << depth or index > self.appended:
            raise TreeRefused(Refusal.INDEX)
        full = self._filled(proof, index)
        leaf = self._replay(root, old, index, full)
        if leaf != old:
            raise TreeRefused(Refusal.MODIFIED)
        if root_of(old, index, full) != self.root:
            raise TreeRefused(Refusal.PROOF)
        return self._put(index, new, full)

    def _put(self, index: int, leaf: bytes, proof: list[bytes]) -> Change:
        """Write *leaf* with a proof of the newest root, and move the rightmost proof along."""
        path = _path(leaf, index, proof)
        appended = self.appended
        if index == appended:
            self._set_rightmost(proof, leaf, index + 1)
        elif appended < 1 << self.shape.depth:
            rightmost, last = self._rightmost()
            if index == appended - 1:
                last = leaf
            else:
                level = (index ^ (appended - 1)).bit_length() - 1
                rightmost[level] = path[level]
            self._set_rightmost(rightmost, last, appended)
        return self._record(index, path)

    def _record(self, index: int, path: list[bytes]) -> Change:
        sequence, active, used = self._counters()
        buffer, where = self.shape.buffer, self.layout
        active = (active + 1) % buffer
        sequence += 1
        COUNTERS.pack_into(self.memory, HEADER, sequence, active, min(used + 1, buffer))
        at = self._entry(active)
        body = path[-1] + b"".join(path[:-1]) + index.to_bytes(4, "little")
        self.memory[at : at + where.change - 4] = body
        self._write_canopy(index, path)
        return Change(index, tuple(path), sequence)

    def _write_canopy(self, index: int, path: list[bytes]) -> None:
        depth, at = self.shape.depth, self.layout.canopy
        node = (1 << depth) + index
        for level in range(depth - self.shape.canopy, depth):
            start = at + ((node >> level) - 2) * SIZE
            self.memory[start : start + SIZE] = path[level]

    def _filled(self, proof: list[bytes], index: int) -> list[bytes]:
        """Return *proof* completed from the canopy, and with empty nodes where that ends."""
        depth = self.shape.depth
        if len(proof) > depth:
            raise TreeRefused(Refusal.LENGTH)
        cached = self._from_canopy(index)
        overlap = max(0, len(proof) + len(cached) - depth)
        full = [*proof, *cached[overlap:]]
        return full + list(EMPTY[len(full) : depth])

    def _from_canopy(self, index: int) -> list[bytes]:
        depth, at = self.shape.depth, self.layout.canopy
        found = []
        for level in range(depth - self.shape.canopy, depth):
            start = at + ((((1 << depth) + index) >> level ^ 1) - 2) * SIZE
            node = bytes(self.memory[start : start + SIZE])
            found.append(EMPTY[level] if node == EMPTY_LEAF else node)
        return found

    def _replay(self, root: bytes, leaf: bytes, index: int, proof: list[bytes]) -> bytes:
        """Bring *proof* up to date in place. Returns what the leaf has become meanwhile."""
        for at in self._changes_since(root):
            changed = self._index(at)
            if changed == index:
                leaf = bytes(self.memory[at + SIZE : at + 2 * SIZE])
                continue
            level = (index ^ changed).bit_length() - 1
            start = at + SIZE + level * SIZE
            proof[level] = bytes(self.memory[start : start + SIZE])
        return leaf

    def _changes_since(self, root: bytes) -> list[int]:
        """Return where the changes after *root* lie, oldest first.

        For a root that is not there: all but the oldest entry, as the program does.
        """
        _, active, used = self._counters()
        buffer = self.shape.buffer
        roots = self.roots()
        back = roots.index(root) if root in roots else used - 1
        return [self._entry((active - step) % buffer) for step in range(back - 1, -1, -1)]

    def _index(self, at: int) -> int:
        """Return the leaf that the change at an offset was of."""
        end = at + self.layout.change - 4
        return int.from_bytes(self.memory[end - 4 : end], "little")

    def _counters(self) -> tuple[int, int, int]:
        sequence, active, used = COUNTERS.unpack_from(self.memory, HEADER)
        return sequence, active, used

    def _entry(self, slot: int) -> int:
        return BUFFER_AT + slot * self.layout.change

    def _rightmost(self) -> tuple[list[bytes], bytes]:
        at, depth = self.layout.rightmost, self.shape.depth
        raw = bytes(self.memory[at : at + (depth + 1) * SIZE])
        nodes = [raw[start : start + SIZE] for start in range(0, len(raw), SIZE)]
        return nodes[:-1], nodes[-1]

    def _set_rightmost(self, proof: list[bytes], leaf: bytes, appended: int) -> None:
        at = self.layout.rightmost
        body = b"".join(proof) + leaf + appended.to_bytes(4, "little")
        self.memory[at : at + len(body)] = body


def _path(leaf: bytes, index: int, proof: list[bytes]) -> list[bytes]:
    path = [leaf]
    node = leaf
    for sibling in proof:
        node = keccak(sibling + node) if index & 1 else keccak(node + sibling)
        path.append(node)
        index >>= 1
    return path


def _append_path(
    leaf: bytes, index: int, proof: list[bytes], last: bytes
) -> tuple[list[bytes], list[bytes]]:
    """Return the new leaf's path and its proof, from the proof of the leaf before it.

    The two meet at the level of *index*'s lowest set bit: below, the new leaf has empty
    siblings, and there its sibling is the finished subtree on its left.
    """
    meet = (index & -index).bit_length() - 1
    finished = root_of(last, index - 1, proof[:meet])
    mine = [*EMPTY[:meet], finished, *proof[meet + 1 :]]
    return _path(leaf, index, mine), mine
