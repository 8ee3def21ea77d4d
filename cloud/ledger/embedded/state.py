"""What a process holds of the ledger: accounts and whole trees, caught up with the database."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from msgspec import Struct
from solders.pubkey import Pubkey
from solders.signature import Signature

from cloud.db.connect import Connection
from cloud.ledger.bubblegum.effects import effects
from cloud.ledger.bubblegum.leaf import leaf_hash
from cloud.ledger.bubblegum.programs import BUBBLEGUM, CORE, PAIRS
from cloud.ledger.bubblegum.transaction import Parsed
from cloud.ledger.embedded import rows
from cloud.ledger.embedded.accounts import Held
from cloud.ledger.embedded.bank import Bank, Executed
from cloud.ledger.embedded.rows import Entry
from cloud.ledger.embedded.window import Window
from cloud.ledger.faults import LedgerMalformed
from cloud.ledger.tree.concurrent import Change, load
from cloud.ledger.tree.hashing import EMPTY_LEAF
from cloud.ledger.tree.nodes import Nodes
from cloud.ledger.values import Asset, Effect, Error, Landed, Paid

WATCHED = {CORE, *(pair.compression for pair in PAIRS.values())}
"""Whose accounts' histories can be asked for: collections and trees."""


Witness = Callable[[Parsed, Mapping[Pubkey, Held], int, Executed], None]
"""Told of a transaction that is about to be written, the accounts before it, its slot, and what it
did. What it raises keeps the batch from being written."""


def nobody(_: Parsed, __: Mapping[Pubkey, Held], ___: int, ____: Executed) -> None:
    """See nothing."""


MOST_LEAVES: Final = 4 << 20
"""Of all whole trees together: 256 MiB. Anybody may ask for the proof of any asset."""


class Grown(Struct):
    """A whole tree, as of a position."""

    nodes: Nodes
    position: int


class Ran(Struct, frozen=True):
    """A batch that was executed and isn't written yet."""

    entries: tuple[Entry, ...]
    changed: dict[Pubkey, Held]
    changes: tuple[tuple[Pubkey, Change], ...]
    errors: tuple[Error | None, ...]
    """What each sender is told: of a transaction that landed and failed, nothing."""


