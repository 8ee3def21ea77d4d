"""The forms of claims, answers and what members tell (spec/claims.md §2, §3)."""

import pytest

from shared.claims.messages import (
    MAX_ANSWER,
    MAX_CLAIM,
    MAX_RIGHTS,
    Answer,
    Claim,
    Grant,
    Held,
    InDoubt,
    Wrong,
    decode_answer,
    decode_claim,
    encode_answer,
    encode_claim,
)
from shared.claims.told import (
    MAX_CLAIMS,
    Told,
    decode_release,
    decode_tell,
    decode_told,
    encode_tell,
    encode_told,
)
from shared.errors import Malformed, Untrusted
from shared.lan import Type, cap_of, encode_correlated
from tests.scribe import EVENT, Scribe, hashed

A, B = Scribe("A"), Scribe("B")
NONCE = bytes(range(16))
RIGHTS = (b"\1" * 16, b"\2" * 16)
CLAIM = Claim(7, NONCE, A.device, EVENT, hashed("t"), RIGHTS).signed(A.secret)
RAW = encode_claim(CLAIM)
COUNT = 61  # where the number of rights stands


def many(count: int) -> Claim:
    return CLAIM._replace(rights=tuple(n.to_bytes(16, "big") for n in range(1, count + 1)))


def code_of(raised: pytest.ExceptionInfo[Malformed | Untrusted]) -> str:
    return raised.value.code


def test_a_claim_comes_back_and_is_its_device_s() -> None:
    """Any other key, and any other word of it, is told."""
    assert decode_claim(RAW) == CLAIM
    assert CLAIM.signed_by(A.public)
    assert not CLAIM.signed_by(B.public)
    assert not CLAIM._replace(roster=8).signed_by(A.public)
    assert len(encode_claim(many(MAX_RIGHTS))) == MAX_CLAIM
    assert decode_claim(encode_claim(many(MAX_RIGHTS))) == many(MAX_RIGHTS)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "claim_length"),
        (RAW[:61], "claim_length"),
        (RAW[:-1], "claim_length"),
        (RAW + b"\0", "claim_length"),
        (RAW[:COUNT] + b"\1" + RAW[COUNT + 1 :], "claim_length"),
        (b"\2" + RAW[1:], "claim_version"),
        (encode_claim(CLAIM._replace(rights=())), "claim_rights"),
        (encode_claim(CLAIM._replace(rights=RIGHTS[::-1])), "claim_rights"),
        (encode_claim(CLAIM._replace(rights=RIGHTS[:1] * 2)), "claim_rights"),
        (encode_claim(CLAIM._replace(rights=(bytes(16),))), "claim_rights"),
    ],
)
def test_what_is_no_claim_is_refused(raw: bytes, code: str) -> None:
    """Each failure has its code."""
    with pytest.raises(Malformed) as refused:
        decode_claim(raw)
    assert code_of(refused) == code


@pytest.mark.parametrize(
    "answer",
    [
        Grant(NONCE),
        Held(NONCE, A.enter("t")),
        Held(NONCE, CLAIM),
        InDoubt(NONCE),
        Wrong(NONCE, 8),
    ],
)
def test_answers_come_back(answer: Answer) -> None:
    """And no prefix, and nothing longer, is an answer."""
    raw = encode_answer(answer)
    assert decode_answer(raw) == answer
    for bad in (*(raw[:end] for end in range(len(raw))), raw + b"\0"):
        with pytest.raises(Malformed):
            decode_answer(bad)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"\1" + NONCE[:-1], "claim_answer_length"),
        (b"\1" + NONCE + b"\0", "claim_answer_length"),
        (b"\1" + NONCE + bytes(MAX_ANSWER), "claim_answer_length"),
        (b"\2" + NONCE + bytes(255), "claim_answer_length"),
        (b"\0" + NONCE, "claim_answer_kind"),
        (b"\6" + NONCE, "claim_answer_kind"),
        (b"\3" + NONCE, "claim_length"),
    ],
)
def test_what_is_no_answer_is_refused(raw: bytes, code: str) -> None:
    """Each failure has its code."""
    with pytest.raises(Malformed) as refused:
        decode_answer(raw)
    assert code_of(refused) == code


def test_a_release_is_a_nonce() -> None:
    """And nothing else."""
    assert decode_release(NONCE) == NONCE
    for bad in (b"", NONCE[:-1], NONCE + b"\0"):
        with pytest.raises(Malformed) as refused:
            decode_release(bad)
        assert code_of(refused) == "claim_release"


def test_what_is_told_comes_back() -> None:
    """The question is the version; the answer lists the member's own claims, and its logs."""
    assert decode_tell(encode_tell(7)) == 7
    for told in (Told(7), Told(7, (CLAIM,))):
        assert decode_told(encode_told(told), A.device, A.public) == told
    most = Told(7, (many(MAX_RIGHTS).signed(A.secret),) * MAX_CLAIMS)
    assert decode_told(encode_told(most), A.device, A.public) == most


@pytest.mark.parametrize("raw", [b"", b"\0\0\0", bytes(5)])
def test_what_is_no_question_is_refused(raw: bytes) -> None:
    """A version is four bytes."""
    with pytest.raises(Malformed) as refused:
        decode_tell(raw)
    assert code_of(refused) == "claim_tell"


GOOD = encode_told(Told(7, (CLAIM,)))


@pytest.mark.parametrize(
    "raw",
    [
        GOOD[:4],
        GOOD[:6],
        GOOD[:-1],
        GOOD + b"\0",
        GOOD[:4] + b"\2" + GOOD[5:],
        GOOD[:4] + bytes((MAX_CLAIMS + 1,)) + GOOD[5:],
        GOOD[:5] + (MAX_CLAIM + 1).to_bytes(2, "big") + bytes(MAX_CLAIM + 1),
    ],
)
def test_what_breaks_off_or_is_too_much_is_refused(raw: bytes) -> None:
    """Nothing is read beyond what is there."""
    with pytest.raises(Malformed) as refused:
        decode_told(raw, A.device, A.public)
    assert code_of(refused) == "claim_told"


def test_a_member_tells_of_its_own_claims_alone() -> None:
    """Or it could keep rights from others in a third one's name."""
    for claim in (CLAIM._replace(device=B.device).signed(A.secret), many(1)):
        with pytest.raises(Untrusted) as refused:
            decode_told(encode_told(Told(7, (claim,))), A.device, A.public)
        assert code_of(refused) == "claim_bad_signature"


def test_the_most_that_is_told_fits_an_answer() -> None:
    """An owner that restarts would else never hear who holds the most."""
    most = Told(7, (many(MAX_RIGHTS).signed(A.secret),) * MAX_CLAIMS)
    assert len(encode_correlated(1, encode_told(most))) <= cap_of(Type.ANSWER)
