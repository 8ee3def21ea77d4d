"""Keys, bytes and errors as nodes write them. Pure. What isn't in its form is `LedgerMalformed`."""

import re
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
CODE: Final = 2**32 - 1  # of a program's own error
NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9]{0,63}", re.ASCII)


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
    if told is None:
        return None
    name, about = _named(told)
    if name != "InstructionError":
        return Error(name)
    match about:
        case [int(place), why] if type(place) is int and 0 <= place <= PLACE:
            return _of_instruction(place, *_named(why))
    raise _no_error()


def _of_instruction(place: int, name: str, about: Any) -> Error:
    if name != "Custom":
        return Error(name, None, place)
    if type(about) is not int or not 0 <= about <= CODE:
        raise _no_error()
    return Error(name, about, place)


def _named(told: Any) -> tuple[str, Any]:
    """Return a variant's name and what belongs to it. Names go into logs and rows: none is longer
    than those that there are, or has anything but letters and digits in it."""
    match told:
        case str(name):
            about = None
        case dict() if len(told) == 1:
            ((name, about),) = told.items()
        case _:
            raise _no_error()
    if NAME.fullmatch(name) is None:
        raise _no_error()
    return name, about


def _no_error() -> LedgerMalformed:
    return LedgerMalformed("rpc_error", "no error that a transaction has")
