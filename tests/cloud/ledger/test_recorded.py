"""The engine does what the real programs did, byte for byte."""

from base64 import b64decode, b64encode
from hashlib import sha256

import pytest
from solders.pubkey import Pubkey

from cloud.ledger.bubblegum.borsh import Reader
from cloud.ledger.bubblegum.events import LeafEvent, read_event
from cloud.ledger.bubblegum.leaf import leaf_hash
from cloud.ledger.bubblegum.metadata import read_metadata
from cloud.ledger.bubblegum.programs import asset_of
from cloud.ledger.tree.concurrent import load
from cloud.ledger.values import Schema
from tests.cloud.ledger import recorded
from tests.cloud.ledger.recorded import SCENARIOS, Json, bank_of, minted, run

STALE = 6001  # the programs say this, or crash on small trees: "ProgramFailedToComplete"


def test_all_of_them_are_there() -> None:
    """315 steps in 7 scenarios, 28 of which are refused."""
    refused = [step for held in SCENARIOS for step in held["steps"] if not step["ok"]]
    assert (len(SCENARIOS), recorded.STEPS, len(refused)) == (7, 315, 28)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda held: held["name"])
def test_every_step_ends_as_recorded(scenario: Json) -> None:
    """Accepted or refused alike; root, whole account, events and return data the same."""
    bank = bank_of(scenario)
    tree = Pubkey.from_string(scenario["tree"])
    for number, step in enumerate(scenario["steps"]):
        executed = run(bank, scenario, step)
        memory = bank.accounts[tree].data
        found = load(memory)
        assert (
            executed.error is None,
            found.root.hex(),
            found.sequence,
            found.appended,
            sha256(memory).hexdigest(),
            [b64encode(said).decode() for said in executed.events],
            b64encode(executed.returned).decode(),
        ) == (
            step["ok"],
            step["root"],
            step["seq"],
            step["appended"],
            step["account"],
            step.get("events", []),
            step.get("returned", ""),
        ), f"step {number}, {step['kind']}"


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda held: held["name"])
def test_every_refusal_has_the_program_s_number(scenario: Json) -> None:
    """And names the instruction that failed."""
    bank = bank_of(scenario)
    for step in scenario["steps"]:
        error = run(bank, scenario, step).error
        if step["ok"]:
            continue
        assert error is not None
        expected = STALE if step["err"] == "ProgramFailedToComplete" else step["err"]
        assert (error.name, error.code, error.instruction) == ("Custom", expected, 1)


@pytest.mark.parametrize("version", [1, 2])
def test_every_mint_s_hashes_and_id(version: int) -> None:
    """Recomputed from the metadata's bytes, the tree and the count of mints."""
    steps = [step for step in minted() if step["version"] == version]
    schema = Schema.V1 if version == 1 else Schema.V2
    for step in steps:
        reader = Reader(bytes.fromhex(step["metadata_borsh"]))
        metadata = read_metadata(reader, schema)
        reader.end()
        assert metadata.encode(schema).hex() == step["metadata_borsh"]
        assert metadata.data_hash(schema).hex() == step["data_hash"]
        assert metadata.creator_hash().hex() == step["creator_hash"]
        assert str(asset_of(Pubkey.from_string(step["tree"]), step["nonce"])) == step["asset_id"]
    assert len(steps) > 80


def test_every_event_reads_back() -> None:
    """A leaf's event holds its own hash; the leaf of a mint is the one recorded."""
    for step in minted():
        event = read_event(b64decode(step["events"][0]))
        assert isinstance(event, LeafEvent)
        assert leaf_hash(event.leaf).hex() == step["leaf"]
        assert str(event.leaf.id) == step["asset_id"]
