"""Base45 has one text for every byte string."""

import pytest

from shared import base45
from shared.errors import Malformed

RFC_9285 = {
    b"AB": "BB8",
    b"Hello!!": "%69 VD92EX0",
    b"base-45": "UJCLQE7W581",
    b"ietf!": "QED8WEX0",
    b"": "",
    b"\0": "00",
    b"\xff": "U5",
    b"\xff\xff": "FGW",
}


@pytest.mark.parametrize(("data", "text"), RFC_9285.items())
def test_it_writes_and_reads_the_examples(data: bytes, text: str) -> None:
    """RFC 9285's examples, and the largest group and pair, go both ways."""
    assert base45.encode(data) == text
    assert base45.decode(text) == data


@pytest.mark.parametrize(
    ("text", "code", "offset"),
    [
        ("BBa", "base45_alphabet", 2),
        ("BB\u20ac", "base45_alphabet", 2),
        ("BB\ud800", "base45_alphabet", 2),
        ("a", "base45_alphabet", 0),
        ("aBb", "base45_alphabet", 0),
        ("B", "base45_length", 1),
        ("BB8B", "base45_length", 4),
        ("BB8GGW", "base45_triplet", 3),
        (":::::", "base45_triplet", 0),
        ("BB8V5", "base45_pair", 3),
        ("::", "base45_pair", 0),
    ],
)
def test_it_refuses_what_it_does_not_write(text: str, code: str, offset: int) -> None:
    """Each fault has its code and its place; the first of two is told."""
    with pytest.raises(Malformed) as refusal:
        base45.decode(text)
    assert (refusal.value.code, refusal.value.offset) == (code, offset)
