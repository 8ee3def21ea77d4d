"""What a lookup table would save in minting an event: reckoned from the messages themselves."""

from collections.abc import Sequence
from typing import Final

import pytest
from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.hash import Hash
from solders.instruction import Instruction
from solders.message import MessageV0

from cloud.ledger.bubblegum import building
from cloud.ledger.bubblegum.building import Parties
from cloud.ledger.bubblegum.transaction import LONGEST
from cloud.ledger.embedded.accounts import rent
from cloud.ledger.packing import pack, size
from cloud.ledger.values import Mint, Schema
from cloud.ledger.work.naming import SYMBOL, name_of, uri_of
from cloud.ledger.work.planning import EACH, SIGNATURE, Cost, cost, rented, shape_for
from tests.cloud.ledger.scene import OURS, key

US: Final = Parties(OURS.pubkey(), OURS.pubkey())  # as the worker has it: one key pays and decides
TICKETS: Final = 10_000
MOST: Final = 8  # mints in a transaction, with or without
HEAD, ADDRESS = 56, 32  # bytes of a table, and of each address in it
OWN: Final = 3  # transactions: made and filled, deactivated, closed


def mints(schema: Schema) -> list[Instruction]:
    """Return mints for different fans, as long as the worker makes them."""
    collection = key("collection").pubkey() if schema is Schema.V2 else None
    told = [
        Mint(
            key(f"fan {number}").pubkey(),
            name_of("Night at the Park", 1000 + number),
            uri_of("https://tickets.example", bytes(16), 0),
            SYMBOL,
            collection,
        )
        for number in range(MOST)
    ]
    return [building.mint(US, key("tree").pubkey(), schema, one) for one in told]


def table(built: Sequence[Instruction]) -> AddressLookupTableAccount:
    """Return one with the accounts that every mint names, but for who signs."""
    named = [{meta.pubkey for meta in one.accounts} for one in built]
    shared = set.intersection(*named) - {US.payer}
    return AddressLookupTableAccount(key("table").pubkey(), sorted(shared, key=bytes))


def fitting(built: Sequence[Instruction], used: AddressLookupTableAccount) -> int:
    """Return how many mints a transaction takes that names *used*."""
    budget = [set_compute_unit_limit(1), set_compute_unit_price(1)]
    messages = [
        MessageV0.try_compile(US.payer, [*budget, *built[:count]], [used], Hash.default())
        for count in range(1, MOST + 1)
    ]
    return sum(size(message) <= LONGEST for message in messages)


def costs(schema: Schema, each: int) -> Cost:
    """Return what the event costs, with the tree's deposit."""
    deposit = sum(map(rent, rented(shape_for(TICKETS))))
    return cost(deposit, TICKETS, schema, each)


@pytest.mark.parametrize(
    ("schema", "each", "more", "addresses", "deposit", "saved"),
    [
        (Schema.V1, 5, 6, 5, 2_394_240, 1_650_000),
        (Schema.V2, 3, 5, 9, 3_285_120, 6_655_000),
    ],
)
def test_a_lookup_table_saves_less_than_a_hundredth(
    schema: Schema, each: int, more: int, addresses: int, deposit: int, saved: int
) -> None:
    """Of the lamports that 10,000 tickets cost at no price for units; the deposit is returned."""
    built = mints(schema)
    used = table(built)
    assert next(pack(US.payer, built, Hash.default(), 1))[0] == each
    assert (fitting(built, used), len(used.addresses)) == (more, addresses)
    without, beside = costs(schema, each), costs(schema, more)
    assert without.total - beside.total - OWN * SIGNATURE == saved
    assert each >= EACH[schema]  # what is shown before a tree is made is not too little
    assert 0 < saved < without.total / 100
    assert rent(HEAD + ADDRESS * addresses) == deposit
