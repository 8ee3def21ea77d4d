"""Keys, bytes and errors as nodes write them. Pure. What isn't in its form is `LedgerMalformed`."""

from base64 import b64decode
from typing import Any, Final

from solders.hash import Hash
from solders.pubkey import Pubkey
from solders.signature import Signature

from cloud.ledger.faults import LedgerMalformed
from cloud.ledger.values import Error

DIGITS: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
LONGEST: Final = 4096  # digits of an event: those of a tree 30 deep have 1,600
PLACE: Final = 255  # instructions in a transaction


def key(told: str) -> Pubkey:
    """Read an address."""
    try:
        return Pubkey.from_string(told)
    except ValueError:
        raise LedgerMalformed("rpc_key", "not an address") from None


def hash_of(told: str) -> bytes:
    """Read 32 bytes."""
    return bytes(key(told))


def blockhash(told: str) -> Hash:
    """Read a blockhash."""
    return Hash.from_bytes(hash_of(told))


def signature(told: str) -> Signature:
    """Read a signature."""
    try:
        return Signature.from_string(told)
    except ValueError:
        raise LedgerMalformed("rpc_signature", "not a signature") from None


def base64(told: tuple[str, str], most: int) -> bytes:
    """Read at most *most* bytes of which a node says that they are in base 64."""
    data, encoding = told
    if encoding != "base64" or len(data) > most * 4 // 3 + 4:
        raise LedgerMalformed("rpc_bytes", "not what was asked for")
    try:
        return b64decode(data, validate=True)
    except ValueError:
        raise LedgerMalformed("rpc_bytes", "not in base 64") from None


def base58(told: str) -> bytes:
    """Read bytes of any length, as those of calls inside a transaction are written."""
    if len(told) > LONGEST:
        raise LedgerMalformed("rpc_bytes", "more than an event has")
    number = 0
    for digit in told:
        value = DIGITS.find(digit)
        if value < 0:
            raise LedgerMalformed("rpc_bytes", "not in base 58")
        number = number * 58 + value
    zeros = len(told) - len(told.lstrip("1"))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8)


def error(told: Any) -> Error | None:
    """Read why a transaction failed: null, a name, or a name with what belongs to it."""
    match told:
        case None:
            return None
        case str(name):
            return Error(name)
        case {"InstructionError": [int(place), str(name)]} if 0 <= place <= PLACE:
            return Error(name, None, place)
        case {"InstructionError": [int(place), {"Custom": int(code)}]} if 0 <= place <= PLACE:
            return Error("Custom", code, place)
        case {"InstructionError": [int(place), {**others}]} if 0 <= place <= PLACE and others:
            return Error(str(next(iter(others))), None, place)
        case {**others} if len(others) == 1 and "InstructionError" not in others:
            return Error(str(next(iter(others))))
    raise LedgerMalformed("rpc_error", "no error that a transaction has")
