"""Ed25519 keys and signatures (spec/README.md, "Signatures").

Rules:
- A message is always signed under a domain that ends in a zero byte, so that a signature
  made for one purpose never verifies for another.
- A secret is a 32-byte seed or, for speed, the 64 bytes that `secret_key` makes of it.
- Lengths are checked here: the C library would read past the end of a short key.
"""

from typing import Final

from nacl.bindings import (
    crypto_core_ed25519_is_valid_point,
    crypto_sign,
    crypto_sign_open,
    crypto_sign_seed_keypair,
)
from nacl.exceptions import BadSignatureError

SEED_SIZE: Final = 32
SECRET_SIZE: Final = 64
PUBLIC_SIZE: Final = 32
SIGNATURE_SIZE: Final = 64


def secret_key(secret: bytes) -> bytes:
    """Return the 64 bytes (seed and public key) that `sign` works with."""
    if len(secret) == SECRET_SIZE:
        return secret
    if len(secret) != SEED_SIZE:
        raise ValueError("a secret has 32 or 64 bytes")
    return crypto_sign_seed_keypair(secret)[1]


def public_key(secret: bytes) -> bytes:
    """Return the 32-byte public key of a seed or secret key."""
    return secret_key(secret)[SEED_SIZE:]


def sign(secret: bytes, domain: bytes, message: bytes) -> bytes:
    """Return the 64-byte signature of `message` under `domain`."""
    return crypto_sign(domain + message, secret_key(secret))[:SIGNATURE_SIZE]


def verify(pk: bytes, domain: bytes, message: bytes, signature: bytes) -> bool:
    """Say whether `signature` is `pk`'s over `message` under `domain`.

    A signature of another length is refused before it is joined to the message: its missing
    bytes would be taken from the domain.
    """
    if len(pk) != PUBLIC_SIZE or len(signature) != SIGNATURE_SIZE:
        return False
    try:
        crypto_sign_open(signature + domain + message, pk)
    except BadSignatureError:
        return False
    return True


def is_valid_point(pk: bytes) -> bool:
    """Say whether `pk` is a canonical point of the prime-order group, and not its identity.

    A small-order key makes one constant signature fit every message (spec/token.md §6).
    """
    return len(pk) == PUBLIC_SIZE and crypto_core_ed25519_is_valid_point(pk)
