"""Tickets as signed bytes and as the text of a QR code (spec/token.md §1 to §3).

Rules:
- A type has one length and fixed offsets: there is nothing to canonicalise.
- Every text but the one that `encode_text` makes is refused.
- `parse` checks form alone and proves nothing: `shared.verify` does.
"""

import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from shared import base45, hashing, keys
from shared.errors import Malformed

STATIC: Final = 0x11
BOUND: Final = 0x12
TIMED: Final = 0x13  # a bound ticket signed again by its holder, over the time
CHALLENGED: Final = 0x14  # the same, over four bytes that the gate shows
LIVE_REQUIRED: Final = 0x01
DOMAIN: Final = b"usher/ticket/v1\0"

HEADER: Final = struct.Struct(">BB4s8s16sHHI")
HOLDER_END: Final = HEADER.size + keys.PUBLIC_SIZE
BOUND_SIZE: Final = HOLDER_END + keys.SIGNATURE_SIZE

MAX_TEXT: Final = 512
PREFIX: Final = "U1:"
NEWER_PREFIXES: Final = tuple(f"U{digit}:" for digit in range(2, 10))
TERMINATOR: Final = "."


class Form(NamedTuple):
    """What is fixed for a type: its length in bytes, and the flags that it may carry."""

    size: int
    flags: int


FORMS: Final[Mapping[int, Form]] = {
    STATIC: Form(102, 0),
    BOUND: Form(134, LIVE_REQUIRED),
    TIMED: Form(202, LIVE_REQUIRED),
    CHALLENGED: Form(202, LIVE_REQUIRED),
}


class Token(NamedTuple):
    """A ticket's fields. The type is STATIC or BOUND, however it is shown."""

    type: int
    flags: int
    kid: bytes  # 4
    event: bytes  # 8
    ticket: bytes  # 16
    gen: int
    ticket_class: int
    exp: int  # unix seconds
    holder_pk: bytes = b""  # 32 if bound


class Parsed(NamedTuple):
    """A code whose form is right and whose signatures nobody has checked yet."""

    shown: int  # its own type byte
    token: Token
    ticket: bytes  # the issuer's signed ticket in it: 102 or 134 bytes
    raw: bytes  # all of it


def encode_text(raw: bytes) -> str:
    """Return the text form of a ticket or presentation."""
    return PREFIX + base45.encode(raw) + TERMINATOR


def decode_text(text: str) -> bytes:
    """Return the bytes of a text form. Offsets of faults are in characters of the text."""
    if len(text) > MAX_TEXT:
        raise Malformed("too_long", MAX_TEXT)
    if not text.isascii():
        raise Malformed("not_ascii", next(i for i, char in enumerate(text) if not char.isascii()))
    if not text.startswith(PREFIX):
        raise Malformed("unknown_prefix" if text.startswith(NEWER_PREFIXES) else "not_a_ticket", 0)
    if not text.endswith(TERMINATOR):
        raise Malformed("no_terminator", len(text))
    return base45.decode(text[len(PREFIX) : -1], len(PREFIX))


def parse(text: str) -> Parsed:
    """Return what a code says, by its form alone."""
    return parse_bytes(decode_text(text))


def parse_bytes(raw: bytes) -> Parsed:
    """Return what a code's bytes say. From here on, offsets are in bytes."""
    if not raw:
        raise Malformed("wrong_length", 0)
    form = FORMS.get(raw[0])
    if form is None:
        raise Malformed("unknown_type", 0)
    if len(raw) != form.size:
        raise Malformed("wrong_length", len(raw))
    if raw[1] & ~form.flags:
        raise Malformed("reserved_flags", 1)
    token = Token(*HEADER.unpack_from(raw))
    if token.type == STATIC:
        return Parsed(STATIC, token, raw, raw)
    bound = token._replace(type=BOUND, holder_pk=raw[HEADER.size : HOLDER_END])
    return Parsed(token.type, bound, bytes((BOUND,)) + raw[1:BOUND_SIZE], raw)


def issue(token: Token, secret: bytes) -> bytes:
    """Return the signed ticket."""
    return next(issue_many((token,), secret))


def issue_many(tokens: Iterable[Token], secret: bytes) -> Iterator[bytes]:
    """Yield the signed tickets, in order. All of them name the secret's own kid."""
    secret = keys.secret_key(secret)
    kid = hashing.kid(keys.public_key(secret))
    for token in tokens:
        if token.kid != kid:
            raise ValueError("the ticket names another issuer key")
        body = _pack(token)
        yield body + keys.sign(secret, DOMAIN, body)


def _pack(token: Token) -> bytes:
    if token.type not in (STATIC, BOUND) or token.flags & ~FORMS[token.type].flags:
        raise ValueError("only static and bound tickets are issued, with the flags of their type")
    if (len(token.event), len(token.ticket)) != (8, 16):
        raise ValueError("an event has 8 bytes and a ticket 16")
    try:
        body = HEADER.pack(*token[:-1]) + token.holder_pk
    except struct.error as error:
        raise ValueError("a number is out of its range") from error
    if len(body) + keys.SIGNATURE_SIZE != FORMS[token.type].size:
        raise ValueError("a holder key has 32 bytes, and only a bound ticket has one")
    return body
