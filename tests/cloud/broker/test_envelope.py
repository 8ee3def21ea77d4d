"""What is read of a delivery and what is not believed. Pure."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest
from aiormq.abc import DeliveredMessage
from hypothesis import given
from hypothesis import strategies as st
from pamqp.commands import Basic
from pamqp.header import ContentHeader

from cloud.broker.envelope import Unreadable, body_of, properties_of, read, remains
from cloud.messages.consumer import Message

TENANT, OTHER = UUID(int=1), UUID(int=2)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
FIRST = Message(7, "order.paid", 1, "order:1", {"n": 0}, NOW, "request", "", 1)


def delivered(body: bytes, **headers: Any) -> DeliveredMessage:
    properties = Basic.Properties(headers=headers)
    return DeliveredMessage(
        delivery=Basic.Deliver(), header=ContentHeader(properties=properties), body=body,
        channel=None,  # type: ignore[arg-type]  # nothing is answered
    )  # fmt: skip


@pytest.mark.parametrize("text", ["", "a\\u0000", "a\\\\u0000", "ä\n", "\\"])
def test_what_is_written_is_read(text: str) -> None:
    """Also a backslash with `u0000` behind it, which is no NUL."""
    sent = msgspec.structs.replace(FIRST, payload={"text": text})
    headers = properties_of("orders", sent, sent.trace).headers or {}
    assert read(delivered(body_of(TENANT, sent), **headers), TENANT) == sent


@pytest.mark.parametrize("text", ["\0", "\\\0", "a\0b"])
def test_a_nul_is_no_text(text: str) -> None:
    sent = msgspec.structs.replace(FIRST, payload={"text": text})
    with pytest.raises(Unreadable):
        read(delivered(body_of(TENANT, sent)), TENANT)


def test_anothers_message_is_kept_as_bytes_alone() -> None:
    """Replayed, it would act in this tenant on the other's word, and by an id of this one's."""
    kept = remains(delivered(body_of(OTHER, FIRST)), NOW)
    assert kept.id < 0
    assert kept.topic == "unreadable"
    assert set(kept.payload) == {"base64"}


def test_headers_that_no_table_holds_are_left_out() -> None:
    body = body_of(TENANT, FIRST)
    for bad in ("a\0", "a" * 501, 7, b"\xff", None):
        message = read(delivered(body, request_id=bad, traceparent=bad), TENANT)
        assert (message.request_id, message.trace) == ("", "")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read(delivered(body), TENANT)
    assert remains(delivered(body), NOW) == remains(delivered(body), NOW)
