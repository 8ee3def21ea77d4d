"""Which cluster (mainnet, devnet, one's own) all of this is on, by the hash that it began with."""

from cloud.ledger.faults import LedgerMalformed, LedgerUntrusted
from cloud.ledger.rpc import words
from cloud.ledger.rpc.answers import decoded


class Cluster:
    """`genesis`: 32 bytes; None until somebody knows, and then any node will do."""

    def __init__(self, genesis: bytes | None = None) -> None:
        self.genesis = genesis

    def check(self, found: bytes) -> None:
        """Raise `LedgerUntrusted` ("rpc_cluster") for a node of another."""
        if found != self.genesis:
            raise LedgerUntrusted("rpc_cluster", "a node of another cluster than before")


def read_genesis(raw: bytes) -> bytes:
    """Read what a cluster began with."""
    found = decoded(raw, str)
    if not isinstance(found, str):
        raise LedgerMalformed("rpc_answer", "not what was asked for")
    return words.hash_of(found)
