"""The envelope of every signed document (spec/README.md, "Signed documents").

    magic "USHD" | kind u8 | version u8 = 1 | kid of the signer 4 | body length u32 | body |
    Ed25519(secret, "usher/<kind>/v1\\0" || everything before)

Rules:
- Size first, then the frame, then the signature, and only then the body: no parser ever sees
  bytes that nobody we trust has signed.
- The body is JSON and equals its own re-encoding: one spelling. That refuses white space,
  duplicate and unknown keys, left-out defaults and `1.0` for `1` by one rule.
- The kid finds the key and proves nothing.

Forms are read by decoders that are made once, when their module is loaded. `msgspec.json.decode`
with a type has msgspec learn the type at its first use; of two threads that are at it in one moment
the second reads what the first has half written, and the whole process dies.
"""

import struct
from collections.abc import Mapping
from enum import IntEnum
from typing import Annotated, Final, TypeVar

import msgspec
from msgspec.json import Decoder

from shared import hashing, keys
from shared.errors import Malformed, Untrusted

MAGIC: Final = b"USHD"
VERSION: Final = 1
HEADER: Final = struct.Struct(">4sBB4sI")


class Kind(IntEnum):
    """What a document is. The lower-case name is part of the signature's domain."""

    KEYSET = 1
    MANIFEST = 2
    ROSTER = 3
    COMMAND = 4
    SEARCH = 5
    RECEIPT = 6

    @property
    def domain(self) -> bytes:
        """The domain of this kind's signatures."""
        return b"usher/%s/v1\0" % self.name.lower().encode()


CAPS: Final[Mapping[Kind, int]] = {  # bytes of a whole document
    Kind.KEYSET: 1 << 20,
    Kind.MANIFEST: 1 << 20,
    Kind.ROSTER: 1 << 20,
    Kind.COMMAND: 1 << 14,
    Kind.SEARCH: 1 << 20,
    Kind.RECEIPT: 1 << 18,
}

# Binary fields and 64-bit ids of a body: lower-case hex, since JavaScript's numbers end at 2^53.
Hex4 = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{8}\Z")]
Hex8 = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{16}\Z")]
Hex16 = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{32}\Z")]
Hex32 = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]

T = TypeVar("T", bound=msgspec.Struct)


def seal(kind: Kind, document: msgspec.Struct, secret: bytes) -> bytes:
    """Return `document` as signed bytes."""
    body = msgspec.json.encode(document)
    kid = hashing.kid(keys.public_key(secret))
    message = HEADER.pack(MAGIC, kind, VERSION, kid, len(body)) + body
    if len(message) + keys.SIGNATURE_SIZE > CAPS[kind]:
        raise ValueError(f"a {kind.name.lower()} has at most {CAPS[kind]} bytes")
    return message + keys.sign(secret, kind.domain, message)


def open_signed(
    kind: Kind, data: bytes, trusted: bytes | Mapping[bytes, bytes], form: Decoder[T]
) -> T:
    """Return the document that one of the `trusted` keys (one key, or kid to key) signed."""
    kid, body_end = _frame(kind, data)
    if isinstance(trusted, bytes):
        trusted = {hashing.kid(trusted): trusted}
    pk = trusted.get(kid)
    if pk is None:
        raise Untrusted("document_unknown_key", 6)
    if not keys.verify(pk, kind.domain, data[:body_end], data[body_end:]):
        raise Untrusted("document_bad_signature", body_end)
    return _body(data[HEADER.size : body_end], form)


def signer_kid(data: bytes) -> bytes:
    """Return the kid that a document which was opened before names as its signer."""
    return data[6:10]


def _frame(kind: Kind, data: bytes) -> tuple[bytes, int]:
    """Check everything around the body; return the signer's kid and where the body ends."""
    if len(data) > CAPS[kind]:
        raise Malformed("document_too_large", CAPS[kind])
    if len(data) < HEADER.size + keys.SIGNATURE_SIZE:
        raise Malformed("document_truncated", len(data))
    magic, number, version, kid, length = HEADER.unpack_from(data)
    if magic != MAGIC:
        raise Malformed("document_magic", 0)
    if version != VERSION:
        raise Malformed("document_version", 5)
    if number != kind:
        raise Malformed("document_kind", 4)
    if HEADER.size + length + keys.SIGNATURE_SIZE != len(data):
        raise Malformed("document_length", 10)
    return kid, HEADER.size + length


def _body(body: bytes, form: Decoder[T]) -> T:
    try:
        value = form.decode(body)
        spelling = msgspec.json.encode(value)
    except (ValueError, RecursionError):  # msgspec's errors are ValueErrors
        raise Malformed("document_body", HEADER.size) from None
    if spelling != body:
        raise Malformed("document_spelling", HEADER.size)
    return value
