"""A Merkle tree as anybody would write it: all leaves, hashed anew each time."""

from cloud.ledger.tree.hashing import EMPTY_LEAF, keccak


class Naive:
    """Every leaf, empty ones too."""

    def __init__(self, depth: int) -> None:
        self.leaves = [EMPTY_LEAF] * (1 << depth)

    def levels(self) -> list[list[bytes]]:
        """Return all nodes, the leaves first and the root last."""
        levels = [self.leaves]
        while len(levels[-1]) > 1:
            below = levels[-1]
            pairs = zip(below[::2], below[1::2], strict=True)
            levels.append([keccak(left + right) for left, right in pairs])
        return levels

    def root(self) -> bytes:
        """Return the root."""
        return self.levels()[-1][0]

    def proof(self, index: int) -> list[bytes]:
        """Return a leaf's siblings."""
        return [level[(index >> height) ^ 1] for height, level in enumerate(self.levels()[:-1])]
