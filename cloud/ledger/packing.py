"""Instructions into transactions: as few as they fit in, signed by all whom they name. Pure."""

from collections.abc import Iterator, Sequence
from typing import Final

from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.hash import Hash
from solders.instruction import Instruction
from solders.message import MessageV0, to_bytes_versioned
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from cloud.ledger.bubblegum.transaction import LONGEST, MOST_UNITS
from cloud.ledger.faults import LedgerRefused
from cloud.ledger.ports import Signer
from cloud.ledger.values import Simulated

UNITS: Final = 150_000  # an instruction: more than any of ours was seen to take
FEWEST: Final = 20_000  # an instruction: fewer than any takes
SPARE: Final = (
    30_000  # an instruction: a leaf's address takes 1,500 for each try that is no address
)
SHARE: Final = 10  # percent more


def message_of(
    payer: Pubkey,
    instructions: Sequence[Instruction],
    blockhash: Hash,
    price: int,
    limit: int | None = None,
) -> MessageV0:
    """Return a message with its limit of compute units, the highest if None, and its price for
    one."""
    limit = highest(len(instructions)) if limit is None else limit
    budget = [set_compute_unit_limit(limit), set_compute_unit_price(price)]
    return MessageV0.try_compile(payer, [*budget, *instructions], [], blockhash)


def highest(instructions: int) -> int:
    """Return a limit of compute units that so many instructions don't reach."""
    return min(MOST_UNITS, UNITS * instructions + UNITS)


def limit_of(instructions: int, tried: Simulated) -> int:
    """Return the limit for what took so many units when it was tried. A trial that failed, or took
    fewer than can be, says nothing; nor does one take more than the highest limit."""
    if tried.error is not None or tried.units < FEWEST * instructions:
        return highest(instructions)
    wanted = tried.units + tried.units * SHARE // 100 + SPARE * instructions
    return min(highest(instructions), wanted)


def draft(message: MessageV0) -> bytes:
    """Return a transaction's bytes with room for its signatures."""
    none = [Signature.default()] * message.header.num_required_signatures
    return bytes(VersionedTransaction.populate(message, none))


def size(message: MessageV0) -> int:
    """Return how many bytes the transaction will have."""
    return 1 + 64 * message.header.num_required_signatures + len(to_bytes_versioned(message))


def pack(
    payer: Pubkey, instructions: Sequence[Instruction], blockhash: Hash, price: int
) -> Iterator[tuple[int, MessageV0]]:
    """Yield messages, each with how many of *instructions* it took, in order.

    Raises `LedgerRefused` ("transaction_size") for one that fits in none.
    """
    first = 0
    while first < len(instructions):
        fitting = None
        for end in range(first + 1, len(instructions) + 1):
            message = message_of(payer, instructions[first:end], blockhash, price)
            if size(message) > LONGEST:
                break
            fitting = end, message
        if fitting is None:
            raise LedgerRefused("transaction_size", "an instruction fits in no transaction")
        yield fitting[0] - first, fitting[1]
        first = fitting[0]


def sign(message: MessageV0, signer: Signer) -> tuple[bytes, Signature]:
    """Return the transaction's bytes, and its first signature, which is its name."""
    said = to_bytes_versioned(message)
    keys = message.account_keys[: message.header.num_required_signatures]
    signatures = [signer.sign(key, said) for key in keys]
    return bytes(VersionedTransaction.populate(message, signatures)), signatures[0]
