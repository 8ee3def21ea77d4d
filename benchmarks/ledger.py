"""The embedded ledger's engine: signed mint_v2 transactions, taken apart, checked and executed.

Signing is not in it. A second of the process's own time is what is counted, for the machine may
be busy with other things; the clock's is told beside it.
"""

import sys
import time
from collections.abc import Iterator
from typing import Final

import msgspec
from solders.hash import Hash
from solders.message import Message
from solders.pubkey import Pubkey
from solders.transaction import Transaction, VersionedTransaction

from benchmarks.report import Row
from cloud.ledger.bubblegum import building
from cloud.ledger.bubblegum.building import Parties
from cloud.ledger.bubblegum.programs import SYSTEM
from cloud.ledger.bubblegum.transaction import parse
from cloud.ledger.embedded.accounts import Held, rent
from cloud.ledger.embedded.bank import Bank
from cloud.ledger.tree.concurrent import load
from cloud.ledger.tree.shape import layout
from cloud.ledger.values import Error, Mint, Schema, Shape
from tests.cloud.ledger.scene import OURS, PARTIES, PAYER, key, signed

MINTS: Final = 8_000
SHAPE: Final = Shape(14, 64, 8)
TREE: Final = key("tree")
COLLECTION: Final = key("collection")
SLOT: Final = 1


def bank() -> Bank:
    """Return accounts with a collection and a tree."""
    made = Bank({held.pubkey(): Held(SYSTEM, 10**14, bytearray()) for held in (PAYER, OURS)})
    collection = building.create_collection(
        PARTIES, COLLECTION.pubkey(), "Concert", "https://tickets.example/c/1"
    )
    deposit = rent(layout(SHAPE).size)
    tree = building.create_tree(PARTIES, TREE.pubkey(), SHAPE, Schema.V2, deposit)
    run(made, signed([collection], Hash.default(), COLLECTION))
    run(made, signed(tree, Hash.default(), TREE, OURS))
    return made


def run(on: Bank, raw: bytes) -> None:
    """Execute a transaction from its bytes: signatures and all."""
    transaction = parse(raw)
    if isinstance(transaction, Error):
        raise SystemExit(transaction)
    executed = on.run(transaction, SLOT)
    if executed.error is not None:
        raise SystemExit(executed.error)
    on.adopt(executed)


def transactions(mints: int, each: int, collection: Pubkey | None) -> Iterator[bytes]:
    """Yield transactions that mint *mints* tickets, *each* in one; the authority pays."""
    parties = Parties(OURS.pubkey(), OURS.pubkey())
    for first in range(0, mints, each):
        wanted = [
            Mint(
                key(f"fan {number % 100}").pubkey(),
                f"Ticket {number}",
                f"https://t.example/{number:06d}",
                "TIX",
                collection,
            )
            for number in range(first, first + each)
        ]
        built = [building.mint(parties, TREE.pubkey(), Schema.V2, one) for one in wanted]
        message = Message.new_with_blockhash(built, OURS.pubkey(), Hash.default())
        yield bytes(Transaction([OURS], message, Hash.default()))


def rate(mints: int, each: int, collection: Pubkey | None) -> tuple[float, float, float]:
    """Return mints a second of the process's time and of the clock, and signatures alone."""
    on, raws = bank(), list(transactions(mints, each, collection))
    begun, worked = time.perf_counter(), time.process_time()
    for raw in raws:
        run(on, raw)
    worked, taken = time.process_time() - worked, time.perf_counter() - begun
    if load(on.accounts[TREE.pubkey()].data).appended != mints:
        raise SystemExit("not all are in the tree")
    parsed = [VersionedTransaction.from_bytes(raw) for raw in raws]
    begun = time.process_time()
    if not all(one.verify_with_results()[0] for one in parsed):
        raise SystemExit("a wrong signature")
    return mints / worked, mints / taken, len(parsed) / (time.process_time() - begun)


def rows_of(mints: int = MINTS) -> list[Row]:
    """Mint one and four a transaction, with and without a collection."""
    rows = []
    for each, collection in ((1, None), (1, COLLECTION.pubkey()), (4, COLLECTION.pubkey())):
        own, clock, alone = rate(mints, each, collection)
        where = "into a collection" if collection else "without a collection"
        what = f"execute mint_v2 {where}, {each} a transaction"
        beside = f"by the clock {clock:,.0f}/s; signatures alone {alone:,.0f}/s"
        rows.append(Row(what, own, "/s", 4_000, "at least", beside))
    return rows


def main() -> None:
    """Print rows as JSON."""
    sys.stdout.buffer.write(msgspec.json.encode(rows_of()))


if __name__ == "__main__":
    main()
