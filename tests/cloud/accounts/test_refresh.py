"""Refresh tokens: rotation, reuse, a lost answer, and the ends of a family."""

import hashlib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from cloud.accounts.refresh import (
    LIFETIMES,
    Expired,
    Family,
    Lifetimes,
    Reused,
    Revoked,
    Rotated,
    Unknown,
    begin,
    new_token,
    rotate,
    token_hash,
)

NOW = 1_800_000_000


def tokens() -> Iterator[str]:
    n = 0
    while True:
        n += 1
        yield new_token(hashlib.sha256(n.to_bytes(8, "big")).digest())


def pair() -> tuple[str, str]:
    make = tokens()
    return next(make), next(make)


def rotated(family: Family, token: str, successor: str, now: int = NOW) -> Family:
    outcome = rotate(family, token, successor, now)
    assert isinstance(outcome, Rotated)
    assert outcome.token == successor
    return outcome.family


def test_a_token_looks_like_one() -> None:
    """A token is its prefix and 43 characters; SHA-256 of its 32 bytes is stored."""
    random = bytes(range(32))
    token = new_token(random)
    assert token == "urt_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
    assert token_hash(token) == bytes.fromhex(
        "630dcd2966c4336691125448bbb25b4ff412a49c732db2c8abc1b8581bd710dd"
    )


@given(st.binary(max_size=64).filter(lambda b: len(b) != 32))
def test_only_256_bits_make_a_token(random: bytes) -> None:
    """No other number of bytes is accepted."""
    with pytest.raises(ValueError, match="32"):
        new_token(random)


@given(st.text() | st.text().map("urt_".__add__))
def test_a_text_that_is_no_token_is_unknown(text: str) -> None:
    """Any other text is Unknown and ends nothing."""
    token, successor = pair()
    assert rotate(begin(token, NOW), text, successor, NOW) == Unknown()


def test_each_use_makes_a_successor() -> None:
    """A family goes on from token to token, and only the newest is its current one."""
    make = tokens()
    token = next(make)
    family = begin(token, NOW)
    for n in range(1, 5):
        successor = next(make)
        family = rotated(family, token, successor, NOW + n)
        assert (family.current, family.rotated_at) == (token_hash(successor), NOW + n)
        token = successor
    assert family.began_at == NOW


def test_a_used_token_ends_the_family() -> None:
    """A token from before the last one is a copy: the family is over, for its owner as well."""
    make = tokens()
    first, second, third, fourth = (next(make) for _ in range(4))
    family = rotated(begin(first, NOW), first, second)
    family = rotated(family, second, third)
    outcome = rotate(family, first, fourth, NOW)  # however soon
    assert isinstance(outcome, Reused)
    assert outcome.family.revoked
    assert outcome.family.handover is None
    for token in (first, second, third):
        assert rotate(outcome.family, token, fourth, NOW) == Revoked()


def test_a_lost_answer_is_given_again() -> None:
    """Within the grace the last used token gets the same successor, and nothing changes."""
    make = tokens()
    first, second, third = (next(make) for _ in range(3))
    family = rotated(begin(first, NOW), first, second)
    for _ in range(2):
        outcome = rotate(family, first, third, NOW + LIFETIMES.grace - 1)
        assert outcome == Rotated(second, family)


def test_the_grace_is_short() -> None:
    """When the grace is over, the same token betrays a thief."""
    make = tokens()
    first, second, third = (next(make) for _ in range(3))
    family = rotated(begin(first, NOW), first, second)
    assert isinstance(rotate(family, first, third, NOW + LIFETIMES.grace), Reused)
    none = Lifetimes(grace=0)
    assert isinstance(rotate(family, first, third, NOW, none), Reused)


def test_the_grace_ends_with_the_successor_s_use() -> None:
    """Once the successor was used, its answer had arrived: the token before it is a copy."""
    make = tokens()
    first, second, third, fourth = (next(make) for _ in range(4))
    family = rotated(begin(first, NOW), first, second)
    family = rotated(family, second, third, NOW + 1)
    assert isinstance(rotate(family, first, fourth, NOW + 1), Reused)


def test_the_store_alone_makes_no_token() -> None:
    """The kept successor opens with its predecessor and with no other token."""
    make = tokens()
    first, second, stranger = (next(make) for _ in range(3))
    family = rotated(begin(first, NOW), first, second)
    swapped = Family(
        current=family.current,
        began_at=NOW,
        rotated_at=NOW,
        previous=token_hash(stranger),
        handover=family.handover,
    )
    assert isinstance(rotate(swapped, stranger, first, NOW), Reused)
    assert family.handover is not None
    assert new_token(family.handover) != second


def test_a_family_is_idle_for_a_while_only() -> None:
    """Idle time counts from the last rotation."""
    first, second = pair()
    family = begin(first, NOW)
    end = NOW + LIFETIMES.idle
    assert rotate(family, first, second, end) == Expired()
    later = rotated(family, first, second, end - 1)
    assert isinstance(rotate(later, second, first, end - 2 + LIFETIMES.idle), Rotated)
    assert rotate(later, second, first, end - 1 + LIFETIMES.idle) == Expired()


def test_a_family_gets_no_older_than_its_limit() -> None:
    """However often it is used, a family ends: then its owner signs in again."""
    make = tokens()
    token, now = next(make), NOW
    family = begin(token, NOW)
    while now + LIFETIMES.idle - 1 < NOW + LIFETIMES.absolute:
        now += LIFETIMES.idle - 1
        successor = next(make)
        family, token = rotated(family, token, successor, now), successor
    assert rotate(family, token, next(make), NOW + LIFETIMES.absolute) == Expired()
    rotated(family, token, next(make), NOW + LIFETIMES.absolute - 1)


def test_what_to_hand_out_is_not_shown() -> None:
    """An outcome in a log does not show the token."""
    first, second = pair()
    outcome = rotate(begin(first, NOW), first, second, NOW)
    assert second not in repr(outcome)


class OwnerAndThief(RuleBasedStateMachine):
    """Two hold the same token and use what they hold, in any order and at any distance."""

    def __init__(self) -> None:
        super().__init__()
        self.make = tokens()
        self.now = NOW
        first = next(self.make)
        self.family = begin(first, NOW)
        self.held = {"owner": first, "thief": first}
        self.over = False
        self.living = {first}

    @rule(seconds=st.integers(0, 30))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    @precondition(lambda self: not self.over)
    @rule(who=st.sampled_from(["owner", "thief"]), lost=st.booleans())
    def use(self, who: str, lost: bool) -> None:
        apart = self.held["owner"] != self.held["thief"]
        shown = self.held[who]
        is_current = token_hash(shown) == self.family.current
        outcome = rotate(self.family, shown, next(self.make), self.now)
        assert isinstance(outcome, Rotated | Reused)
        if isinstance(outcome, Reused):
            assert apart or self.now >= self.family.rotated_at + LIFETIMES.grace
            self.over = True
        else:
            assert is_current or self.now < self.family.rotated_at + LIFETIMES.grace
            assert token_hash(outcome.token) == outcome.family.current
            if not lost:
                self.held[who] = outcome.token
        self.family = outcome.family

    @invariant()
    def one_token_lives(self) -> None:
        """Whatever happens, no two different tokens can both still be used after the grace."""
        later = self.now + LIFETIMES.grace
        worth = [
            token
            for token in set(self.held.values())
            if isinstance(rotate(self.family, token, new_token(bytes(32)), later), Rotated)
        ]
        assert len(worth) <= 1
        assert not (self.over and worth)


TestOwnerAndThief = OwnerAndThief.TestCase
