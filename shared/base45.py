"""Base45 as in RFC 9285, with one spelling for every byte string (spec/token.md §2).

Rules: only the 45 characters, in upper case; a group of three is at most 0xFFFF, a last pair
at most 0xFF; no length that leaves one character over. So `encode(decode(text)) == text`
wherever `decode` returns.

`decode` is on the path of every scan. It works on all groups at once: each character column
is spread over 4-byte lanes of one large integer, and no lane can carry into its neighbour
(44 + 44 * 45 + 44 * 2025 < 2**32).
"""

from typing import Final

from shared.errors import Malformed

ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
OUTSIDE: Final = 0xFF  # in VALUES, for every byte that is no character of the alphabet
VALUES: Final = bytes(ALPHABET.find(chr(b)) & OUTSIDE for b in range(256))
PAIRS: Final = [low + high for high in ALPHABET for low in ALPHABET]


def encode(data: bytes) -> str:
    """Return the text of `data`."""
    groups = []
    for i in range(0, len(data) - 1, 2):
        high, low = divmod(data[i] << 8 | data[i + 1], 2025)
        groups.append(PAIRS[low] + ALPHABET[high])
    if len(data) % 2:
        groups.append(PAIRS[data[-1]])
    return "".join(groups)


def decode(text: str, at: int = 0) -> bytes:
    """Return the bytes of `text`. A fault's offset counts `at` characters before it."""
    values = text.encode("ascii", "replace").translate(VALUES)
    if OUTSIDE in values:
        raise Malformed("base45_alphabet", at + values.index(OUTSIDE))
    groups, rest = divmod(len(values), 3)
    if rest == 1:
        raise Malformed("base45_length", at + len(values))
    data = _groups(values[: 3 * groups], groups, at)
    if not rest:
        return data
    last = values[-2] + 45 * values[-1]
    if last > 0xFF:
        raise Malformed("base45_pair", at + len(values) - 2)
    return data + bytes((last,))


def _groups(values: bytes, count: int, at: int) -> bytes:
    low, mid, high = (_lanes(values[i::3], count) for i in range(3))
    lanes = (low + 45 * mid + 2025 * high).to_bytes(4 * count, "big")
    if any(lanes[1::4]):  # the topmost byte is zero by the bound above
        offset = next(i for i, byte in enumerate(lanes[1::4]) if byte)
        raise Malformed("base45_triplet", at + 3 * offset)
    data = bytearray(2 * count)
    data[0::2] = lanes[2::4]
    data[1::2] = lanes[3::4]
    return bytes(data)


def _lanes(column: bytes, count: int) -> int:
    lanes = bytearray(4 * count)
    lanes[3::4] = column
    return int.from_bytes(lanes, "big")
