"""Solana's own virtual machine (LiteSVM), given the accounts that a transaction names.

Nothing is kept between two transactions: the embedded ledger has the accounts, and both begin
with the same. Blockhashes and repeats are the ledger's matter and are not looked at here.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct
from solders.account import Account
from solders.litesvm import LiteSVM
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction
from solders.transaction_metadata import FailedTransactionMetadata, TransactionMetadata

from cloud.ledger.bubblegum.programs import PAIRS, SYSTEM
from cloud.ledger.bubblegum.transaction import Parsed
from cloud.ledger.embedded.accounts import Held
from cloud.ledger.faults import LedgerMalformed
from cloud.ledger.rpc.words import error as error_of
from cloud.ledger.values import Error

NOOPS: Final = {pair.noop for pair in PAIRS.values()}
NO_ACCOUNT: Final = Account(0, b"", SYSTEM)


class Staged(Struct, frozen=True):
    """What a transaction did on the stage. `accounts`: all that it may write; None: not there."""

    error: Error | None
    accounts: dict[Pubkey, Held | None]
    events: tuple[bytes, ...]
    returned: bytes
    units: int


class Stage:
    """The virtual machine with the programs. Raises `LedgerMalformed` for one that is none."""

    def __init__(self, programs: Mapping[Pubkey, bytes]) -> None:
        blank = LiteSVM().with_blockhash_check(check=False)
        self._svm = blank.with_transaction_history(0)
        for address, program in programs.items():
            try:
                self._svm.add_program(address, program)
            except Exception as error:  # noqa: BLE001 - of a class that solders doesn't name
                why = f"{address}.so can't be loaded: {error}"
                raise LedgerMalformed("rehearsal_programs", why) from None

    def run(self, transaction: Parsed, accounts: Mapping[Pubkey, Held], slot: int) -> Staged:
        """Execute a transaction over *accounts*, which stay as they are."""
        signed = VersionedTransaction.from_bytes(transaction.raw)
        keys = signed.message.account_keys
        self._svm.warp_to_slot(slot)
        for key in keys:
            self._put(key, accounts.get(key))
        done = self._svm.send_transaction(signed)
        written = {key: self._held(key) for key in writable(transaction)}
        if isinstance(done, FailedTransactionMetadata):
            why = error_of(json.loads(done.to_json())["err"])
            return Staged(why, written, (), b"", done.meta().compute_units_consumed())
        returned = bytes(done.return_data().data)
        return Staged(None, written, _events(done, keys), returned, done.compute_units_consumed())

    def _put(self, key: Pubkey, held: Held | None) -> None:
        there = self._svm.get_account(key)
        if there is not None and there.executable:
            return
        if held is not None and held.lamports:
            self._svm.set_account(key, Account(held.lamports, bytes(held.data), held.owner))
        elif there is not None:
            self._svm.set_account(key, NO_ACCOUNT)

    def _held(self, key: Pubkey) -> Held | None:
        there = self._svm.get_account(key)
        if there is None or not there.lamports:
            return None
        return Held(there.owner, there.lamports, bytearray(there.data))


def writable(transaction: Parsed) -> set[Pubkey]:
    """Return the accounts that a transaction may change."""
    named = {meta.key for call in transaction.calls for meta in call.metas if meta.writable}
    return named | {transaction.payer}


def _events(done: TransactionMetadata, keys: Sequence[Pubkey]) -> tuple[bytes, ...]:
    calls = [one.instruction() for inside in done.inner_instructions() for one in inside]
    return tuple(bytes(call.data) for call in calls if keys[call.program_id_index] in NOOPS)
