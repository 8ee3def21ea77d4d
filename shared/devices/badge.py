"""A badge's code: its secret as the text of a QR code (spec/devices.md §5).

"UB1:" || base45(seed, 32 bytes) || "."
"""

from typing import Final

from shared import base45, keys
from shared.errors import Malformed

PREFIX: Final = "UB1:"
TERMINATOR: Final = "."
MAX_TEXT: Final = 64


def encode_badge(seed: bytes) -> str:
    """Return the text of a badge."""
    if len(seed) != keys.SEED_SIZE:
        raise ValueError("a seed has 32 bytes")
    return PREFIX + base45.encode(seed) + TERMINATOR


def decode_badge(text: str) -> bytes:
    """Return a badge's 32-byte seed."""
    if len(text) > MAX_TEXT or not text.isascii():
        raise Malformed("badge_text", 0)
    if not text.startswith(PREFIX) or not text.endswith(TERMINATOR):
        raise Malformed("badge_text", 0)
    try:
        seed = base45.decode(text[len(PREFIX) : -1], len(PREFIX))
    except Malformed:
        raise Malformed("badge_text", 0) from None
    if len(seed) != keys.SEED_SIZE:
        raise Malformed("badge_text", 0)
    return seed
