"""The page of an asset, from what it is told."""

from datetime import UTC, datetime
from typing import Any, Final

from msgspec.structs import replace
from solders.pubkey import Pubkey

from cloud.ledger.values import Asset, Flag, Leaf, Proof, Schema
from cloud.ledger.web.asking import Evidence
from cloud.ledger.web.page import Told, asset, told
from cloud.ledger.web.shapes import StepOut
from cloud.ledger.web.verifying import Verdict, judged
from tests.cloud.ledger.scene import FRIEND

AT: Final = datetime(2027, 5, 1, 18, tzinfo=UTC)
SAID: Final = Told(
    Verdict.PROVED, "", "Night #1", "Night & Day", {"It is so.": True}, "Asset1", "Owner1", False,
    "Tree1", 0, "00" * 32, "11" * 32, [], None, None, [StepOut("mint", "Signed1", 5, AT)],
)  # fmt: skip
EXPLORER: Final = "https://explorer.example/{kind}/{id}?cluster=devnet&more"


def test_addresses_and_transactions_lead_to_an_explorer() -> None:
    """Of a ledger on Solana: others show there what we say here."""
    page = asset("/s", SAID, explorer=EXPLORER)
    for kind, value in (
        ("address", "Asset1"), ("address", "Owner1"), ("address", "Tree1"), ("tx", "Signed1"),
    ):  # fmt: skip
        assert f'href="https://explorer.example/{kind}/{value}?cluster=devnet&amp;more"' in page
    assert page.count("explorer.example") == 4


def test_a_picture_is_shown_from_here() -> None:
    """By its path, whatever address metadata has for it: pages ask nobody else."""
    said = replace(SAID, image="https://tickets.example/a/events/1/2/3.png")
    assert '<img class="picture" src="/a/events/1/2/3.png" alt="">' in asset("/s", said)
    assert "<img" not in asset("/s", SAID)


def test_nobody_else_shows_what_is_kept_here() -> None:
    """The embedded ledger is on no explorer; nor does an operator who names none lead to one."""
    embedded, unnamed = asset("/s", SAID), asset("/s", SAID, explorer="")
    assert "It is not a blockchain" in embedded
    assert "read from Solana" in unnamed
    assert "noreferrer" not in embedded + unnamed


def test_of_what_is_burnt_its_place_is_all_that_is_proved() -> None:
    """An empty leaf tells neither whose it was nor what: nothing that an index says of that is
    passed on."""
    asset_id, tree, ours = (bytes([each]) * 32 for each in (1, 2, 3))
    leaf = Leaf(
        Schema.V2, Pubkey.from_bytes(asset_id), FRIEND, FRIEND, 0, b"x" * 32, b"y" * 32,
        flags=Flag.FROZEN,
    )  # fmt: skip
    found = Asset(leaf, Pubkey.from_bytes(tree), 0, 1, "N", "S", "U", FRIEND, burnt=True)
    row: Any = {
        "asset_id": asset_id, "tree": tree, "owner": ours, "burnt": True, "frozen": False,
        "body": None, "number": 1, "leaf_index": 0, "ref": bytes(16), "gen": 0, "collection": None,
    }  # fmt: skip
    proof = Proof(found.tree, bytes(32), bytes(32), 0, ())
    report = judged(row, Evidence(found, proof))
    assert report.verdict is Verdict.BURNT
    assert [check.good for check in report.checks] == [True] * 3
    assert told(row, report, []).owner == str(Pubkey.from_bytes(ours))
    assert not told(row, report, []).frozen
    for other in ({"tree": ours}, {"burnt": False}):
        assert judged(row | other, Evidence(found, proof)).verdict is Verdict.DIFFERS


def test_frozen_is_what_is_proved_to_be() -> None:
    """Whatever our records say: that they differ is said beside it."""
    asset_id, tree = (bytes([each]) * 32 for each in (1, 2))
    leaf = Leaf(
        Schema.V2, Pubkey.from_bytes(asset_id), FRIEND, FRIEND, 0, b"x" * 32, b"y" * 32,
        b"z" * 32, b"d" * 32, Flag.FROZEN,
    )  # fmt: skip
    found = Asset(leaf, Pubkey.from_bytes(tree), 0, 1, "N", "S", "U", FRIEND, burnt=False)
    row: Any = {
        "asset_id": asset_id, "tree": tree, "owner": bytes(FRIEND), "burnt": False,
        "frozen": False, "ticket_state": "active", "body": None, "number": 1, "leaf_index": 0,
        "ref": bytes(16), "gen": 0, "collection": None,
    }  # fmt: skip
    report = judged(row, Evidence(found, Proof(found.tree, bytes(32), bytes(32), 0, ())))
    assert (report.verdict, told(row, report, []).frozen) == (Verdict.DIFFERS, True)
    nobody = judged(row, Evidence())
    assert not told(row, nobody, []).frozen