class State:
    """Accounts at `position`, and the trees that were asked for."""

    def __init__(self, window: Window, witness: Witness = nobody) -> None:
        self.window = window
        self._witness = witness
        self.bank = Bank({})
        self.position = -1
        self._trees: dict[Pubkey, Grown] = {}

    async def catch_up(self, conn: Connection, position: int) -> None:
        """Load the accounts that others have changed up to *position*."""
        if position != self.position:
            self.bank.accounts.update(await rows.accounts(conn, self.position))
            self.position = position

    def held(self, tree: Pubkey, position: int) -> Nodes | None:
        """Return a whole tree if it is here as of *position*."""
        grown = self._trees.get(tree)
        if grown is None or grown.position != position:
            return None
        self._trees[tree] = self._trees.pop(tree)  # the last to be forgotten
        return grown.nodes

    async def nodes(self, conn: Connection, tree: Pubkey) -> Nodes:
        """Return a whole tree as of `position`: built of its leaves at first, then kept up."""
        held = self.bank.accounts[tree]
        depth = load(held.data).shape.depth
        grown = self._trees.get(tree) or Grown(Nodes(depth), -1)
        if grown.position != self.position:
            found = await conn.fetch(rows.LEAVES, bytes(tree), grown.position)
            leaves = [(row["index"], _hash(rows.asset_from(row))) for row in found]
            if grown.position < 0:
                grown.nodes = Nodes.of(depth, b"".join(leaf for _, leaf in leaves))
            else:
                for index, leaf in leaves:
                    grown.nodes.put(index, leaf)
            grown.position = self.position
        self._trees.pop(tree, None)
        self._trees[tree] = grown
        self._forget()
        return grown.nodes

    def _forget(self) -> None:
        """Drop the trees that nobody has asked of for the longest; the last one asked of stays."""
        leaves = sum(len(each.nodes) for each in self._trees.values())
        while leaves > MOST_LEAVES and len(self._trees) > 1:
            leaves -= len(self._trees.pop(next(iter(self._trees))).nodes)

    def run(self, batch: Sequence[Parsed], slot: int, time: int, seen: set[Signature]) -> Ran:
        """Execute a batch in order, over a copy."""
        bank = Bank(self.bank.accounts)
        entries: list[Entry] = []
        changed: dict[Pubkey, Held] = {}
        changes: list[tuple[Pubkey, Change]] = []
        errors: list[Error | None] = []
        for transaction in batch:
            executed = self._execute(bank, transaction, slot, seen)
            errors.append(None if executed.landed else executed.error)
            if not executed.landed:
                continue
            self._witness(transaction, bank.accounts, slot, executed)
            seen.add(transaction.signature)
            paid = _paid(bank, transaction, executed)
            bank.adopt(executed)
            changed |= executed.changed
            did = _did(transaction, executed)
            changes += [(found.tree, change) for found, change in did]
            entries.append(_entry(transaction, executed, slot, time, did, paid))
        return Ran(tuple(entries), changed, tuple(changes), tuple(errors))

    def simulate(self, transaction: Parsed, slot: int, seen: set[Signature]) -> Executed:
        """Execute one and keep nothing of it."""
        return self._execute(self.bank, transaction, slot, seen)

    def tried(self, draft: Parsed, slot: int) -> Executed:
        """The same of one that nobody has signed, as if its blockhash were of this slot."""
        return self.bank.run(draft, slot)

    def _execute(
        self, bank: Bank, transaction: Parsed, slot: int, seen: set[Signature]
    ) -> Executed:
        if transaction.signature in seen:
            return Executed(Error("AlreadyProcessed"), {})
        if not self.window.alive(transaction.blockhash, slot):
            return Executed(Error("BlockhashNotFound"), {})
        return bank.run(transaction, slot)

    def adopt(self, ran: Ran, position: int) -> None:
        """Take on a batch that was written."""
        self.bank.accounts.update(ran.changed)
        for tree, change in ran.changes:
            grown = self._trees.get(tree)
            if grown is not None and grown.position == self.position:
                grown.nodes.apply(change)
        for grown in self._trees.values():
            if grown.position == self.position:
                grown.position = position
        self.position = position


def _did(transaction: Parsed, executed: Executed) -> list[tuple[Effect, Change]]:
    if executed.error is not None:
        return []
    try:
        return list(effects(transaction.calls, executed.events))
    except LedgerMalformed as fault:
        raise RuntimeError("the engine contradicts its own reader") from fault


def _paid(bank: Bank, transaction: Parsed, executed: Executed) -> Paid:
    """Return what the payer has less once *bank* has taken on what was done."""
    before, after = bank.accounts[transaction.payer], executed.changed[transaction.payer]
    return Paid(transaction.fee, before.lamports - after.lamports)


def _entry(
    transaction: Parsed,
    executed: Executed,
    slot: int,
    time: int,
    did: list[tuple[Effect, Change]],
    paid: Paid,
) -> Entry:
    landed = Landed(
        transaction.signature, transaction.raw, slot, time, executed.error, executed.events, paid
    )
    touched = tuple(key for key, held in executed.changed.items() if held.owner in WATCHED)
    if executed.error is not None:
        touched = ()
    return Entry(landed, tuple(found for found, _ in did), touched)


def _hash(asset: Asset) -> bytes:
    return EMPTY_LEAF if asset.burnt else leaf_hash(asset.leaf)


def units(transaction: Parsed) -> int:
    """Return about how many compute units a transaction takes on Solana: more, hardly fewer."""
    return sum(UNITS.get(call.program, 150) for call in transaction.calls)


UNITS = {BUBBLEGUM: 120_000, CORE: 40_000}
