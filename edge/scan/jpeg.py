"""Pictures that browsers post: JPEG bytes to grey, with limits that hold before any decoding."""

from typing import Final

import cv2
import numpy as np

from edge.scan.engines import Grey

MAX_BYTES: Final = 8 << 20
MAX_SIDE: Final = 4096  # px
START: Final = b"\xff\xd8"
FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # headers that name a size
BARE: Final = frozenset((0x01, *range(0xD0, 0xD9)))  # markers without a length
ENDS: Final = frozenset((0xD9, 0xDA))  # of the picture, and of its headers
HOW: Final = cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION  # a code has no right way up


def decode_jpeg(data: bytes) -> Grey | None:
    """Return a JPEG picture's grey, None if it is none or larger than the limits."""
    if len(data) > MAX_BYTES:
        return None
    size = jpeg_size(data)
    if size is None or not 0 < min(size) <= max(size) <= MAX_SIDE:
        return None
    try:
        grey = cv2.imdecode(np.frombuffer(data, np.uint8), HOW)
    except cv2.error:
        return None
    return None if grey is None or grey.ndim != 2 else np.asarray(grey, np.uint8)


def jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Return rows and columns by a JPEG picture's first frame header, None without one."""
    if data[:2] != START:
        return None
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker in FRAMES:
            return int.from_bytes(data[at + 5 : at + 7]), int.from_bytes(data[at + 7 : at + 9])
        if marker in ENDS:
            return None
        at += _step(marker, data[at + 2 : at + 4])
    return None


def _step(marker: int, length: bytes) -> int:
    if marker == 0xFF:  # padding before a marker
        return 1
    return 2 if marker in BARE else 2 + max(2, int.from_bytes(length))
