"""A guest's name and seat, readable only with the ticket's code in hand (spec/manifest.md §4).

    key  = HKDF-SHA256(ikm = ticket || issuer signature, no salt,
                       info = "usher/name-key/v1\\0" || event || gen, 32 bytes)
    blob = nonce 12 || ChaCha20-Poly1305-IETF(key, nonce, text, aad), tag last
    aad  = "usher/name/v1\\0" || event || ticket hash
    text = name length u8 | name | seat length u8 | seat | zeros up to 32, 48, 64, …

A device holds the ticket's hash, never the ticket or the issuer's signature: whoever steals
the device reads no name. The zeros hide the length of most names.
"""

import hmac
import struct
from typing import Final, NamedTuple

from nacl.bindings import (
    crypto_aead_chacha20poly1305_ietf_decrypt,
    crypto_aead_chacha20poly1305_ietf_encrypt,
)
from nacl.exceptions import CryptoError

from shared import hashing, keys
from shared.errors import Malformed, Untrusted

NONCE_SIZE: Final = 12
OVERHEAD: Final = NONCE_SIZE + 16  # and the tag
STEP: Final = 16
MIN_STEPS: Final = 2
MAX_STEPS: Final = 12
MAX_NAME: Final = 120  # bytes of UTF-8
MAX_SEAT: Final = MAX_STEPS * STEP - MAX_NAME - 2

# The start of an issued ticket (spec/token.md §1): type, flags and kid, then event, id, gen.
_TICKET: Final = struct.Struct(">6x8s16s2s")


class Name(NamedTuple):
    """Who a ticket was sold to, and where they sit. Either may be empty."""

    name: str
    seat: str


def seal(name: Name, ticket: bytes, nonce: bytes) -> bytes:
    """Return the blob that opens with `ticket`, an issuer-signed ticket.

    The nonce is 12 random bytes, and never used twice with one ticket.
    """
    key, aad = _key(ticket)
    sealed = crypto_aead_chacha20poly1305_ietf_encrypt(_encode(name), aad, nonce, key)
    return nonce + sealed


def open_sealed(blob: bytes, ticket: bytes) -> Name:
    """Return the name in `blob`; `ticket` is the issuer-signed ticket that was scanned."""
    if steps(blob) is None:
        raise Malformed("name_length", len(blob))
    key, aad = _key(ticket)
    nonce, sealed = blob[:NONCE_SIZE], blob[NONCE_SIZE:]
    try:
        text = crypto_aead_chacha20poly1305_ietf_decrypt(sealed, aad, nonce, key)
    except CryptoError:
        raise Untrusted("name_sealed") from None
    return _decode(text)


def steps(blob: bytes) -> int | None:
    """Return how many 16-byte steps of text are in a blob of this length, if it is one."""
    number, rest = divmod(len(blob) - OVERHEAD, STEP)
    return number if not rest and MIN_STEPS <= number <= MAX_STEPS else None


def hkdf(ikm: bytes, salt: bytes, info: bytes, size: int) -> bytes:
    """RFC 5869 with SHA-256. An empty salt is the RFC's default of zeros."""
    prk = hmac.digest(salt, ikm, "sha256")
    block = output = b""
    for number in range(1, -(-size // 32) + 1):
        block = hmac.digest(prk, block + info + bytes((number,)), "sha256")
        output += block
    return output[:size]


def _key(ticket: bytes) -> tuple[bytes, bytes]:
    """Return the key and the associated data of an issuer-signed ticket's name."""
    event, ticket_id, gen = _TICKET.unpack_from(ticket)
    signature = ticket[-keys.SIGNATURE_SIZE :]
    key = hkdf(ticket_id + signature, b"", b"usher/name-key/v1\0" + event + gen, 32)
    return key, b"usher/name/v1\0" + event + hashing.id_hash(ticket_id)


def _encode(name: Name) -> bytes:
    parts = [part.encode() for part in name]
    if len(parts[0]) > MAX_NAME or len(parts[1]) > MAX_SEAT:
        raise Malformed("name_too_long")
    text = b"".join(bytes((len(part),)) + part for part in parts)
    size = max(MIN_STEPS * STEP, -(-len(text) // STEP) * STEP)
    return text.ljust(size, b"\0")


def _decode(text: bytes) -> Name:
    """Return the name that `text` spells; it is the only spelling of that name."""
    seat = 1 + text[0]
    size = text[seat] if seat < len(text) else 0
    try:
        name = Name(text[1:seat].decode(), text[seat + 1 : seat + 1 + size].decode())
        if _encode(name) == text:
            return name
    except (UnicodeDecodeError, Malformed):
        pass
    raise Malformed("name_text")
