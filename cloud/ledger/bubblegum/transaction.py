"""A signed transaction, taken apart, with everything checked that needs no account."""

from typing import Final

from msgspec import Struct
from solders.hash import Hash
from solders.message import MessageV0, MessageV1
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from cloud.ledger.bubblegum.programs import COMPUTE_BUDGET
from cloud.ledger.values import Error

LONGEST: Final = 1232  # bytes: what one packet takes
PER_SIGNATURE: Final = 5000  # lamports
UNITS: Final = 200_000  # compute units an instruction, where none were asked for
MOST_UNITS: Final = 1_400_000


class Meta(Struct, frozen=True):
    """An account of an instruction."""

    key: Pubkey
    signer: bool
    writable: bool


class Call(Struct, frozen=True):
    """An instruction. `place` is where it stands in its transaction."""

    place: int
    program: Pubkey
    metas: tuple[Meta, ...]
    data: bytes


class Parsed(Struct, frozen=True):
    """A transaction. `payer` pays `fee` lamports whether it succeeds or fails."""

    raw: bytes
    signature: Signature
    blockhash: Hash
    payer: Pubkey
    calls: tuple[Call, ...]
    fee: int


def read(raw: bytes) -> VersionedTransaction | Error:
    """Take *raw* as one whole transaction, whoever signed it, or say why it is none."""
    if len(raw) > LONGEST:
        return Error("TransactionTooLarge")
    try:
        transaction = VersionedTransaction.from_bytes(raw)
        transaction.sanitize()
    except Exception:  # noqa: BLE001 -- solders raises its own for each way of being broken
        return Error("SanitizeFailure")
    return transaction if bytes(transaction) == raw else Error("SanitizeFailure")


def signed(transaction: VersionedTransaction) -> bool:
    """Say whether everybody signed it who must."""
    return all(transaction.verify_with_results())


def parse(raw: bytes, *, draft: bool = False) -> Parsed | Error:
    """Take *raw* apart and check its signatures, or say what Solana would refuse it with. Nobody
    has signed a *draft*."""
    transaction = read(raw)
    if isinstance(transaction, Error):
        return transaction
    message = transaction.message
    if isinstance(message, MessageV1):
        return Error("UnsupportedVersion")
    if isinstance(message, MessageV0) and message.address_table_lookups:
        return Error("AddressLookupTableNotFound")
    keys = message.account_keys
    if len(set(keys)) != len(keys):
        return Error("AccountLoadedTwice")
    if not (draft or signed(transaction)):
        return Error("SignatureFailure")
    return _parsed(raw, transaction, keys)


def _parsed(raw: bytes, transaction: VersionedTransaction, keys: list[Pubkey]) -> Parsed | Error:
    message = transaction.message
    metas = _metas(message.header.num_required_signatures, message, keys)
    calls = tuple(
        Call(
            place,
            keys[instruction.program_id_index],
            tuple(metas[number] for number in instruction.accounts),
            bytes(instruction.data),
        )
        for place, instruction in enumerate(message.instructions)
    )
    fee = _priority(calls)
    if isinstance(fee, Error):
        return fee
    fee += PER_SIGNATURE * len(transaction.signatures)
    return Parsed(raw, transaction.signatures[0], message.recent_blockhash, keys[0], calls, fee)


def _metas(signers: int, message: object, keys: list[Pubkey]) -> list[Meta]:
    header = message.header  # type: ignore[attr-defined] # both kinds of message have one
    readable = signers - header.num_readonly_signed_accounts
    writable = len(keys) - header.num_readonly_unsigned_accounts
    return [
        Meta(key, place < signers, place < readable or signers <= place < writable)
        for place, key in enumerate(keys)
    ]


def _priority(calls: tuple[Call, ...]) -> int | Error:
    """Return what is paid beyond the signatures, in lamports."""
    limit, price = 0, 0
    others = sum(call.program != COMPUTE_BUDGET for call in calls)
    for call in calls:
        if call.program != COMPUTE_BUDGET:
            continue
        kind, number = call.data[:1], int.from_bytes(call.data[1:], "little")
        match kind, len(call.data):
            case b"\2", 5:
                limit = number
            case b"\3", 9:
                price = number
            case b"\1" | b"\4", 5:
                pass
            case _:
                return Error("InvalidInstructionData", instruction=call.place)
    units = min(limit or UNITS * others, MOST_UNITS)
    return -(-price * units // 1_000_000)
