"""Sealed names as they travel: one per record, in the records' order (spec/manifest.md §4).

name = steps u8 | blob of 28 + 16 * steps bytes, or one zero byte for no name
"""

from collections.abc import Iterable, Iterator
from typing import Final

from shared.errors import Malformed
from shared.manifest.chunk import MAX_RECORDS
from shared.manifest.sealed import MAX_STEPS, MIN_STEPS, OVERHEAD, STEP, steps

MAX_SIZE: Final = MAX_RECORDS * (1 + OVERHEAD + MAX_STEPS * STEP)
_LENGTH: Final = (1, *(1 + OVERHEAD + STEP * number for number in range(1, MAX_STEPS + 1)))


def encode(blobs: Iterable[bytes]) -> bytes:
    """Return blobs, empty for no name, as they travel."""
    return b"".join(map(_encode, blobs))


def read(data: bytes, offset: int) -> tuple[bytes, int]:
    """Return the blob at `offset` and where it ends."""
    if offset == len(data):
        raise Malformed("names_truncated", offset)
    number = data[offset]
    if number and not MIN_STEPS <= number <= MAX_STEPS:
        raise Malformed("names_size", offset)
    end = offset + _LENGTH[number]
    if end > len(data):
        raise Malformed("names_truncated", len(data))
    return data[offset + 1 : end], end


def skip(data: bytes | bytearray, rows: int, offset: int = 0) -> int:
    """Return where the name lies that is `rows` after the one at `offset`, in checked bytes."""
    for _ in range(rows):
        offset += _LENGTH[data[offset]]
    return offset


def iterate(data: bytes) -> Iterator[bytes]:
    """Yield the blobs, or raise `Malformed` where they cease to make sense."""
    if len(data) > MAX_SIZE:
        raise Malformed("names_too_large", MAX_SIZE)
    offset = 0
    while offset < len(data):
        blob, offset = read(data, offset)
        yield blob


def _encode(blob: bytes) -> bytes:
    if not blob:
        return b"\0"
    number = steps(blob)
    if number is None:
        raise Malformed("name_length", len(blob))
    return bytes((number,)) + blob
