"""What a landed transaction says of the job that it was signed for. Pure."""

from collections.abc import Sequence

from cloud.ledger.faults import LedgerUntrusted
from cloud.ledger.values import Effect


def leaves_of(data_hashes: Sequence[bytes], told: Sequence[Effect]) -> list[Effect]:
    """Return the leaves that a mint made, in its order.

    Raises `LedgerUntrusted` ("job_leaves") where its events tell of others.
    """
    leaves = [effect for effect in told if effect.name is not None]
    if [effect.leaf.data_hash for effect in leaves] != list(data_hashes):
        raise LedgerUntrusted("job_leaves", "other leaves than were signed for")
    return leaves


def found_of(data_hashes: Sequence[bytes], history: Sequence[Effect]) -> list[Effect]:
    """Return those leaves of a mint that a tree's history has, in the mint's order."""
    wanted = set(data_hashes)
    by_hash = {
        effect.leaf.data_hash: effect
        for effect in history
        if effect.name is not None and effect.leaf.data_hash in wanted
    }
    return [by_hash[each] for each in data_hashes if each in by_hash]


def change_of(told: Sequence[Effect]) -> Effect:
    """Return what the one instruction of a change did. Raises `LedgerUntrusted`."""
    if len(told) != 1 or told[0].name is not None:
        raise LedgerUntrusted("job_leaves", "another change than was signed for")
    return told[0]
