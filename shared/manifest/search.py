"""Who holds which ticket, for supervisors alone: a list sealed to their badges (spec/files.md §3).

    head    signed document of kind search: event, version, hash of the sealed entries, and
            the entries' key sealed to each badge
    entries ChaCha20-Poly1305-IETF(key, zero nonce, MessagePack of all entries)
    sealed  ephemeral X25519 key 32 || ChaCha20-Poly1305-IETF(kek, zero nonce, key)
    kek     HKDF-SHA256(X25519(ephemeral, badge), no salt,
                        info = "usher/search-key/v1\\0" || ephemeral key || badge key || event)

The key is new for each version and the ephemeral key for each badge, so no nonce is used
twice. A device holds it sealed; it is open while a supervisor is signed in.
"""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Annotated, Final

import msgspec
from msgspec import Meta
from nacl.bindings import (
    crypto_aead_chacha20poly1305_ietf_decrypt,
    crypto_aead_chacha20poly1305_ietf_encrypt,
    crypto_scalarmult,
    crypto_scalarmult_base,
    crypto_sign_ed25519_pk_to_curve25519,
    crypto_sign_ed25519_sk_to_curve25519,
)
from nacl.exceptions import CryptoError

from shared import hashing, keys
from shared.errors import Malformed, Refused, Untrusted
from shared.event import U16, Note, Strict
from shared.instant import Instant
from shared.keyset import TrustedKeys, Version
from shared.manifest.sealed import hkdf
from shared.signed import Hex8, Hex16, Hex32, Kind, open_signed

KEY_SIZE: Final = 32
NONCE: Final = bytes(12)
MAX_ENTRIES_SIZE: Final = 1 << 28

Sealed = Annotated[str, Meta(pattern=r"\A[0-9a-f]{160}\Z")]


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One ticket and what people call it by. `order`: the purchase's reference."""

    ticket: bytes  # 16: id hash
    name: Note
    seat: Note
    order: Note
    ticket_class: U16


class SearchHead(Strict, frozen=True):
    """What a manifest key signs. `keys`: the entries' key by badge id."""

    event: Hex8
    version: Version
    entries: Hex32  # SHA-256 of the sealed entries
    keys: dict[Hex16, Sealed]


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(list[Entry])


def seal_entries(entries: Iterable[Entry], key: bytes) -> bytes:
    """Return the sealed entries. `key`: 32 random bytes, never used before."""
    text = _ENCODER.encode(list(entries))
    return crypto_aead_chacha20poly1305_ietf_encrypt(text, b"", NONCE, key)


def make_head(
    event: bytes, version: int, entries: bytes, key: bytes, badges: Mapping[bytes, bytes]
) -> SearchHead:
    """Return the head of sealed entries. `badges`: for each public key 32 new random bytes."""
    sealed = {
        hashing.badge_id(pk).hex(): _wrap(key, pk, secret, event).hex()
        for pk, secret in badges.items()
    }
    return SearchHead(event.hex(), version, sha256(entries).hexdigest(), sealed)


def open_search_head(raw: bytes, trusted: TrustedKeys, now: Instant) -> SearchHead:
    """Return the head that a manifest key signed."""
    return open_signed(Kind.SEARCH, raw, trusted.of("manifest", now), SearchHead)


def check_entries(head: SearchHead, entries: bytes) -> None:
    """Raise `Untrusted` unless these are the sealed entries that a head names."""
    if len(entries) > MAX_ENTRIES_SIZE or sha256(entries).hexdigest() != head.entries:
        raise Untrusted("search_hash")


def open_entries(head: SearchHead, entries: bytes, badge_secret: bytes) -> list[Entry]:
    """Return the entries, with the badge that they are sealed to."""
    check_entries(head, entries)
    secret = keys.secret_key(badge_secret)
    pk = keys.public_key(secret)
    sealed = head.keys.get(hashing.badge_id(pk).hex())
    if sealed is None:
        raise Refused("search_not_for_badge")
    try:
        key = _unwrap(bytes.fromhex(sealed), secret, pk, bytes.fromhex(head.event))
        text = crypto_aead_chacha20poly1305_ietf_decrypt(entries, b"", NONCE, key)
    except CryptoError:
        raise Untrusted("search_sealed") from None
    try:
        return _DECODER.decode(text)
    except msgspec.DecodeError:
        raise Malformed("search_text") from None


def _kek(shared_secret: bytes, ephemeral: bytes, pk: bytes, event: bytes) -> bytes:
    info = b"usher/search-key/v1\0" + ephemeral + pk + event
    return hkdf(shared_secret, b"", info, KEY_SIZE)


def _wrap(key: bytes, pk: bytes, secret: bytes, event: bytes) -> bytes:
    ephemeral = crypto_scalarmult_base(secret)
    agreed = crypto_scalarmult(secret, crypto_sign_ed25519_pk_to_curve25519(pk))
    kek = _kek(agreed, ephemeral, pk, event)
    return ephemeral + crypto_aead_chacha20poly1305_ietf_encrypt(key, b"", NONCE, kek)


def _unwrap(sealed: bytes, secret: bytes, pk: bytes, event: bytes) -> bytes:
    ephemeral, box = sealed[:KEY_SIZE], sealed[KEY_SIZE:]
    agreed = crypto_scalarmult(crypto_sign_ed25519_sk_to_curve25519(secret), ephemeral)
    kek = _kek(agreed, ephemeral, pk, event)
    return crypto_aead_chacha20poly1305_ietf_decrypt(box, b"", NONCE, kek)
