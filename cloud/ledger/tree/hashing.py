"""Keccak-256, as Solana's programs use it, and the nodes of an empty tree."""

from typing import Final

from sha3 import keccak_256

SIZE: Final = 32  # of every node
EMPTY_LEAF: Final = bytes(SIZE)
DEEPEST: Final = 30


def keccak(data: bytes) -> bytes:
    """Return the Keccak-256 of *data*, which is not SHA3-256."""
    digest: bytes = keccak_256(data).digest()
    return digest


def _empty() -> tuple[bytes, ...]:
    nodes = [EMPTY_LEAF]
    for _ in range(DEEPEST):
        nodes.append(keccak(nodes[-1] * 2))
    return tuple(nodes)


EMPTY: Final = _empty()  # by level: a leaf's is 0
"""The root of a subtree without leaves, by its level."""


def root_of(leaf: bytes, index: int, nodes: list[bytes] | tuple[bytes, ...]) -> bytes:
    """Return the root that *leaf* at *index* has with these siblings, the lowest first."""
    node = leaf
    for sibling in nodes:
        node = keccak(sibling + node) if index & 1 else keccak(node + sibling)
        index >>= 1
    return node
