"""What the gates of one site say to each other on its LAN (spec/lan.md).

    message = length of the body u32 | type u8 | body

Rules:
- Every type has a cap, and a message that is longer is refused by its first five bytes: nobody
  makes us hold what we would not read.
- A body's form is checked here; what it proves is for whoever takes it.
"""

import struct
from collections.abc import Iterable
from enum import IntEnum
from typing import Annotated, Final, NamedTuple, TypeVar

import msgspec
from msgspec import Meta
from msgspec.json import Decoder

from shared.errors import Malformed
from shared.event import U32, Strict
from shared.signed import CAPS as DOCUMENTS
from shared.signed import Hex8, Kind
from shared.wire import ENTRY, MAX_ENTRIES

PROTOCOL: Final = 1
HEADER: Final = struct.Struct(">IB")
CORRELATION: Final = struct.Struct(">I")
MAX_EVENTS: Final = 256
DIGEST: Final = 32

T = TypeVar("T", bound=msgspec.Struct)
Place = tuple[bytes, int, int]  # device, incarnation, seq
Protocol = Annotated[int, Meta(ge=1, le=0xFFFF)]
Boot = Annotated[int, Meta(ge=1, le=0xFFFF_FFFF)]


class Type(IntEnum):
    """What a message is. Numbers are API. 0x40 to 0x4e are requests, of claims.md."""

    HELLO = 0x01
    NEWS = 0x02
    PING = 0x03
    PONG = 0x04
    BYE = 0x05
    KEYSET = 0x10
    ROSTER = 0x11
    COMMAND = 0x12
    STAMP = 0x13
    RECEIPT = 0x14
    VECTOR = 0x20
    LOG = 0x21
    PUSH = 0x22
    WANT = 0x23
    ANSWER = 0x4F


PLACE: Final = struct.Struct(">16sIQ")  # device, incarnation, seq
MAX_PLACES: Final = 64
REQUESTS: Final = range(0x40, 0x4F)
MAX_REQUEST: Final = 1 << 14
MAX_ANSWER: Final = 264 << 10  # what a member tells that holds as many claims as it may
MAX_LOG: Final = 1 << 21
CAPS: Final = {
    Type.HELLO: 1 << 15,
    Type.NEWS: 1 << 15,
    Type.PING: DIGEST,
    Type.PONG: 0,
    Type.BYE: 1,
    Type.KEYSET: DOCUMENTS[Kind.KEYSET],
    Type.ROSTER: DOCUMENTS[Kind.ROSTER],
    Type.COMMAND: DOCUMENTS[Kind.COMMAND],
    Type.STAMP: 92,
    Type.RECEIPT: DOCUMENTS[Kind.RECEIPT],
    Type.VECTOR: MAX_ENTRIES * ENTRY.size,
    Type.LOG: 1 + MAX_LOG,
    Type.PUSH: 1 << 20,
    Type.WANT: MAX_PLACES * PLACE.size,
    Type.ANSWER: MAX_ANSWER,
}


class Rest(IntEnum):
    """What a log leaves out of what was asked for."""

    NOTHING = 0
    MORE = 1  # asking again brings it
    UNKNOWN = 2  # the sender can't read its disk


class Reason(IntEnum):
    """Why a connection ends, as far as the one who ends it says so."""

    OTHER = 0
    LEAVING = 1
    NOT_LISTED = 2  # no device of this site's roster
    REVOKED = 3
    DUPLICATE = 4  # another connection between the two goes on
    MALFORMED = 5
    UNTRUSTED = 6  # a document or record that nobody signed who may
    FLOOD = 7
    TOO_SLOW = 8
    PROTOCOL = 9  # no version of the protocol in common
    FULL = 10


class EventVersion(Strict, frozen=True):
    """The newest manifest of one event that a gate has in force."""

    event: Hex8
    version: U32


class News(Strict, frozen=True):
    """What a gate has in force; 0 for nothing."""

    roster: U32
    keyset: U32
    events: Annotated[tuple[EventVersion, ...], Meta(max_length=MAX_EVENTS)]


