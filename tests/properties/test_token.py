"""Laws of tickets and live codes: round trips, freshness, and decoders that are total."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shared import base45, hashing, keys
from shared.errors import Malformed, UsherError
from shared.instant import Instant
from shared.keyset import IssuerKey, TrustedKeys
from shared.log.record import Shown
from shared.presentation import Freshness, answer, present
from shared.scanner import normalise
from shared.token import (
    BOUND,
    FORMS,
    STATIC,
    Token,
    decode_text,
    encode_text,
    issue,
    parse,
)
from shared.verify import OUTCOMES, Verified, verify

ISSUER, HOLDER = keys.secret_key(b"\x11" * 32), keys.secret_key(b"\x22" * 32)
ISSUER_PK, HOLDER_PK = keys.public_key(ISSUER), keys.public_key(HOLDER)
KID = hashing.kid(ISSUER_PK)
EVENT = bytes.fromhex("a1b2c3d4e5f60718")
SECOND = 1_800_000_000
NOW = Instant(SECOND * 1000)


def trusting(start: int = 0, end: int = 2**40, *, revoked: bool = False) -> TrustedKeys:
    """Return trust in the one issuer."""
    key = IssuerKey(ISSUER_PK, start, end, revoked)
    return TrustedKeys(bytes(32), issuers={KID + EVENT: key})


TRUSTED = trusting()
u16 = st.integers(0, 0xFFFF)
u32 = st.integers(0, 0xFFFF_FFFF)
stamps = st.binary(min_size=4, max_size=4)
static = st.builds(
    Token,
    st.just(STATIC),
    st.just(0),
    st.just(KID),
    st.just(EVENT),
    st.binary(min_size=16, max_size=16),
    u16,
    u16,
    u32,
    st.just(b""),
)
bound = st.builds(
    lambda token, flags: token._replace(type=BOUND, flags=flags, holder_pk=HOLDER_PK),
    static,
    st.integers(0, 1),
)


def error_of(text: str, challenge: bytes | None = None) -> str | None:
    """Return the code with which a text is refused, if it is."""
    try:
        verify(text, TRUSTED, NOW, Freshness(), challenge)
    except UsherError as error:
        return error.code
    return None


@given(st.binary(max_size=400))
def test_bytes_come_back_from_their_text(data: bytes) -> None:
    """decode(encode(x)) == x, in characters of the alphabet alone."""
    text = base45.encode(data)
    assert set(text) <= set(base45.ALPHABET)
    assert base45.decode(text) == data


@given(st.text(base45.ALPHABET, max_size=400) | st.text(max_size=400))
def test_a_text_comes_back_or_is_refused(text: str) -> None:
    """encode(decode(x)) == x wherever decode returns, and it raises nothing of its own."""
    fault = None
    try:
        assert base45.encode(base45.decode(text)) == text
    except Malformed as error:
        fault = error
    if fault:
        assert fault.code.startswith("base45_")
        assert fault.offset is not None
        assert 0 <= fault.offset <= len(text)


@given(static | bound.filter(lambda token: token.flags == 0))
def test_a_ticket_that_is_issued_verifies_to_its_fields(token: Token) -> None:
    """Every field survives; what the log needs is derived from the very code."""
    raw = issue(token, ISSUER)
    assert len(raw) == FORMS[token.type].size
    assert verify(encode_text(raw), TRUSTED, NOW, Freshness()) == Verified(
        token, Shown.STATIC, hashing.evidence(raw), hashing.id_hash(token.ticket)
    )


@given(bound, stamps)
def test_an_answer_verifies_for_its_challenge_alone(token: Token, challenge: bytes) -> None:
    """With the challenge the ticket is genuine; with another, or none, it is not shown live."""
    text = encode_text(answer(issue(token, ISSUER), HOLDER, challenge))
    found = verify(text, TRUSTED, NOW._replace(trusted=False), Freshness(), challenge)
    assert (found.token, found.shown) == (token, Shown.CHALLENGE)
    assert error_of(text) == "challenge_not_asked"
    assert error_of(text, challenge[::-1] + b"!") == "wrong_challenge"


@given(
    st.integers(0, 2**32 - 1), st.integers(-5000, 5000), st.integers(0, 3600), st.integers(0, 3600)
)
def test_a_live_code_is_fresh_exactly_within_its_bounds(
    second: int, ahead: int, past: int, future: int
) -> None:
    """now - past <= t <= now + future, in whole seconds, and nothing else matters."""
    at = second + ahead
    assume(0 <= at < 2**32)
    token = Token(BOUND, 1, KID, EVENT, bytes(16), 1, 1, 1, HOLDER_PK)
    text = encode_text(present(issue(token, ISSUER), HOLDER, at))
    for ms in (0, 999):
        try:
            verify(text, TRUSTED, Instant(second * 1000 + ms), Freshness(past, future))
            verdict = "fresh"
        except UsherError as error:
            verdict = error.code
        wanted = "stale_past" if ahead < -past else "stale_future" if ahead > future else "fresh"
        assert verdict == wanted


@given(u32, u32, u32, st.booleans())
def test_a_key_issues_exactly_within_its_window(
    start: int, end: int, second: int, trusted: bool
) -> None:
    """not_before <= now < not_after; outside, trust in the clock decides what is told."""
    text = encode_text(issue(Token(STATIC, 0, KID, EVENT, bytes(16), 1, 1, 1), ISSUER))
    now = Instant(second * 1000 + 999, trusted)
    if start <= second < end:
        assert verify(text, trusting(start, end), now, Freshness())
        return
    with pytest.raises(UsherError) as refusal:
        verify(text, trusting(start, end), now, Freshness())
    assert refusal.value.code == ("key_outside_window" if trusted else "clock_untrusted")


@given(bound, bound, st.integers(0, 2**32 - 1), stamps)
def test_a_proof_fits_no_other_ticket_and_no_other_stamp(
    one: Token, other: Token, at: int, challenge: bytes
) -> None:
    """Two live codes of one holder: the proof of one is no proof for the other."""
    assume(one != other)
    first = present(issue(one, ISSUER), HOLDER, at)
    for second in (
        present(issue(other, ISSUER), HOLDER, at),
        present(issue(one._replace(gen=one.gen ^ 1), ISSUER), HOLDER, at),
        present(issue(one, ISSUER), HOLDER, at ^ 1),
        answer(issue(one, ISSUER), HOLDER, at.to_bytes(4, "big")),
    ):
        moved = encode_text(second[:138] + first[138:])
        assert error_of(moved) == error_of(moved, challenge) == "bad_holder_proof"


@given(st.text() | st.text(base45.ALPHABET).map(lambda body: f"U1:{body}."))
def test_no_text_breaks_the_verifier(text: str) -> None:
    """Any text is refused with a code that has an outcome."""
    assert error_of(text) in OUTCOMES
    assert error_of(normalise(text)) in OUTCOMES


@given(st.sampled_from(sorted(FORMS)), st.data())
def test_no_bytes_in_a_ticket_s_form_break_the_verifier(shown: int, data: st.DataObject) -> None:
    """Random fields behind a good kid and event are refused by signature at the latest."""
    size = FORMS[shown].size
    flags = bytes((data.draw(st.integers(0, 255)),))
    rest = data.draw(st.binary(min_size=size - 14, max_size=size - 14))
    text = encode_text(bytes((shown,)) + flags + KID + EVENT + rest)
    assert error_of(text) in ("reserved_flags", "bad_signature")


@given(bound, st.data())
def test_no_change_of_its_bytes_leaves_a_live_code_good(token: Token, data: st.DataObject) -> None:
    """Any bytes cut out and put in, anywhere: the code is refused, with a known code."""
    raw = present(issue(token, ISSUER), HOLDER, SECOND)
    start = data.draw(st.integers(0, len(raw)))
    end = data.draw(st.integers(start, len(raw)))
    changed = raw[:start] + data.draw(st.binary(max_size=200)) + raw[end:]
    assume(changed != raw)
    assert error_of(encode_text(changed)) in OUTCOMES


@given(st.binary(min_size=1, max_size=210))
def test_parsing_keeps_every_byte(raw: bytes) -> None:
    """What parses has exactly one text: its own."""
    try:
        code = parse(encode_text(raw))
    except Malformed:
        return
    assert code.raw == raw
    assert code.ticket[1:] == raw[1 : len(code.ticket)]


@given(
    st.sampled_from(["", "]Q1", "]Q2", "]Q2\\000026", "\\000026"]),
    st.binary(max_size=200),
    st.sampled_from(["", "\r", "\n", "\r\n"]),
)
def test_what_a_reader_adds_does_not_reach_the_code(before: str, raw: bytes, after: str) -> None:
    """A code comes out of every reader as it was printed."""
    text = encode_text(raw)
    assert normalise(before + text + after) == text
    assert decode_text(normalise(before + text + after)) == raw


@given(st.text())
def test_a_reader_s_additions_are_all_that_is_taken_off(text: str) -> None:
    """What is left is a part of what was read, and at most twelve characters shorter."""
    left = normalise(text)
    assert left in text
    assert len(text) - len(left) <= len("]Q2\\000026\r\n")
