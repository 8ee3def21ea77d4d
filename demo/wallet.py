"""What guests carry: a ticket's code, and a phone's key for a live one.

A wallet needs nothing but `shared`: the binding is specified in shared/spec/token.md and the
API's description, the live code in shared/spec/token.md §4.
"""

import os
import struct
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Self
from uuid import UUID

from shared import hashing, keys
from shared.presentation import present
from shared.token import Token, encode_text, issue, parse

HOLDER: Final = b"usher/possession/v1\0"
BOUND: Final = struct.Struct(">16s16sHI")  # tenant, ticket, generation, unix second
STALE: Final = 300  # seconds that a recorded screen is old


class Phone(NamedTuple):
    """A phone with a key of its own."""

    secret: bytes

    @classmethod
    def new(cls) -> Self:
        """Return a phone that nobody has used."""
        return cls(keys.secret_key(os.urandom(keys.SEED_SIZE)))

    def bind(self, tenant: str, ticket: str, gen: int, at: int) -> dict[str, Any]:
        """Return the proof with which a ticket is bound to this phone."""
        said = BOUND.pack(UUID(tenant).bytes, UUID(ticket).bytes, gen, at)
        public = keys.public_key(self.secret).hex()
        return {"public": public, "at": at, "proof": keys.sign(self.secret, HOLDER, said).hex()}


@dataclass
class Ticket:
    """A guest's ticket."""

    ticket_id: str
    code: str = ""
    phone: Phone | None = None

    def live(self, at: int) -> str:
        """Return the live code of a moment."""
        if self.phone is None:
            raise ValueError("no phone is bound to it")
        return encode_text(present(parse(self.code).ticket, self.phone.secret, at))


def forged(code: str) -> str:
    """Return a code whose signature fits nothing."""
    raw = parse(code).ticket
    return encode_text(raw[:-1] + bytes((raw[-1] ^ 1,)))


def foreign(code: str) -> str:
    """Return a ticket of the same event, signed by a key that is no issuer's."""
    secret = keys.secret_key(os.urandom(keys.SEED_SIZE))
    like = parse(code).token
    kid = hashing.kid(keys.public_key(secret))
    made = Token(like.type, 0, kid, like.event, os.urandom(16), 0, 1, like.exp, like.holder_pk)
    return encode_text(issue(made, secret))