class Hello(Strict, frozen=True):
    """The first word of both sides."""

    protocol: Protocol  # the newest that the sender speaks
    incarnation: Boot  # of the sender's log: which boot this is
    number: U32  # rises with every connection that the sender dials in one boot
    session: Hex8  # drawn when the sender started: two that run with one key have two
    news: News


_NEWS: Final = Decoder(News)
_HELLO: Final = Decoder(Hello)


class Message(NamedTuple):
    """One message as it came."""

    type: int
    body: bytes


def encode(kind: int, body: bytes = b"") -> bytes:
    """Return a message; raises `ValueError` for one that no peer would read."""
    if len(body) > cap_of(kind):
        raise ValueError(f"a message of type {kind:#x} has at most {cap_of(kind)} bytes")
    return HEADER.pack(len(body), kind) + body


def decode_header(data: bytes) -> tuple[int, int]:
    """Return type and length of the message that begins with these five bytes."""
    length, kind = HEADER.unpack(data)
    if length > cap_of(kind):
        raise Malformed("lan_too_large", 0)
    return kind, length


def cap_of(kind: int) -> int:
    """Return how many bytes the body of a type may have."""
    if kind in REQUESTS:
        return MAX_REQUEST
    try:
        return CAPS[Type(kind)]
    except ValueError:
        raise Malformed("lan_type", HEADER.size - 1) from None


def encode_hello(hello: Hello) -> bytes:
    """Return the body of a hello."""
    return msgspec.json.encode(hello)


def decode_hello(body: bytes) -> Hello:
    """Return a hello; it has one spelling."""
    return _decoded(body, _HELLO)


def encode_news(news: News) -> bytes:
    """Return the body of news."""
    return msgspec.json.encode(news)


def decode_news(body: bytes) -> News:
    """Return news; they have one spelling."""
    return _decoded(body, _NEWS)


def encode_log(rest: Rest, file: bytes = b"") -> bytes:
    """Return the body of a log: a file (files.md) that answers a vector."""
    return bytes((rest,)) + file


def decode_log(body: bytes) -> tuple[Rest, bytes]:
    """Return what is left out, and the file; no file where that is not known."""
    if not body or body[0] not in set(Rest) or (body[0] == Rest.UNKNOWN) != (len(body) == 1):
        raise Malformed("lan_log", 0)
    return Rest(body[0]), body[1:]


def encode_places(places: Iterable[Place]) -> bytes:
    """Return the body of a want: places in logs, at most `MAX_PLACES`."""
    return b"".join(PLACE.pack(*place) for place in places)


def decode_places(body: bytes) -> list[Place]:
    """Return the places of records whose blobs the other side lacks."""
    if not body or len(body) % PLACE.size:
        raise Malformed("lan_places", len(body))
    return [PLACE.unpack_from(body, at) for at in range(0, len(body), PLACE.size)]


def encode_correlated(number: int, content: bytes) -> bytes:
    """Return the body of a request, or of the answer to the request of that number."""
    return CORRELATION.pack(number) + content


def decode_correlated(body: bytes) -> tuple[int, bytes]:
    """Return the number and the content."""
    if len(body) < CORRELATION.size:
        raise Malformed("lan_correlation", len(body))
    return CORRELATION.unpack_from(body)[0], body[CORRELATION.size :]


def decode_digest(body: bytes) -> bytes:
    """Return what a ping says of all that its sender holds."""
    if len(body) != DIGEST:
        raise Malformed("lan_ping", len(body))
    return body


def decode_reason(body: bytes) -> Reason:
    """Return why the other side hangs up; a reason of a later version is none in particular."""
    try:
        return Reason(body[0])
    except (IndexError, ValueError):
        return Reason.OTHER


def _decoded(body: bytes, form: Decoder[T]) -> T:
    try:
        value = form.decode(body)
        spelling = msgspec.json.encode(value)
    except (ValueError, RecursionError):  # msgspec's errors are ValueErrors
        raise Malformed("lan_hello", 0) from None
    if spelling != body:
        raise Malformed("lan_hello", 0)
    return value
