"""Where in a picture something looks like a code, read or not.

A code is dense in corners: its grey changes strongly along and across at once, everywhere.
The smaller eigenvalue of the structure tensor measures just that; edges and lines alone have
none of it, and noise has the same of it all over, so it is taken away with the median.
"""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.scan.engines import Box, Found, Grey

WIDTH: Final = 640  # px; the picture is looked at about so wide
CELL: Final = 8  # px of that
MARGIN: Final = 2  # cells around, for the quiet zone
SMALLEST: Final = 4  # cells along a side
SHARE: Final = 0.35  # of the strongest place
WEAKEST: Final = 2.0  # levels a pixel: less is noise
MOST: Final = 4
EXPLAINED: Final = 0.3  # share of a region that the codes in it cover, quiet zones apart


def code_like(grey: Grey) -> list[Box]:
    """Return the places that look like a code, the strongest first."""
    rows, columns = grey.shape
    factor = max(1, round(max(rows, columns) / WIDTH))
    small = reduced(grey, factor)
    if min(small.shape) < SMALLEST * CELL:
        return []
    strong = _corners(small)
    level = max(SHARE * float(strong.max()), WEAKEST)
    count, labels, stats, _ = cv2.connectedComponentsWithStats((strong > level).astype(np.uint8))
    weights = np.bincount(labels.ravel(), strong.ravel(), count)
    order = [i for i in np.argsort(-weights) if i and min(stats[i, 2:4]) >= SMALLEST]
    return [_around(stats[i], CELL * factor, rows, columns) for i in order[:MOST]]


def reduced(grey: Grey, factor: int) -> Grey:
    """Return the picture smaller by a whole factor, each pixel the mean of those it stands for."""
    if factor == 1:
        return grey
    size = (max(1, grey.shape[1] // factor), max(1, grey.shape[0] // factor))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)


def unexplained(regions: Sequence[Box], found: Sequence[Found]) -> list[Box]:
    """Return the regions that the codes read so far do not account for."""

    def covered(region: Box) -> float:
        return sum(region.common(code.box) for code in found) / region.area

    return [region for region in regions if covered(region) < EXPLAINED]


def _corners(small: Grey) -> NDArray[np.float32]:
    """Return for each cell how strongly its neighbourhood changes along and across."""
    smooth = cv2.blur(small, (3, 3))
    slopes = cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    dx, dy = (np.ascontiguousarray(slope[::2, ::2]) for slope in slopes)  # enough for a mean
    cells = (small.shape[1] // CELL, small.shape[0] // CELL)
    xx, yy, xy = (
        cv2.blur(cv2.resize(product, cells, interpolation=cv2.INTER_AREA), (5, 5))
        for product in (dx * dx, dy * dy, dx * dy)
    )
    smaller = (xx + yy) / 2 - np.sqrt(((xx - yy) / 2) ** 2 + xy * xy)
    strong = np.sqrt(np.maximum(smaller, 0))
    return np.asarray(np.maximum(strong - np.median(strong), 0), np.float32)


def _around(stats: Sequence[int], cell: int, rows: int, columns: int) -> Box:
    left, top, width, height = (int(value) for value in stats[:4])
    return Box(
        max(0, (left - MARGIN) * cell),
        max(0, (top - MARGIN) * cell),
        min(columns, (left + width + MARGIN) * cell),
        min(rows, (top + height + MARGIN) * cell),
    )
