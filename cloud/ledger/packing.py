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

UNITS: Final = 150_000  # an instruction: more than any of ours was seen to take


def message_of(
    payer: Pubkey, instructions: Sequence[Instruction], blockhash: Hash, price: int
) -> MessageV0:
    """Return a message with its limit of compute units and its price for one."""
    limit = min(MOST_UNITS, UNITS * len(instructions) + UNITS)
    budget = [set_compute_unit_limit(limit), set_compute_unit_price(price)]
    return MessageV0.try_compile(payer, [*budget, *instructions], [], blockhash)


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
