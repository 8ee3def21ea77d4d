"""API keys and client secrets: their shape, what is stored, what is hidden."""

import hashlib
import re
import zlib
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.accounts.jwks import SigningKey
from cloud.accounts.jwt import Grant, issue
from cloud.accounts.refresh import new_token
from cloud.accounts.secrets_at_rest import (
    SENTENCES,
    Kind,
    Named,
    SecretRefused,
    make_secret,
    matches,
    parse_secret,
    redact,
    secret_hash,
)

RANDOM = bytes(range(37))
KEY = make_secret(Kind.API_KEY, RANDOM)
GRANT = Grant(
    iss="https://usher.example",
    aud="usher",
    sub=UUID(int=1),
    client_id="usher-web",
    jti=UUID(int=2),
    kind="account",
    epoch=0,
    sid=UUID(int=3),
)
randoms = st.binary(min_size=37, max_size=37)
kinds = st.sampled_from(Kind)


def test_a_secret_is_spelled_as_ever() -> None:
    """The key of fixed bytes is known; its parts are made here a second time."""
    assert re.fullmatch(r"usk_[a-z2-7]{8}_[0-9A-Za-z]{49}", KEY)
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    body = KEY.split("_")[2]
    number = 0
    for digit in body[:43]:
        number = number * 62 + digits.index(digit)
    assert number == int.from_bytes(RANDOM[5:], "big")
    assert KEY.startswith("usk_aaaqeaye_")
    check = 0
    for digit in body[43:]:
        check = check * 62 + digits.index(digit)
    assert check == zlib.crc32(KEY[:-6].encode())


@given(kinds, randoms)
def test_a_secret_names_itself(kind: Kind, random: bytes) -> None:
    """Kind and id are read from any secret, and only it matches its hash."""
    text = make_secret(kind, random)
    assert parse_secret(text) == Named(kind, text[4:12])
    assert secret_hash(text) == hashlib.sha256(text.encode()).digest()
    assert matches(text, secret_hash(text))
    assert not matches(text, secret_hash(text[:-1]))


@given(st.lists(randoms, min_size=2, max_size=2, unique=True))
def test_other_bytes_make_another_secret(two: list[bytes]) -> None:
    """Nothing of the randomness is lost."""
    first, second = (make_secret(Kind.API_KEY, random) for random in two)
    assert first != second


@given(randoms, st.data())
def test_a_mistyped_character_is_found(random: bytes, data: st.DataObject) -> None:
    """Any one wrong character, and any two swapped neighbours, are told without a query."""
    text = make_secret(Kind.CLIENT, random)
    place = data.draw(st.integers(0, len(text) - 2))
    other = data.draw(st.characters(codec="ascii").filter(lambda c: c != text[place]))
    swapped = text[:place] + text[place + 1] + text[place] + text[place + 2 :]
    for wrong in (text[:place] + other + text[place + 1 :], swapped):
        if wrong != text:
            with pytest.raises(SecretRefused):
                parse_secret(wrong)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("secret_malformed", ""),
        ("secret_malformed", "sk_live_" + "x" * 40),
        ("secret_malformed", KEY[:-1]),
        ("secret_malformed", KEY + "0"),
        ("secret_malformed", KEY + "\n"),
        ("secret_malformed", " " + KEY),
        ("secret_malformed", KEY.upper()),
        ("secret_malformed", KEY[:20] + "é" + KEY[21:]),
        ("secret_malformed", KEY[:20] + "\ud800" + KEY[21:]),
        ("secret_mistyped", "usc" + KEY[3:]),
        ("secret_mistyped", KEY[:-1] + ("0" if KEY[-1] != "0" else "1")),
    ],
    ids=repr,
)
def test_another_text_is_refused(code: str, text: str) -> None:
    """A text of another shape is told apart from one with a typing error."""
    with pytest.raises(SecretRefused) as refused:
        parse_secret(text)
    assert (refused.value.code, refused.value.sentence) == (code, SENTENCES[code])


def test_any_text_can_be_compared() -> None:
    """Even a text that has no UTF-8 is simply no match."""
    assert not matches("\ud800", secret_hash(KEY))


def test_fewer_random_bytes_make_no_secret() -> None:
    """A secret of less randomness is the caller's error."""
    with pytest.raises(ValueError, match="37"):
        make_secret(Kind.API_KEY, bytes(36))


@given(randoms, st.text(max_size=20), st.text(max_size=20))
def test_a_log_shows_no_secret(random: bytes, before: str, after: str) -> None:
    """In any surroundings, what is left names the key and does not open anything."""
    key, refresh = make_secret(Kind.API_KEY, random), new_token(random[5:])
    token = issue(GRANT, SigningKey.from_seed(random[5:]), 1_800_000_000)
    shown = redact(f"{before} {key} {refresh} Bearer {token} {after}")
    assert f"{key[:13]}…" in shown
    for secret in (key[13:], refresh[4:], *token.split(".")):
        assert secret not in shown


def test_damaged_secrets_are_hidden_too() -> None:
    """A key that was cut off, or lengthened, may still be somebody's."""
    assert redact(f"key={KEY[:30]}&x") == f"key={KEY[:13]}…&x"
    assert redact(f"({KEY}0000)") == f"({KEY[:13]}…)"
    assert redact("usk_short usc_AAAAAAAA_0") == "usk_… usc_…"


@given(st.text(st.characters(codec="utf-8", exclude_characters="_."), max_size=60))
def test_other_text_stays_as_it_is(text: str) -> None:
    """A text without a secret is not touched."""
    assert redact(text) == text
