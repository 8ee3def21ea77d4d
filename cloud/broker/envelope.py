"""A message on its way: a JSON body, and in its headers what is about it and not of it.

    {"id": 7, "tenant": "0198…", "topic": "order.paid", "version": 1, "key": "order:0198…",
     "at": "2026-01-01T12:00:00Z", "payload": {…}}

    headers: request_id, traceparent (W3C), both absent where there is none
    message id: "<consumer>:<id>"

The message id is different for each consumer: the broker says by it which message it could not
route, and two of one id on their way at once would be taken for one another.
"""

import base64
import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from aiormq.abc import DeliveredMessage
from msgspec import Meta
from pamqp.commands import Basic

from cloud.messages.consumer import Message

PERSISTENT: Final = 2
LONGEST_KEPT: Final = 48_000  # bytes of what can't be read
LONGEST_WORD: Final = 500  # characters of a topic, a key or a header: an index holds them
FIRST_YEAR, LAST_YEAR = 1970, 9998  # whatever its zone
NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")  # and not a backslash with a word behind it
UNREADABLE: Final = "unreadable"


class Unreadable(Exception):
    """What came is no message. `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body, within the bounds of the tables: what does not fit there can't even be buried."""

    id: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
    tenant: UUID
    topic: Annotated[str, Meta(max_length=LONGEST_WORD)]
    version: Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
    key: Annotated[str, Meta(max_length=LONGEST_WORD)]
    at: Annotated[datetime, Meta(tz=True)]
    payload: dict[str, Any]


def body_of(tenant: UUID, message: Message) -> bytes:
    """Return the body of a message: the same for all consumers."""
    return msgspec.json.encode(
        Envelope(
            message.id, tenant, message.topic, message.version, message.key, message.at,
            dict(message.payload),
        )
    )  # fmt: skip


def properties_of(consumer: str, message: Message, trace: str) -> Basic.Properties:
    """Return the properties of a message for one consumer. `trace`: "", or a W3C traceparent."""
    told = {"request_id": message.request_id, "traceparent": trace}
    return Basic.Properties(
        content_type="application/json",
        delivery_mode=PERSISTENT,
        message_id=f"{consumer}:{message.id}",
        message_type=message.topic,
        app_id="usher",
        headers={name: value for name, value in told.items() if value},
    )


def deliveries_of(delivery: DeliveredMessage) -> int:
    """Return how often this was delivered before."""
    count = headers_of(delivery).get("x-delivery-count", 0)
    return count if isinstance(count, int) else 0


def headers_of(delivery: DeliveredMessage) -> Mapping[str, Any]:
    """Return the headers."""
    return delivery.header.properties.headers or {}


def read(delivery: DeliveredMessage, tenant: UUID) -> Message:
    """Return the message in a delivery from a queue of `tenant`, or raise `Unreadable`."""
    try:
        body = msgspec.json.decode(delivery.body, type=Envelope)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable("message_malformed") from error
    if body.tenant != tenant or not FIRST_YEAR <= body.at.year <= LAST_YEAR or _has_nul(delivery):
        raise Unreadable("message_malformed")
    headers = headers_of(delivery)
    return Message(
        id=body.id, topic=body.topic, version=body.version, key=body.key, payload=body.payload,
        at=body.at, request_id=_text(headers, "request_id"),
        trace=_text(headers, "traceparent"), attempt=deliveries_of(delivery) + 1,
    )  # fmt: skip


def remains(delivery: DeliveredMessage, now: datetime) -> Message:
    """Return what is kept of a delivery that is no message to this queue's tenant: its bytes.

    Its id is below zero and made from them: it is kept once, however often it comes. Nothing that
    it says of itself is believed, not even its id: another's would stand in for the tenant's own.
    """
    digest = hashlib.sha256(delivery.body).digest()
    kept = base64.b64encode(delivery.body[:LONGEST_KEPT]).decode()
    number = -1 - (int.from_bytes(digest[:8], "big") >> 2)
    return Message(
        id=number, topic=UNREADABLE, version=0, key=f"{UNREADABLE}:{number}",
        payload={"base64": kept}, at=now, request_id="", trace="", attempt=1,
    )  # fmt: skip


def _has_nul(delivery: DeliveredMessage) -> bool:
    """Whether a text in it may have the one character that PostgreSQL's have not."""
    return NUL.search(delivery.body) is not None


def _text(headers: Mapping[str, Any], name: str) -> str:
    value = headers.get(name, "")
    good = isinstance(value, str) and len(value) <= LONGEST_WORD and "\0" not in value
    return value if good else ""
