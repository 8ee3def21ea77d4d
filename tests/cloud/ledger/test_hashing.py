"""Hashes and addresses that were seen on the main chain."""

import pytest
from solders.pubkey import Pubkey

from cloud.ledger.bubblegum.leaf import NO_ASSET_DATA, NO_COLLECTION
from cloud.ledger.bubblegum.programs import asset_of
from cloud.ledger.tree.hashing import EMPTY


@pytest.mark.parametrize(
    ("tree", "nonce", "asset"),
    [
        (
            "tree9kmh23Qwa9K8sZ9rQtYshSwKA85CTEvw5bvTrau",
            58,
            "Az9QTysJj1LW1F7zkYF21HgBj3FRpq3zpxTFdPnAJYm8",
        ),
        (
            "8Uyk1cZGDcytRBdyKkqHJhTAvSPzSNDDEJTacWUEW8p6",
            170433,
            "4k41XV45LUyX2iRSdw8bvwPmKF9y7SNLi9imUGWc3ADS",
        ),
        (
            "GD6CGFeDPvcp8gHsbYkqA5sRXREXrSUGGQo57q5sb6jY",
            0,
            "5fADezYRRBaiLcRrSMC5Wsqj4mpd4BJkJvjTTQBWaB5T",
        ),
    ],
)
def test_asset_ids_of_the_main_chain(tree: str, nonce: int, asset: str) -> None:
    """Two of V1 and one of V2."""
    assert str(asset_of(Pubkey.from_string(tree), nonce)) == asset


def test_the_defaults() -> None:
    """What a leaf holds that is in no collection and has no data."""
    assert NO_COLLECTION.hex().startswith("290decd9")
    assert NO_COLLECTION.hex().endswith("e563")
    assert NO_ASSET_DATA.hex().startswith("c5d24601")
    assert NO_ASSET_DATA.hex().endswith("a470")


@pytest.mark.parametrize(
    ("level", "start", "end"),
    [
        (0, "00000000", "0000"),
        (1, "ad3228b6", "5fb5"),
        (14, "5c67add7", "becc"),
        (20, "c65e9645", "b7e2"),
    ],
)
def test_nodes_of_an_empty_tree(level: int, start: str, end: str) -> None:
    """By level."""
    assert EMPTY[level].hex().startswith(start)
    assert EMPTY[level].hex().endswith(end)
