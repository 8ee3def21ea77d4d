"""A badge's QR code."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.devices.badge import decode_badge, encode_badge
from shared.errors import Malformed
from tests.vectors import spec

TEXT = spec.texts("devices.md")["badge-text"]


def test_the_example_is_what_the_code_makes() -> None:
    """Both ways."""
    assert encode_badge(bytes([0x21]) * 32) == TEXT
    assert decode_badge(TEXT) == bytes([0x21]) * 32


@given(st.binary(min_size=32, max_size=32))
def test_every_seed_has_one_text(seed: bytes) -> None:
    """Written and read."""
    assert decode_badge(encode_badge(seed)) == seed


@pytest.mark.parametrize(
    "text",
    ["", "UB1:.", TEXT[:-1], TEXT[1:], TEXT + " ", TEXT.lower(), "UB1:ABC.", "UB1:" + "A" * 99,
     TEXT.replace("UB1", "UB2"), TEXT[:-1] + "é.", TEXT[:10] + "::::" + TEXT[14:]],
)  # fmt: skip
def test_what_is_no_badge_is_refused(text: str) -> None:
    """Another prefix, length, alphabet or case."""
    with pytest.raises(Malformed, match="badge_text"):
        decode_badge(text)


def test_a_seed_has_32_bytes() -> None:
    """On writing, another length is the caller's mistake."""
    with pytest.raises(ValueError, match="32 bytes"):
        encode_badge(bytes(31))
