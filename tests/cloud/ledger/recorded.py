"""What the real programs did: 7 trees, 315 transactions, recorded in LiteSVM (recorded.json).

Each step has its signed transaction and what followed: accepted or not, and then the root, the
SHA-256 of the tree's whole account, and the events and return data byte for byte.
"""

import json
from base64 import b64decode
from pathlib import Path
from typing import Any, Final

from solders.pubkey import Pubkey

from cloud.ledger.bubblegum.programs import SYSTEM
from cloud.ledger.bubblegum.transaction import Parsed, parse
from cloud.ledger.embedded.accounts import Held
from cloud.ledger.embedded.bank import Bank, Executed

Json = dict[str, Any]

SCENARIOS: Final[list[Json]] = json.loads(Path(__file__).with_name("recorded.json").read_text())
STEPS: Final = sum(len(scenario["steps"]) for scenario in SCENARIOS)


def minted() -> list[Json]:
    """Return every step that minted, with its scenario's tree and version."""
    return [
        {**step, "tree": scenario["tree"], "version": scenario["version"]}
        for scenario in SCENARIOS
        for step in scenario["steps"]
        if "asset_id" in step
    ]


def bank_of(scenario: Json) -> Bank:
    """Return the accounts before the first step: the payer's alone."""
    return Bank({Pubkey.from_string(scenario["payer"]): Held(SYSTEM, 10**12, bytearray())})


def run(bank: Bank, scenario: Json, step: Json) -> Executed:
    """Execute one step."""
    transaction = parse(b64decode(step["tx"]))
    assert isinstance(transaction, Parsed)
    executed = bank.run(transaction, scenario["slot"])
    bank.adopt(executed)
    return executed
