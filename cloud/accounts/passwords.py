"""Passwords: what is refused, how one is stored, how one is checked.

- Argon2id over the NFC form, so that one password typed on two keyboards is one.
- `hash_password` and `check` take 50 to 100 ms and 32 MiB, without Python's lock: call them
  by `asyncio.to_thread`, and let a limiter bound how many run at once.
- An account that does not exist, or has no password, is checked against `decoy`: it costs as
  much, so the time of an answer tells nobody which addresses have accounts.
- Nothing here counts attempts: that is the rate limits' part.
"""

import unicodedata
from base64 import b64encode
from enum import StrEnum
from itertools import pairwise
from typing import Final, NamedTuple

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

LENGTHS: Final = range(8, 1025)  # characters
_LONGEST_UNIT: Final = 4  # `abababab` repeats a unit of two
_ROWS: Final = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "azertyuiop")
# What is left of `P4ssw0rd!2024` when its decoration is taken off.
_DECORATION: Final = "0123456789 !?.,-_*#+$@&%"
_LEET: Final = str.maketrans("013457@$!", "oieastasi")
# fmt: off
_STEMS: Final = frozenset((
    "password", "passwort", "passw", "pass", "secret", "letmein", "welcome", "willkommen",
    "iloveyou", "sunshine", "princess", "football", "baseball", "dragon", "monkey", "master",
    "admin", "administrator", "login", "changeme", "default", "qwerty", "qwertz", "azerty",
    "hello", "test", "trustno", "ticket", "tickets", "usher",
))
# fmt: on


class Refusal(StrEnum):
    """Why a password may not be chosen. The codes are API."""

    SHORT = "password_too_short"
    LONG = "password_too_long"
    CHARACTERS = "password_characters"
    ADDRESS = "password_is_address"
    REPEATED = "password_repeats"
    SEQUENCE = "password_sequence"
    COMMON = "password_commonplace"


class Cost(msgspec.Struct, frozen=True):
    """What one hash costs. OWASP's least is 19 MiB and 2 passes; this is more."""

    memory_kib: int = 32 * 1024
    passes: int = 2
    lanes: int = 1  # a server has other work for its other cores

    def hasher(self) -> PasswordHasher:
        """Return what hashes at this cost."""
        return PasswordHasher(
            time_cost=self.passes, memory_cost=self.memory_kib, parallelism=self.lanes
        )


COST: Final = Cost()


class Checked(NamedTuple):
    """Whether a password is right, and whether it should be hashed anew, at today's cost."""

    ok: bool
    rehash: bool


def refusal(password: str, address: str) -> Refusal | None:
    """Return why `password` may not be that of the account with this mail address, or None."""
    if len(password) < LENGTHS.start:
        return Refusal.SHORT
    if len(password) >= LENGTHS.stop:
        return Refusal.LONG
    # A control character can't be typed again; a lone surrogate is no text.
    if any(unicodedata.category(c) in ("Cc", "Cs") for c in password):
        return Refusal.CHARACTERS
    plain = unicodedata.normalize("NFC", password)
    if len(plain) not in LENGTHS:
        return Refusal.SHORT if len(plain) < LENGTHS.start else Refusal.LONG
    return _commonplace(plain.casefold(), address.casefold())


def hash_password(password: str, cost: Cost = COST) -> str:
    """Return what is stored of a password that `refusal` lets pass. Slow: see above."""
    secret = _secret(password)
    if secret is None:
        raise ValueError("a password that `refusal` refuses")
    return cost.hasher().hash(secret)


def check(password: str, stored: str | None, cost: Cost = COST) -> Checked:
    """Check a password against what is stored of it; None where nothing is. Slow: see above.

    A stored form that can't be read is a ValueError: damage, and not a wrong password.
    """
    secret = _secret(password)
    if secret is None or stored is None:
        _fits(decoy(cost), b"", cost)
        return Checked(ok=False, rehash=False)
    ok = _fits(stored, secret, cost)
    return Checked(ok, ok and cost.hasher().check_needs_rehash(stored))


def decoy(cost: Cost = COST) -> str:
    """Return a stored form that no known password fits, to be checked at the same cost."""
    salt, digest = (b64encode(bytes(n)).decode().rstrip("=") for n in (16, 32))
    return f"$argon2id$v=19$m={cost.memory_kib},t={cost.passes},p={cost.lanes}${salt}${digest}"


def _fits(stored: str, secret: bytes, cost: Cost) -> bool:
    try:
        return cost.hasher().verify(stored, secret)
    except VerifyMismatchError:
        return False
    except (VerificationError, InvalidHashError):
        raise ValueError("a stored password can't be read") from None


def _secret(password: str) -> bytes | None:
    """Return the bytes that are hashed, or None for what can't be anybody's password."""
    if len(password) not in LENGTHS:
        return None
    plain = unicodedata.normalize("NFC", password)
    try:
        return plain.encode() if len(plain) in LENGTHS else None
    except UnicodeEncodeError:
        return None


def _commonplace(plain: str, address: str) -> Refusal | None:
    if plain in (address, address.partition("@")[0]):
        return Refusal.ADDRESS
    if any(_repeats(plain, unit) for unit in range(1, _LONGEST_UNIT + 1)):
        return Refusal.REPEATED
    if _runs(plain) or any(plain in row or plain in row[::-1] for row in _ROWS):
        return Refusal.SEQUENCE
    return None if _STEMS.isdisjoint(_stems(plain)) else Refusal.COMMON


def _repeats(plain: str, unit: int) -> bool:
    return all(a == b for a, b in zip(plain, plain[unit:], strict=False))


def _runs(plain: str) -> bool:
    """Say whether the characters count up or down: 12345678, hgfedcba."""
    steps = {ord(b) - ord(a) for a, b in pairwise(plain)}
    return steps in ({1}, {-1})


def _stems(plain: str) -> set[str]:
    """Return the words that are left without decoration: digits and marks around, or leet."""
    ended = plain.rstrip(_DECORATION)
    return {ended.translate(_LEET), ended.lstrip(_DECORATION).translate(_LEET)}
