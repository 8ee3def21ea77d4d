"""Passwords: which are refused, how they are stored and checked."""

import unicodedata

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.low_level import Type
from hypothesis import given
from hypothesis import strategies as st

from cloud.accounts.passwords import (
    COST,
    Checked,
    Cost,
    Refusal,
    check,
    decoy,
    hash_password,
    refusal,
)

CHEAP = Cost(memory_kib=64, passes=1)
ADDRESS = "maria.keller@usher.example"
RIGHT, WRONG = Checked(ok=True, rehash=False), Checked(ok=False, rehash=False)

REFUSED: list[tuple[Refusal, str]] = [
    (Refusal.SHORT, ""),
    (Refusal.SHORT, "7 chars"),
    (Refusal.SHORT, "e\u0301" * 7),  # seven letters in NFC
    (Refusal.LONG, "ab" * 512 + "c"),
    (Refusal.LONG, "\U0001d160" * 600),  # grows when it is normalised
    (Refusal.CHARACTERS, "a new\nline"),
    (Refusal.CHARACTERS, "a zero\0byte"),
    (Refusal.CHARACTERS, "half a \ud800 pair"),
    (Refusal.ADDRESS, "maria.keller"),
    (Refusal.ADDRESS, "Maria.Keller"),
    (Refusal.ADDRESS, ADDRESS),
    (Refusal.REPEATED, "aaaaaaaa"),
    (Refusal.REPEATED, "abababababa"),
    (Refusal.REPEATED, "12341234"),
    (Refusal.SEQUENCE, "12345678"),
    (Refusal.SEQUENCE, "ZYXWVUTS"),
    (Refusal.SEQUENCE, "qwertyui"),
    (Refusal.SEQUENCE, "poiuytrewq"),
    (Refusal.COMMON, "password"),
    (Refusal.COMMON, "P@ssw0rd"),
    (Refusal.COMMON, "Passw0rd!2024"),
    (Refusal.COMMON, "123letmein"),
    (Refusal.COMMON, "iloveyou!!"),
    (Refusal.COMMON, "qwerty123456"),
]


@pytest.mark.parametrize(("reason", "password"), REFUSED, ids=repr)
def test_a_bad_password_is_refused(reason: Refusal, password: str) -> None:
    """Each is refused for its own reason."""
    assert refusal(password, ADDRESS) is reason


@pytest.mark.parametrize(
    "password",
    [
        "8 chars!",
        "correct horse battery staple",
        "maria.keller was here",
        "password of the band",
        "ключ-от-двери",
        "🎸🥁🎹🎤🎷🎺🎻🪘",
        "x" + "long enough " * 85 + "now",
        "e\u0301abcdefg",
    ],
)
def test_a_good_password_is_accepted(password: str) -> None:
    """No demand for digits or marks; any letters that can be typed."""
    assert refusal(password, ADDRESS) is None


def test_a_password_is_hashed_at_the_declared_cost() -> None:
    """The stored form is Argon2id with COST, which is above OWASP's least."""
    stored = hash_password("correct horse", COST)
    found = extract_parameters(stored)
    assert (found.type, found.version) == (Type.ID, 19)
    assert (found.memory_cost, found.time_cost, found.parallelism) == (
        COST.memory_kib,
        COST.passes,
        COST.lanes,
    )
    assert COST.memory_kib >= 19 * 1024
    assert COST.passes >= 2
    assert check("correct horse", stored) == RIGHT
    assert check("Correct horse", stored) == WRONG


def test_the_reference_implementation_s_answer() -> None:
    """A stored form from the tests of the Argon2 reference implementation is accepted."""
    stored = (
        "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
    )
    assert check("password", stored).ok
    assert not check("passwore", stored).ok


def test_a_hash_is_salted() -> None:
    """The same password is never stored alike twice."""
    assert hash_password("correct horse", CHEAP) != hash_password("correct horse", CHEAP)


@given(st.text(st.characters(codec="utf-8"), min_size=8, max_size=40))
def test_one_password_on_two_keyboards(password: str) -> None:
    """Composed and decomposed letters are the same password."""
    composed = unicodedata.normalize("NFC", password)
    decomposed = unicodedata.normalize("NFD", password)
    if refusal(composed, "") in (Refusal.SHORT, Refusal.LONG):
        return
    assert check(decomposed, hash_password(composed, CHEAP), CHEAP) == RIGHT


@pytest.mark.parametrize(
    "password", ["short", "x" * 1025, "half a \ud800 pair", "\U0001d160" * 600], ids=len
)
def test_what_is_no_password_is_not_hashed(password: str) -> None:
    """Hashing it is the caller's error, and checking it is a wrong password."""
    with pytest.raises(ValueError, match="refuses"):
        hash_password(password, CHEAP)
    assert check(password, hash_password("correct horse", CHEAP), CHEAP) == WRONG


@pytest.mark.parametrize("old", [Cost(128, 1), Cost(64, 2), Cost(64, 1, 2)], ids=repr)
def test_another_cost_asks_for_a_new_hash(old: Cost) -> None:
    """A right password tells when it was hashed at another cost; a wrong one tells nothing."""
    stored = hash_password("correct horse", old)
    assert check("correct horse", stored, CHEAP) == Checked(ok=True, rehash=True)
    assert check("correct house", stored, CHEAP) == WRONG


@pytest.mark.parametrize("stored", ["", "plain", "$argon2id$v=19$m=64", "$argon2id$" + "x" * 90])
def test_damage_in_the_store_is_not_a_wrong_password(stored: str) -> None:
    """A stored form that can't be read is an error of ours, and said to be one."""
    with pytest.raises(ValueError, match="can't be read"):
        check("correct horse", stored, CHEAP)


@pytest.mark.parametrize("password", ["correct horse", "", "x" * 5000], ids=len)
def test_an_unknown_account_costs_as_much(password: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a stored form, or with an impossible password, one hash of the same cost is
    made all the same, and nothing fits it."""
    seen: list[str] = []
    real = PasswordHasher.verify

    def verify(self: PasswordHasher, stored: str, password: bytes) -> bool:
        seen.append(stored)
        return real(self, stored, password)

    monkeypatch.setattr(PasswordHasher, "verify", verify)
    assert check(password, None) == WRONG
    assert seen == [decoy(COST)]
    known, unknown = extract_parameters(hash_password("any other")), extract_parameters(seen[0])
    assert known == unknown
