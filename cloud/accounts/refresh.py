"""Refresh tokens: each is used once, and a second use betrays a thief (RFC 9700 §4.14.2).

A sign-in begins a family. Its newest token is `current`; using it makes a successor. A token
that was used before and comes again was copied, by whom is unknown, so the family ends.

**A lost answer.** Whoever's answer is lost has only the used token left, at a venue's network
daily, and would be signed out as a thief. So for `GRACE` seconds after a rotation the token
that was just used is answered with the *same* successor. Neither RFC 9700 nor OAuth 2.1 has
such a grace; it costs little, because it never makes two living tokens: a thief who comes
within those seconds holds the successor that the owner holds, and the next use by either
betrays the other. A new successor instead would split the family, and nobody would notice.

**What is stored.** SHA-256 of a token; for 256 random bits nothing slower is needed. The
successor must be handed out again, so it is kept masked by its predecessor (`handover`), which
is a one-time pad: each token masks one successor, and the store has neither of the two.

`rotate` decides and changes nothing. The caller reads the family with its row locked, stores
the family that comes back, and only then answers.
"""

import hashlib
from collections.abc import Collection
from hmac import compare_digest
from typing import Final

import msgspec

from cloud.accounts import base64url

PREFIX: Final = "urt_"
RANDOM_SIZE: Final = 32
_PAD: Final = b"usher refresh handover\0"


class Lifetimes(msgspec.Struct, frozen=True):
    """How long a family lives, in seconds."""

    idle: int = 14 * 86_400  # since its last rotation
    absolute: int = 90 * 86_400  # since the sign-in
    grace: int = 10  # for a lost answer


LIFETIMES: Final = Lifetimes()


class Family(msgspec.Struct, frozen=True):
    """The tokens of one sign-in. Tokens are hashes here."""

    current: bytes
    began_at: int
    rotated_at: int
    previous: bytes | None = None
    handover: bytes | None = None  # `current`'s token, masked by `previous`'s
    # Every token before `previous`, or of them the one presented, if it is among them.
    spent: Collection[bytes] = frozenset()
    revoked: bool = False


class Rotated(msgspec.Struct, frozen=True):
    """Hand out `token` and store `family`; within the grace it is the one already stored."""

    token: str
    family: Family

    def __repr__(self) -> str:
        return f"Rotated({self.family!r})"


class Reused(msgspec.Struct, frozen=True):
    """A used token came again: store `family`, which is revoked, and tell its owner."""

    family: Family


class Expired(msgspec.Struct, frozen=True):
    """The family was idle for too long, or is too old."""


class Revoked(msgspec.Struct, frozen=True):
    """The family was ended before: by signing out, or by a reuse."""


class Unknown(msgspec.Struct, frozen=True):
    """No token of this family."""


def new_token(random: bytes) -> str:
    """Return the token of 32 random bytes."""
    if len(random) != RANDOM_SIZE:
        raise ValueError("a refresh token has 32 random bytes")
    return PREFIX + base64url.encode(random)


def token_hash(token: str) -> bytes | None:
    """Return what is stored of a token, or None for a text that is none."""
    random = _random(token)
    return None if random is None else hashlib.sha256(random).digest()


def begin(token: str, now: int) -> Family:
    """Return the family of a sign-in whose first token is `token`."""
    return Family(_hashed(token), began_at=now, rotated_at=now)


def rotate(
    family: Family, presented: str, successor: str, now: int, lifetimes: Lifetimes = LIFETIMES
) -> Rotated | Reused | Expired | Revoked | Unknown:
    """Decide what `presented` is worth. `successor` is a new token, used where one is due."""
    shown = token_hash(presented)
    if shown is None or not _belongs(family, shown):
        return Unknown()
    if family.revoked:
        return Revoked()
    if now >= min(family.rotated_at + lifetimes.idle, family.began_at + lifetimes.absolute):
        return Expired()
    if compare_digest(shown, family.current):
        return Rotated(successor, _advance(family, presented, successor, now))
    if shown == family.previous and now < family.rotated_at + lifetimes.grace:
        again = _unmask(family, presented)
        if again is not None:
            return Rotated(again, family)
    return Reused(msgspec.structs.replace(family, revoked=True, handover=None))


def _belongs(family: Family, shown: bytes) -> bool:
    return shown in (family.current, family.previous) or shown in family.spent


def _advance(family: Family, presented: str, successor: str, now: int) -> Family:
    older = () if family.previous is None else (family.previous,)
    return Family(
        current=_hashed(successor),
        began_at=family.began_at,
        rotated_at=now,
        previous=family.current,
        handover=_masked(successor, presented),
        spent=frozenset((*family.spent, *older)),
    )


def _unmask(family: Family, presented: str) -> str | None:
    """Return the successor that was handed out for `presented`, if it is still kept."""
    if family.handover is None:
        return None
    again = new_token(_xor(family.handover, _pad(presented)))
    return again if token_hash(again) == family.current else None


def _masked(successor: str, presented: str) -> bytes:
    random = _random(successor)
    if random is None:
        raise ValueError("a successor that is no refresh token")
    return _xor(random, _pad(presented))


def _pad(presented: str) -> bytes:
    return hashlib.sha256(_PAD + presented.encode()).digest()


def _xor(a: bytes, b: bytes) -> bytes:
    return bytes(x ^ y for x, y in zip(a, b, strict=True))


def _hashed(token: str) -> bytes:
    found = token_hash(token)
    if found is None:
        raise ValueError("not a refresh token")
    return found


def _random(token: str) -> bytes | None:
    if not token.startswith(PREFIX) or not token.isascii():
        return None
    try:
        random = base64url.decode(token[len(PREFIX) :])
    except ValueError:
        return None
    return random if len(random) == RANDOM_SIZE else None
