"""The programs' addresses, and the addresses that are derived from them."""

from functools import lru_cache
from typing import Final

from msgspec import Struct
from solders.pubkey import Pubkey

from cloud.ledger.values import Schema

SYSTEM: Final = Pubkey.default()
COMPUTE_BUDGET: Final = Pubkey.from_string("ComputeBudget111111111111111111111111111111")
BUBBLEGUM: Final = Pubkey.from_string("BGUMAp9Gq7iTEuizy4pqaxsTyUCBK68MDfK752saRPUY")
CORE: Final = Pubkey.from_string("CoREENxT6tW1HoK8ypY1SxRMZTcVPm7R94rH4PZNhX7d")


class Pair(Struct, frozen=True):
    """Who keeps a generation's trees, and who writes its events down."""

    compression: Pubkey
    noop: Pubkey


PAIRS: Final = {
    Schema.V1: Pair(
        Pubkey.from_string("cmtDvXumGCrqC1Age74AVPhSRVXJMd8PJS91L8KbNCK"),
        Pubkey.from_string("noopb9bkMVfRPU8AsbpTUg8AQkHtKwMYZiFUjNRtMmV"),
    ),
    Schema.V2: Pair(
        Pubkey.from_string("mcmt6YrQEMKw8Mw43FmpRLmf7BqRnFMKmAcbxE3xkAW"),
        Pubkey.from_string("mnoopTCrg4p8ry25e4bcWA9XZjbNjMTfgYVGGEdRsf3"),
    ),
}

CORE_SIGNER: Final = Pubkey.find_program_address([b"mpl_core_cpi_signer"], BUBBLEGUM)[0]
"""Who tells the Core collection, in Bubblegum's name, that a leaf came or went."""


@lru_cache(1024)
def config_of(tree: Pubkey) -> Pubkey:
    """Return the address of a tree's config, which is also its authority."""
    return Pubkey.find_program_address([bytes(tree)], BUBBLEGUM)[0]


def asset_of(tree: Pubkey, nonce: int) -> Pubkey:
    """Return the id of the leaf that was minted as a tree's *nonce*-th."""
    seeds = [b"asset", bytes(tree), nonce.to_bytes(8, "little")]
    return Pubkey.find_program_address(seeds, BUBBLEGUM)[0]
