"""A picture as it comes from a source, and what is cheap to know of it.

A camera that compresses hands over JPEG bytes. They are decoded to grey only when a frame is
wanted, and for the motion gate to an eighth of the size, which skips most of the work.
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.scan.engines import Grey
from edge.scan.jpeg import decode_jpeg
from edge.scan.settings import Region

Picture = Grey | bytes

STRIDE: Final = 8
STIRRED: Final = 18  # levels by which a pixel changes when something moves
MOVING: Final = 0.003  # share of pixels
GRID: Final = (6, 8)  # tiles, rows and columns


def grey_of(picture: Picture) -> Grey | None:
    """Return the picture's grey, None if it does not decode."""
    return decode_jpeg(picture) if isinstance(picture, bytes) else picture


def sparse_of(picture: Picture) -> Grey | None:
    """Return an eighth of the picture along each side, None if it does not decode."""
    if not isinstance(picture, bytes):
        return np.ascontiguousarray(picture[::STRIDE, ::STRIDE])
    try:
        small = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_REDUCED_GRAYSCALE_8)
    except cv2.error:
        return None
    return None if small is None else np.asarray(small, np.uint8)


def stirred(sparse: Grey, before: Grey | None) -> NDArray[np.bool_]:
    """Return which pixels changed as they do when something moves; all, after a change of size."""
    if before is None or before.shape != sparse.shape:
        return np.ones(sparse.shape, np.bool_)
    return np.asarray(cv2.absdiff(sparse, before) > STIRRED, np.bool_)


def is_moving(changed: NDArray[np.bool_]) -> bool:
    """Say whether something moves, by which pixels changed."""
    return bool(np.count_nonzero(changed) > MOVING * changed.size)


def brightness(sparse: Grey) -> float:
    """Return the mean grey, 0 to 255."""
    return float(sparse.mean())


def sharpness(grey: Grey) -> float:
    """Return the variance of the Laplacian, over the picture made small and smooth.

    At full size it would measure the sensor's noise: a dim picture out of focus has more of
    that than a bright one in focus has edges.
    """
    small = cv2.resize(grey, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    smooth = cv2.GaussianBlur(small, (0, 0), 0.8)
    return float(cv2.Laplacian(smooth, cv2.CV_32F).var())


def tile_means(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean in each tile of a grid laid over the picture."""
    size = (GRID[1], GRID[0])
    return np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_AREA), np.float32)


def region_of(grey: Grey, region: Region | None) -> Grey:
    """Return the part of a picture that a gate looks at: all of it by default."""
    if region is None:
        return grey
    rows, columns = grey.shape
    left, top, width, height = region
    first, start = int(top * rows), int(left * columns)
    part = grey[first : first + round(height * rows), start : start + round(width * columns)]
    return np.ascontiguousarray(part)
