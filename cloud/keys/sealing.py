"""Private keys at rest: sealed under a master key that the database never sees.

    version 1 | master key's id 8 | nonce 24 | XChaCha20-Poly1305 of the secret, and its tag 16

- The header and the context (what the secret is, such as `event-key/<id>`) are authenticated:
  a sealed secret that is moved to another row does not open there.
- A nonce of 24 random bytes never repeats in practice, so nothing has to count.
- The id is a hash of the master key: a sealed secret says which of several opens it. Only the
  newest seals. To rotate: add a new one, seal again what `needs_reseal`, drop the old one.
- Whatever is wrong, the key, the context, the length or a bit, is one error: telling them apart
  would help nobody but an attacker.

**A KMS.** A `Sealer` is synchronous and never waits, because requests seal too. A KMS is
asked by `open_envelope`, once, at the start: it unwraps the master keys, and memory does the
rest. So no request waits for a KMS, and its outage stops no sale. The price is that the master
key is in this process's memory, where the keys that it seals are anyway.
"""

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
)
from nacl.exceptions import CryptoError

KEY_SIZE: Final = 32
VERSION: Final = b"\x01"
NONCE_SIZE: Final = 24
_ID_SIZE: Final = 8
_TAG_SIZE: Final = 16
_HEADER: Final = len(VERSION) + _ID_SIZE
_ID_DOMAIN: Final = b"usher master key id\0"
_TAG_DOMAIN: Final = b"usher master key tag\0"


class SealBroken(Exception):
    """A sealed secret that does not open: one code for every cause."""

    code: Final = "seal_broken"

    def __str__(self) -> str:
        return "A sealed key does not open: another master key, another place, or damage."


class Sealer(Protocol):
    """What keeps secrets at rest, without waiting for anything."""

    def seal(self, secret: bytes, context: str) -> bytes:
        """Return `secret` in a form that may be stored."""

    def unseal(self, sealed: bytes, context: str) -> bytes:
        """Return the secret, or raise SealBroken."""

    def needs_reseal(self, sealed: bytes) -> bool:
        """Say whether an older master key than the newest has sealed this."""

    def tags(self, told: bytes, context: str) -> Sequence[bytes]:
        """Return what proves that `told` is from here: of the newest master key first."""


class KeyService(Protocol):
    """A KMS or an HSM, as far as we need one."""

    async def unwrap(self, wrapped: bytes) -> bytes:
        """Return the master key that the service once wrapped."""


class MasterKey:
    """A `Sealer` with the newest master key, and older ones that still open."""

    def __init__(
        self,
        newest: bytes,
        older: Sequence[bytes] = (),
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        if any(len(key) != KEY_SIZE for key in (newest, *older)):
            raise ValueError("a master key has 32 bytes")
        self._random = random
        self._id = _key_id(newest)
        self._keys = {_key_id(key): key for key in (newest, *older)}

    def seal(self, secret: bytes, context: str) -> bytes:
        """Seal with the newest master key."""
        header, nonce = VERSION + self._id, self._random(NONCE_SIZE)
        body = crypto_aead_xchacha20poly1305_ietf_encrypt(
            secret, _bound(header, context), nonce, self._keys[self._id]
        )
        return header + nonce + body

    def unseal(self, sealed: bytes, context: str) -> bytes:
        """Open with the master key that the header names."""
        header, nonce, body = _parts(sealed)
        key = self._keys.get(header[len(VERSION) :])
        if key is None:
            raise SealBroken
        try:
            return crypto_aead_xchacha20poly1305_ietf_decrypt(
                body, _bound(header, context), nonce, key
            )
        except CryptoError:
            raise SealBroken from None

    def needs_reseal(self, sealed: bytes) -> bool:
        """Say whether the newest master key did not seal this."""
        return _parts(sealed)[0] != VERSION + self._id

    def tags(self, told: bytes, context: str) -> list[bytes]:
        """Return a tag of 32 bytes by each master key, the newest first: nothing is hidden."""
        of = hashlib.sha256(_TAG_DOMAIN + context.encode()).digest()
        return [hmac.digest(key, of + told, hashlib.sha256) for key in self._keys.values()]

    def __repr__(self) -> str:
        return f"MasterKey({self._id.hex()}, {len(self._keys) - 1} older)"


async def open_envelope(
    service: KeyService, newest: bytes, older: Sequence[bytes] = ()
) -> MasterKey:
    """Return the `Sealer` of master keys that are stored wrapped by `service`."""
    keys = [await service.unwrap(wrapped) for wrapped in (newest, *older)]
    return MasterKey(keys[0], keys[1:])


def parse_master_key(text: str) -> bytes:
    """Return the key of an environment's text: 64 hexadecimal digits, or base64.

    Raises ValueError with a sentence that does not repeat the text.
    """
    bare = text.strip()
    for decode in (bytes.fromhex, _base64):
        try:
            key = decode(bare)
        except ValueError:
            continue
        if len(key) == KEY_SIZE:
            return key
    raise ValueError("A master key is 32 bytes: 64 hexadecimal digits, or 44 of base64.")


def _base64(text: str) -> bytes:
    padded = text + "=" * (-len(text) % 4)
    try:
        return base64.b64decode(padded.replace("-", "+").replace("_", "/"), validate=True)
    except binascii.Error:
        raise ValueError("not base64") from None


def _parts(sealed: bytes) -> tuple[bytes, bytes, bytes]:
    body = _HEADER + NONCE_SIZE
    if len(sealed) < body + _TAG_SIZE or not sealed.startswith(VERSION):
        raise SealBroken
    return sealed[:_HEADER], sealed[_HEADER:body], sealed[body:]


def _bound(header: bytes, context: str) -> bytes:
    return header + context.encode()


def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(_ID_DOMAIN + key).digest()[:_ID_SIZE]
