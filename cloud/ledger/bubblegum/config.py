"""A tree's config: who may mint into it, and how much was minted."""

from typing import Final

from msgspec import Struct
from solders.pubkey import Pubkey

from cloud.ledger.bubblegum.borsh import Reader
from cloud.ledger.faults import LedgerMalformed
from cloud.ledger.values import Schema

DISCRIMINATOR: Final = bytes.fromhex("7af5aff8ab2200cf")
SIZE: Final = 96
DECOMPRESSIBLE: Final = 1  # "disabled"


class Config(Struct, frozen=True):
    """`TreeConfig`. `capacity` is how many leaves it has; `public`: anybody may mint."""

    creator: Pubkey
    delegate: Pubkey
    capacity: int
    minted: int
    public: bool
    schema: Schema
    decompressible: int = DECOMPRESSIBLE

    def encode(self) -> bytes:
        """Return the account's bytes."""
        return (
            DISCRIMINATOR
            + bytes(self.creator)
            + bytes(self.delegate)
            + self.capacity.to_bytes(8, "little")
            + self.minted.to_bytes(8, "little")
            + bytes((self.public, self.decompressible, self.schema is Schema.V2))
            + bytes(5)
        )


def read_config(data: bytes) -> Config:
    """Read an account. Raises `LedgerMalformed`."""
    reader = Reader(data)
    if len(data) != SIZE or reader.take(8) != DISCRIMINATOR:
        raise LedgerMalformed("tree_config", "not a tree's config")
    creator, delegate, capacity, minted = (
        reader.key(),
        reader.key(),
        reader.number(8),
        reader.number(8),
    )
    public, decompressible, version = reader.flag(), reader.number(1), reader.flag()
    schema = Schema.V2 if version else Schema.V1
    return Config(creator, delegate, capacity, minted, public, schema, decompressible)
