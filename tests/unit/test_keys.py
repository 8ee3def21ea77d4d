"""Keys and signatures, as far as the table of edges does not say it."""

import pytest

from shared import keys

SEED = bytes(range(32))
PK = keys.public_key(SEED)
DOMAIN = b"usher/test/v1\0"


def test_a_seed_and_its_secret_key_are_one_secret() -> None:
    """Both forms give the same public key and the same signature."""
    secret = keys.secret_key(SEED)
    assert len(secret) == keys.SECRET_SIZE
    assert keys.secret_key(secret) is secret
    assert keys.public_key(secret) == PK
    assert keys.sign(secret, DOMAIN, b"m") == keys.sign(SEED, DOMAIN, b"m")


@pytest.mark.parametrize("size", [0, 31, 33, 63, 65])
def test_a_secret_of_another_length_is_a_bug(size: int) -> None:
    """There are secrets of 32 and of 64 bytes, and no others."""
    with pytest.raises(ValueError, match=r"^a secret has 32 or 64 bytes$"):
        keys.sign(bytes(size), DOMAIN, b"")


def test_a_signature_belongs_to_its_domain() -> None:
    """The same message under another domain is another message."""
    signature = keys.sign(SEED, DOMAIN, b"m")
    assert keys.verify(PK, DOMAIN, b"m", signature)
    assert not keys.verify(PK, b"usher/other/v1\0", b"m", signature)


def test_lengths_are_checked_before_anything_is_joined() -> None:
    """A byte moved from the signature to the message, or from one part to another, is refused."""
    signature = keys.sign(SEED, b"", b"m")
    assert keys.verify(PK, b"", b"m", signature)
    assert not keys.verify(PK, signature[63:], b"m", signature[:63])
    assert not keys.verify(PK, b"", b"", signature + b"m")
    assert not keys.verify(PK[:31], b"", b"m", signature)
    assert not keys.verify(PK + b"\0", b"", b"m", signature)


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_point_has_32_bytes(size: int) -> None:
    """Other lengths are no points, and not an error of the library's."""
    assert not keys.is_valid_point((PK + b"\0")[:size])
