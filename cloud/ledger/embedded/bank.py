"""The engine: accounts, and what a signed transaction does to them. Pure but for its own state.

Blockhashes and repeated signatures are `chain.py`'s to refuse. Programs other than the system's,
Core's (new collections) and Bubblegum's (`instructions.py`) are not there.
"""

from collections.abc import Callable, Mapping
from typing import Final

from msgspec import Struct
from msgspec.structs import replace
from solders.pubkey import Pubkey

from cloud.ledger.bubblegum import instructions as known
from cloud.ledger.bubblegum.codes import Anchor
from cloud.ledger.bubblegum.instructions import BY_DISCRIMINATOR, Spec
from cloud.ledger.bubblegum.programs import BUBBLEGUM, COMPUTE_BUDGET, CORE, SYSTEM
from cloud.ledger.bubblegum.transaction import Call, Parsed
from cloud.ledger.embedded import changing, core, minting, system, trees
from cloud.ledger.embedded.accounts import Failed, Held, Work, custom
from cloud.ledger.embedded.context import Context
from cloud.ledger.faults import LedgerMalformed
from cloud.ledger.values import Error, Schema

HANDLERS: Final[Mapping[Spec, Callable[[Context], None]]] = {
    known.CREATE_TREE: trees.create,
    known.CREATE_TREE_V2: trees.create,
    known.SET_TREE_DELEGATE: trees.set_delegate,
    known.MINT_V1: minting.mint,
    known.MINT_V2: minting.mint,
    known.TRANSFER: changing.transfer,
    known.TRANSFER_V2: changing.transfer_v2,
    known.DELEGATE: changing.delegate,
    known.BURN: changing.burn,
    known.BURN_V2: changing.burn_v2,
    known.FREEZE_V2: changing.freeze_v2,
    known.THAW_V2: changing.thaw_v2,
    known.SET_NON_TRANSFERABLE_V2: changing.bind_v2,
}
PROGRAMS: Final = {SYSTEM, COMPUTE_BUDGET, BUBBLEGUM, CORE}


class Executed(Struct, frozen=True):
    """What a transaction did. `changed` are the accounts as they are after it; with an `error`
    that is the payer alone, who paid the fee, or nobody if it was refused before it ran."""

    error: Error | None
    changed: dict[Pubkey, Held]
    events: tuple[bytes, ...] = ()
    returned: bytes = b""

    @property
    def landed(self) -> bool:
        """Whether it is in a block: it succeeded, or failed and has paid."""
        return bool(self.changed)


class Bank:
    """All accounts."""

    def __init__(self, accounts: Mapping[Pubkey, Held]) -> None:
        self.accounts = dict(accounts)

    def run(self, transaction: Parsed, slot: int) -> Executed:
        """Say what a transaction does; `adopt` makes it so."""
        return execute(transaction, self.accounts, slot)

    def adopt(self, executed: Executed) -> None:
        """Take on what a transaction did."""
        self.accounts.update(executed.changed)


def execute(transaction: Parsed, accounts: Mapping[Pubkey, Held], slot: int) -> Executed:
    """Execute a transaction over *accounts*, which stay as they are."""
    if any(call.program not in PROGRAMS for call in transaction.calls):
        return Executed(Error("ProgramAccountNotFound"), {})
    payer = accounts.get(transaction.payer)
    if payer is None:
        return Executed(Error("AccountNotFound"), {})
    if payer.owner != SYSTEM or payer.lamports < transaction.fee:
        return Executed(Error("InsufficientFundsForFee"), {})
    paid = Held(payer.owner, payer.lamports - transaction.fee, payer.data)
    work = Work(accounts)
    work.touched[transaction.payer] = paid.copy()
    try:
        return _succeeded(transaction, work, slot)
    except _Stopped as stopped:
        return Executed(stopped.error, {transaction.payer: paid})


class _Stopped(Exception):
    def __init__(self, error: Error) -> None:
        super().__init__(error)
        self.error = error


def _succeeded(transaction: Parsed, work: Work, slot: int) -> Executed:
    events: list[bytes] = []
    returned = b""
    for call in transaction.calls:
        try:
            said, value = _call(work, call, slot)
        except Failed as failed:
            raise _Stopped(replace(failed.error, instruction=call.place)) from None
        events += said
        returned = value or returned
    if work.short_of_rent():
        raise _Stopped(Error("InsufficientFundsForRent"))
    return Executed(None, work.touched, tuple(events), returned)


def _call(work: Work, call: Call, slot: int) -> tuple[list[bytes], bytes]:
    if call.program == BUBBLEGUM:
        return _bubblegum(work, call, slot)
    if call.program == SYSTEM:
        system.run(work, call)
    elif call.program == CORE:
        core.run(work, call)
    return [], b""


def _bubblegum(work: Work, call: Call, slot: int) -> tuple[list[bytes], bytes]:
    spec = BY_DISCRIMINATOR.get(call.data[:8])
    if spec is None:
        raise custom(Anchor.UNKNOWN_INSTRUCTION)
    schema = Schema.V2 if spec.name.endswith("_v2") else Schema.V1
    context = Context(work, spec, call, schema, slot)
    try:
        HANDLERS[spec](context)
    except LedgerMalformed:
        raise custom(Anchor.NOT_DESERIALIZED) from None
    return context.events, context.returned
