"""Bytes of which somebody changed one bit."""


def flipped(raw: bytes, at: int = -1) -> bytes:
    """Return the same but for one bit of the byte at `at`."""
    changed = bytearray(raw)
    changed[at] ^= 1
    return bytes(changed)
