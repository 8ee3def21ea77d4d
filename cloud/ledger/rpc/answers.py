"""What nodes answer, read into the ledger's values. Pure: each reader takes JSON.

Raises `LedgerMalformed`. Shapes: https://solana.com/docs/rpc/http; fields that nobody needs are
not named.
"""

from collections.abc import Collection, Sequence
from typing import Annotated, Any, Final, Generic, TypeVar

import msgspec
from msgspec import Meta, Struct
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from cloud.ledger.bubblegum.programs import PAIRS
from cloud.ledger.bubblegum.transaction import LONGEST, read, signed
from cloud.ledger.faults import LedgerMalformed, LedgerUntrusted
from cloud.ledger.rpc import words
from cloud.ledger.values import (
    Account,
    Blockhash,
    Commitment,
    Error,
    Landed,
    Paid,
    Simulated,
    Status,
)

T = TypeVar("T")
Number = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Lamports = Annotated[int, Meta(ge=0, le=10**18)]  # more than there are; sums of a few fit in a row
LARGEST: Final = 10 * 2**20  # bytes that an account may have
INSIDE: Final = 64  # calls that a transaction may make, with those inside them
DEAREST: Final = 6960  # lamports for a byte that is kept; the rate falls, and was never higher
UNSEEN: Final = 128  # bytes that an account is charged for beside its own
SHARE: Final = 75  # percent of the newest blocks let somebody in for a price or less
NOOPS: Final = {pair.noop for pair in PAIRS.values()}


class Context(Struct, frozen=True):
    """As of which slot an answer is."""

    slot: Number


class At(Struct, Generic[T], frozen=True):
    """An answer as of a slot."""

    context: Context
    value: T


class Epoch(Struct, frozen=True, rename="camel"):
    """How far a node is."""

    absolute_slot: Number
    block_height: Number


class Latest(Struct, frozen=True, rename="camel"):
    """A blockhash."""

    blockhash: str
    last_valid_block_height: Number


class Fee(Struct, frozen=True, rename="camel"):
    """What somebody paid in a block."""

    prioritization_fee: Number


class Ran(Struct, frozen=True, rename="camel"):
    """A simulation."""

    err: Any
    units_consumed: Number | None = None


class Known(Struct, frozen=True, rename="camel"):
    """A signature's status. Old transactions have no `confirmation_status`: they are final."""

    slot: Number
    err: Any
    confirmation_status: Commitment | None = None
    confirmations: Number | None = None


class Held(Struct, frozen=True):
    """An account."""

    lamports: Lamports
    owner: str
    data: tuple[str, str]


class Named(Struct, frozen=True):
    """A transaction in an address's history."""

    signature: str


class Called(Struct, frozen=True, rename="camel"):
    """A call that a program made."""

    program_id_index: Number
    data: str


class Inside(Struct, frozen=True):
    """The calls inside one instruction."""

    index: Number
    instructions: list[Called]


class Loaded(Struct, frozen=True):
    """Addresses that came from lookup tables."""

    writable: list[str] = []
    readonly: list[str] = []


class About(Struct, frozen=True, rename="camel"):
    """What became of a transaction."""

    err: Any
    fee: Lamports
    pre_balances: Annotated[list[Lamports], Meta(min_length=1)]  # the first is the payer's
    post_balances: Annotated[list[Lamports], Meta(min_length=1)]
    inner_instructions: list[Inside] | None = None
    loaded_addresses: Loaded | None = None


class Block(Struct, frozen=True, rename="camel"):
    """A transaction in a block."""

    slot: Number
    transaction: tuple[str, str]
    meta: About
    block_time: int | None = None


def decoded(raw: bytes, form: Any) -> Any:
    """Read JSON in a form."""
    try:
        return msgspec.json.decode(raw, type=form)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise LedgerMalformed("rpc_answer", "not what was asked for") from None


def read_blockhash(raw: bytes) -> Blockhash:
    """Read a blockhash."""
    found: Latest = decoded(raw, At[Latest]).value
    return Blockhash(words.blockhash(found.blockhash), found.last_valid_block_height)


def read_epoch(raw: bytes) -> Epoch:
    """Read how far a node is."""
    found: Epoch = decoded(raw, Epoch)
    return found


