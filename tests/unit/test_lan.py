"""What gates say to each other: the bytes of the page, one spelling, every bound."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Malformed
from shared.lan import (
    CAPS,
    HEADER,
    MAX_EVENTS,
    MAX_REQUEST,
    REQUESTS,
    EventVersion,
    Hello,
    News,
    Reason,
    Rest,
    Type,
    cap_of,
    decode_correlated,
    decode_digest,
    decode_header,
    decode_hello,
    decode_log,
    decode_news,
    decode_places,
    decode_reason,
    encode,
    encode_correlated,
    encode_hello,
    encode_log,
    encode_news,
    encode_places,
)
from tests.vectors.spec import codes, examples

NEWS = News(5, 3, (EventVersion("a1b2c3d4e5f60718", 9),))
HELLO = Hello(1, 4, 1, "0123456789abcdef", NEWS)


def code_of(call: object, *arguments: object) -> str:
    with pytest.raises(Malformed) as refused:
        call(*arguments)  # type: ignore[operator]
    return refused.value.code


def test_the_bytes_of_the_page_are_what_is_written() -> None:
    """A reader who types an example in gets what the code writes."""
    shown = examples("lan.md")
    assert shown["hello"] == encode(Type.HELLO, encode_hello(HELLO))
    assert shown["bye"] == encode(Type.BYE, bytes((Reason.DUPLICATE,)))
    assert shown["log"] == encode(Type.LOG, encode_log(Rest.MORE, b"abc"))


def test_the_page_names_every_code() -> None:
    """Its table of failures is complete."""
    assert codes("lan.md") == {
        "lan_type", "lan_too_large", "lan_hello", "lan_ping", "lan_log", "lan_correlation",
        "lan_places",
    }  # fmt: skip


def test_what_was_written_is_read() -> None:
    """Hello, news, logs and correlated bodies come back."""
    assert decode_hello(encode_hello(HELLO)) == HELLO
    assert decode_news(encode_news(NEWS)) == NEWS
    assert decode_log(encode_log(Rest.NOTHING, b"x")) == (Rest.NOTHING, b"x")
    assert decode_log(encode_log(Rest.UNKNOWN)) == (Rest.UNKNOWN, b"")
    assert decode_correlated(encode_correlated(7, b"abc")) == (7, b"abc")
    assert decode_digest(bytes(32)) == bytes(32)
    places = [(bytes(16), 1, 2), (bytes(15) + b"\1", 2**32 - 1, 2**64 - 1)]
    assert decode_places(encode_places(places)) == places


@pytest.mark.parametrize("kind", [*Type, *REQUESTS])
def test_a_body_has_at_most_its_cap(kind: int) -> None:
    """One byte more is refused by the header alone; nothing of it is read."""
    cap = cap_of(kind)
    assert decode_header(HEADER.pack(cap, kind)) == (kind, cap)
    assert code_of(decode_header, HEADER.pack(cap + 1, kind)) == "lan_too_large"
    assert len(encode(kind, bytes(cap))) == HEADER.size + cap
    with pytest.raises(ValueError, match="at most"):
        encode(kind, bytes(cap + 1))


@pytest.mark.parametrize("kind", sorted(set(range(256)) - set(CAPS) - set(REQUESTS)))
def test_a_type_that_is_unknown_is_refused(kind: int) -> None:
    """Whatever its length."""
    assert code_of(decode_header, HEADER.pack(0, kind)) == "lan_type"


def test_every_request_has_one_cap() -> None:
    """Numbers of answers are none of them."""
    assert {cap_of(kind) for kind in REQUESTS} == {MAX_REQUEST}
    assert Type.ANSWER not in REQUESTS


SPELLINGS = [
    b"",
    b"{}",
    b"null",
    b"[" * 2000,
    b" " + encode_hello(HELLO),
    encode_hello(HELLO).replace(b":4,", b":4.0,"),
    encode_hello(HELLO)[:-1] + b',"more":1}',
    encode_hello(HELLO).replace(b'"protocol":1', b'"protocol":0'),
    encode_hello(HELLO).replace(b'"incarnation":4', b'"incarnation":0'),
    encode_hello(HELLO).replace(b'"roster":5', b'"roster":4294967296'),
    encode_hello(HELLO).replace(b"a1b2", b"A1B2"),
    encode_hello(Hello(1, 4, 1, HELLO.session, News(5, 3, NEWS.events * (MAX_EVENTS + 1)))),
    encode_hello(HELLO).replace(b"0123", b"123"),
]


@pytest.mark.parametrize("body", SPELLINGS, ids=range(len(SPELLINGS)))
def test_a_hello_has_one_spelling(body: bytes) -> None:
    """Another one is refused, and so is a field out of its range."""
    assert code_of(decode_hello, body) == "lan_hello"


def test_news_have_one_spelling() -> None:
    """As hellos do."""
    assert code_of(decode_news, encode_news(NEWS) + b" ") == "lan_hello"


@pytest.mark.parametrize("body", [b"", b"\3abc", b"\2abc", b"\0", b"\1"])
def test_a_log_says_what_it_leaves_out(body: bytes) -> None:
    """A byte that is unknown, or that the rest does not fit, is refused: an empty log file has
    bytes, too."""
    assert code_of(decode_log, body) == "lan_log"


def test_short_bodies_are_refused() -> None:
    """Each by its own code."""
    assert code_of(decode_correlated, bytes(3)) == "lan_correlation"
    assert code_of(decode_digest, bytes(31)) == "lan_ping"
    assert code_of(decode_places, b"") == "lan_places"
    assert code_of(decode_places, bytes(27)) == "lan_places"


@pytest.mark.parametrize("reason", Reason)
def test_a_reason_is_read(reason: Reason) -> None:
    """By its number."""
    assert decode_reason(bytes((reason,))) is reason


def test_a_reason_of_a_later_version_is_none_in_particular() -> None:
    """A goodbye is a goodbye."""
    assert decode_reason(b"\xff") is Reason.OTHER
    assert decode_reason(b"") is Reason.OTHER


@given(st.binary(max_size=300))
def test_a_decoder_is_total(body: bytes) -> None:
    """For every input there is a value or a code."""
    for decode in (
        decode_hello, decode_news, decode_log, decode_correlated, decode_digest, decode_places,
    ):  # fmt: skip
        with suppress(Malformed):
            decode(body)
    assert decode_reason(body[:1]) in Reason
