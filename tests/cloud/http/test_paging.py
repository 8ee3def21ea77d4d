"""Cursors: whoever holds one may have made it up."""

import base64
from contextlib import suppress
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.errors import Refusal
from cloud.http.paging import decode, encode, page


@given(st.tuples(st.integers(-(2**62), 2**62), st.uuids()))
def test_a_cursor_is_what_it_was_made_of(key: tuple[int, UUID]) -> None:
    """There and back."""
    assert decode(encode(key), tuple[int, UUID]) == key


@pytest.mark.parametrize("key", ["a\0b", 2**63, -(2**63), ["x", "\0"], [2**70, "x"]])
def test_what_no_column_holds_is_refused(key: object) -> None:
    """Well-formed, and yet nothing that a database could be asked about."""
    with pytest.raises(Refusal, match="cursor_malformed"):
        decode(encode(key), object)


@given(st.text(max_size=60))
def test_any_text_is_a_cursor_or_refused(text: str) -> None:
    """Never another error."""
    with suppress(Refusal):
        decode(text, tuple[int, str])


def test_no_cursor_is_the_start() -> None:
    """And one of another list is refused."""
    assert decode("", str) is None
    with pytest.raises(Refusal, match="cursor_malformed"):
        decode(base64.urlsafe_b64encode(b"[1]").decode(), str)


def test_one_more_row_says_that_there_is_more() -> None:
    """The page holds as many as were asked for, and its cursor names the last of them."""
    full, last = page([1, 2, 3], 2, lambda n: n), page([3], 2, lambda n: n)
    assert (full.items, full.next and decode(full.next, int)) == ([1, 2], 2)
    assert (last.items, last.next) == ([3], None)