def read_rent(raw: bytes, size: int) -> int:
    """Read the deposit for an account. Raises `LedgerUntrusted` for more than any ever took: what
    is deposited too much, nobody gives back."""
    found: int = decoded(raw, Lamports)
    if found > (UNSEEN + size) * DEAREST:
        raise LedgerUntrusted("rpc_rent", "more than an account of that size takes")
    return found


def read_price(raw: bytes, most: int) -> int:
    """Read the price of a compute unit that most blocks took, but no more than *most*."""
    fees = sorted(fee.prioritization_fee for fee in decoded(raw, list[Fee]))
    return min(most, fees[(len(fees) - 1) * SHARE // 100]) if fees else 0


def read_simulated(raw: bytes) -> Simulated:
    """Read a simulation."""
    found: Ran = decoded(raw, At[Ran]).value
    return Simulated(words.error(found.err), found.units_consumed or 0)


def read_statuses(raw: bytes, count: int) -> At[list[Status | None]]:
    """Read what became of *count* transactions."""
    found: At[list[Known | None]] = decoded(raw, At[list[Known | None]])
    if len(found.value) != count:
        raise LedgerMalformed("rpc_answer", "more or fewer than were asked for")
    return At(found.context, [None if one is None else _status(one) for one in found.value])


def _status(known: Known) -> Status:
    settled = known.confirmation_status
    if settled is None:
        settled = Commitment.PROCESSED if known.confirmations is not None else Commitment.FINALIZED
    return Status(known.slot, settled, words.error(known.err))


def read_account(raw: bytes) -> Account | None:
    """Read an account."""
    found: At[Held | None] = decoded(raw, At[Held | None])
    held = found.value
    if held is None:
        return None
    data = words.base64(held.data, LARGEST)
    return Account(words.key(held.owner), held.lamports, data, found.context.slot)


def read_names(raw: bytes, ends: Collection[Signature], most: int) -> list[Signature]:
    """Read the signatures of a history between *ends*: each once, and no more than *most*."""
    found = [words.signature(one.signature) for one in decoded(raw, list[Named])]
    if len(found) > most or len({*found, *ends}) != len(found) + len(ends):
        raise LedgerMalformed("rpc_history", "more than was asked for, or something twice")
    return found


def read_name(raw: bytes, wanted: Signature) -> Signature:
    """Read the signature of what was sent. Raises `LedgerUntrusted` for another."""
    found = words.signature(decoded(raw, str))
    if found != wanted:
        raise LedgerUntrusted("rpc_signature", "another transaction than was sent")
    return found


def read_landed(raw: bytes, wanted: Signature) -> Landed | None:
    """Read a transaction with its events. Raises `LedgerUntrusted` for one nobody has signed, and
    for another than *wanted*."""
    found: Block | None = decoded(raw, Block | None)
    if found is None:
        return None
    told = words.base64(found.transaction, LONGEST)
    transaction = _transaction(told)
    if transaction.signatures[0] != wanted:
        raise LedgerUntrusted("landed_bytes", "another transaction than was asked for")
    why = words.error(found.meta.err)
    keys = transaction.message.account_keys
    events = () if why is not None else _events(keys, found.meta)
    paid = Paid(found.meta.fee, found.meta.pre_balances[0] - found.meta.post_balances[0])
    name, time = transaction.signatures[0], found.block_time or 0
    return Landed(name, told, found.slot, time, why, events, paid)


def _transaction(raw: bytes) -> VersionedTransaction:
    transaction = read(raw)
    if isinstance(transaction, Error):
        raise LedgerMalformed("landed_bytes", "not one whole transaction")
    if not signed(transaction):
        raise LedgerUntrusted("landed_bytes", "a transaction that nobody has signed")
    return transaction


def _events(keys: Sequence[Pubkey], about: About) -> tuple[bytes, ...]:
    """Return what the noop programs were told, in order."""
    if about.inner_instructions is None:
        raise LedgerMalformed("rpc_inner", "the node keeps no calls inside transactions")
    loaded = about.loaded_addresses or Loaded()
    known = (*keys, *map(words.key, (*loaded.writable, *loaded.readonly)))
    inside = sorted(about.inner_instructions, key=lambda one: one.index)
    calls = [call for one in inside for call in one.instructions]
    if len(calls) > INSIDE or any(call.program_id_index >= len(known) for call in calls):
        raise LedgerMalformed("rpc_inner", "too many calls, or of a program that isn't there")
    return tuple(words.base58(call.data) for call in calls if known[call.program_id_index] in NOOPS)
