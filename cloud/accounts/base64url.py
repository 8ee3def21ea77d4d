"""Base64 for URLs, without padding, in its one spelling (RFC 7515 §2)."""

from base64 import b64decode, urlsafe_b64encode


def encode(data: bytes) -> str:
    """Return the text of some bytes."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """Return the bytes of a text, or raise ValueError unless `encode` would spell them so."""
    data = b64decode(text + "=" * (-len(text) % 4), altchars=b"-_")
    # Python passes over foreign characters and over the bits that the last one has too many.
    if encode(data) != text:
        raise ValueError("not base64 in its one spelling")
    return data
