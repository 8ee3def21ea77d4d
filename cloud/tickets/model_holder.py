"""A phone's key, and its proof that it is the phone's: what is signed, byte for byte. Pure.

    "usher/possession/v1" 00 | tenant 16 | ticket 16 | gen 2 | at 4

`gen` is the ticket's generation as it is before the binding, `at` the unix second of signing,
both big-endian. A binding raises the generation, so that a proof binds once; the first binding
of a live ticket does not, and repeated it binds the same key to the same ticket.
"""

import struct
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

import msgspec
from msgspec import Meta

from shared import keys

DOMAIN: Final = b"usher/possession/v1\0"
SIGNED: Final = struct.Struct(">16s16sHI")
PAST: Final = 300  # seconds that a proof may be old
FUTURE: Final = 60  # seconds that a phone's clock may be fast


class Binding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The key of a phone, with its proof of possession."""

    public: Annotated[
        str, Meta(pattern=r"\A[0-9a-f]{64}\Z", description="Ed25519 public key, in hex.")
    ]
    at: Annotated[
        int, Meta(ge=0, le=2**32 - 1, description="Unix second at which the proof was signed.")
    ]
    proof: Annotated[
        str,
        Meta(
            pattern=r"\A[0-9a-f]{128}\Z",
            description="Ed25519 signature, in hex, over `usher/possession/v1`, a zero byte, the"
            " tenant's id, the ticket's id, its gen (2 bytes) and `at` (4 bytes).",
        ),
    ]

    @property
    def key(self) -> bytes:
        """The public key's bytes."""
        return bytes.fromhex(self.public)


def message(tenant: UUID, ticket: UUID, gen: int, at: int) -> bytes:
    """Return what a phone signs, without the domain."""
    return SIGNED.pack(tenant.bytes, ticket.bytes, gen, at)


def prove(secret: bytes, tenant: UUID, ticket: UUID, gen: int, at: int) -> Binding:
    """Return the binding that a phone sends."""
    proof = keys.sign(secret, DOMAIN, message(tenant, ticket, gen, at))
    return Binding(keys.public_key(secret).hex(), at, proof.hex())


def fault(binding: Binding, tenant: UUID, ticket: UUID, gen: int, now: datetime) -> str | None:
    """Return why a binding is not taken."""
    if not keys.is_valid_point(binding.key):
        return "holder_key_weak"
    if not -FUTURE <= int(now.timestamp()) - binding.at <= PAST:
        return "holder_proof_stale"
    signed = message(tenant, ticket, gen, binding.at)
    proved = keys.verify(binding.key, DOMAIN, signed, bytes.fromhex(binding.proof))
    return None if proved else "holder_proof_bad"
