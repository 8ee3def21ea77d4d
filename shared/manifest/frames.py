"""How several chunks travel in one answer (spec/manifest.md §6).

    frame = index u8 | length u32 | records or names of chunk `index`

A download that breaks off keeps every whole frame before the break.
"""

import struct
from typing import Final

from shared.errors import Malformed
from shared.manifest import names

HEADER: Final = struct.Struct(">BI")
MAX_SIZE: Final = names.MAX_SIZE  # of one frame's content; chunks of records are smaller
MAX_FRAMES: Final = 256  # in one answer: one of each chunk


def encode(index: int, data: bytes) -> bytes:
    """Return the frame of one chunk."""
    return HEADER.pack(index, len(data)) + data


def take(buffer: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """Return the whole frames at the start of `buffer`, and the rest, to be carried on.

    Nothing about a chunk is proved before an assembly takes it. The rest is never longer than
    one frame.
    """
    frames: list[tuple[int, bytes]] = []
    offset = 0
    while len(buffer) - offset >= HEADER.size:
        index, length = HEADER.unpack_from(buffer, offset)
        if len(frames) == MAX_FRAMES:
            raise Malformed("frame_too_many", offset)
        if length > MAX_SIZE:
            raise Malformed("frame_too_large", offset)
        end = offset + HEADER.size + length
        if end > len(buffer):
            break
        frames.append((index, buffer[offset + HEADER.size : end]))
        offset = end
    return frames, buffer[offset:]
