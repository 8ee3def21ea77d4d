"""The keys of a search list: one for each part, and the series' own, sealed to badges.

    part key  HKDF-SHA256(series key, no salt,
                          info = "usher/search-part/v1\\0" || event || series || place u32 || salt)
    sealed    ephemeral X25519 key 32 || ChaCha20-Poly1305-IETF(kek, zero nonce, series key)
    kek       HKDF-SHA256(X25519(ephemeral, badge), no salt, info =
                          "usher/search-key/v1\\0" || ephemeral key || badge key || event || series)

A part's salt is new each time it is written, and the ephemeral key for each badge and series:
so no key meets its zero nonce twice, though a place is written again (spec/files.md §3).
"""

from typing import Final, NamedTuple

from nacl.bindings import (
    crypto_aead_chacha20poly1305_ietf_decrypt,
    crypto_aead_chacha20poly1305_ietf_encrypt,
    crypto_scalarmult,
    crypto_scalarmult_base,
    crypto_sign_ed25519_pk_to_curve25519,
    crypto_sign_ed25519_sk_to_curve25519,
)
from nacl.exceptions import CryptoError

from shared.errors import Untrusted
from shared.manifest.sealed import hkdf

KEY_SIZE: Final = 32
SALT_SIZE: Final = 32
TAG_SIZE: Final = 16
NONCE: Final = bytes(12)


class Series(NamedTuple):
    """One run of a list, under one key. `number`: 16 random bytes, `key`: 32."""

    event: bytes
    number: bytes
    key: bytes


def seal_text(series: Series, place: int, text: bytes, salt: bytes) -> bytes:
    """Return a part as it travels. `salt`: 32 random bytes, never used before."""
    key = _part_key(series, place, salt)
    return salt + crypto_aead_chacha20poly1305_ietf_encrypt(text, b"", NONCE, key)


def open_text(series: Series, place: int, part: bytes) -> bytes:
    """Return the text of a part, or raise `Untrusted`."""
    salt, sealed = part[:SALT_SIZE], part[SALT_SIZE:]
    if len(sealed) < TAG_SIZE:  # the library takes a negative length for a fault of ours
        raise Untrusted("search_sealed")
    try:
        return crypto_aead_chacha20poly1305_ietf_decrypt(
            sealed, b"", NONCE, _part_key(series, place, salt)
        )
    except CryptoError:
        raise Untrusted("search_sealed") from None


def wrap(series: Series, pk: bytes, secret: bytes) -> bytes:
    """Return the series' key, sealed to a badge. `secret`: 32 random bytes, never used before."""
    ephemeral = crypto_scalarmult_base(secret)
    agreed = crypto_scalarmult(secret, crypto_sign_ed25519_pk_to_curve25519(pk))
    kek = _kek(agreed, ephemeral, pk, series.event + series.number)
    return ephemeral + crypto_aead_chacha20poly1305_ietf_encrypt(series.key, b"", NONCE, kek)


def unwrap(sealed: bytes, secret: bytes, pk: bytes, event: bytes, number: bytes) -> Series:
    """Return the series, with the badge (64-byte secret and public key) that it is sealed to."""
    ephemeral, box = sealed[:KEY_SIZE], sealed[KEY_SIZE:]
    try:
        agreed = crypto_scalarmult(crypto_sign_ed25519_sk_to_curve25519(secret), ephemeral)
        kek = _kek(agreed, ephemeral, pk, event + number)
        key = crypto_aead_chacha20poly1305_ietf_decrypt(box, b"", NONCE, kek)
    except CryptoError:
        raise Untrusted("search_sealed") from None
    return Series(event, number, key)


def _part_key(series: Series, place: int, salt: bytes) -> bytes:
    info = b"usher/search-part/v1\0" + series.event + series.number + place.to_bytes(4, "big")
    return hkdf(series.key, b"", info + salt, KEY_SIZE)


def _kek(agreed: bytes, ephemeral: bytes, pk: bytes, place: bytes) -> bytes:
    info = b"usher/search-key/v1\0" + ephemeral + pk + place
    return hkdf(agreed, b"", info, KEY_SIZE)
