"""What is done to a region before it is read: bring it to a size, smooth it, sharpen it.

A code blurred by a lens or a movement and drowned in noise has what is left of it in a band:
finer is noise, coarser is shading. Smoothing and then sharpening strongly is the filter that
keeps this band. Its width is a matter of modules, not pixels, and a region about as large as
its code tells the size of a module: so regions are first brought to one size.

The steps and their order are those that read most of what earlier ones leave, over drawn
frames with every fault near the edge of what can be read.
"""

from typing import Final, NamedTuple

import cv2
import numpy as np

from edge.scan.engines import Grey

LARGEST_FACTOR: Final = 3.0
COARSE: Final = 4  # the surroundings are smooth: a quarter of the size shows them as well


class Step(NamedTuple):
    """One way to prepare a region. Sigmas are px after resizing; a size of 0 leaves it as is."""

    name: str
    size: int = 0  # of the longer side, px
    smooth: float = 0.0
    around: float = 0.0  # sigma of the surroundings that sharpening compares with
    gain: float = 0.0

    def factor(self, sides: tuple[int, ...]) -> float:
        """Return by how much a region with these sides grows."""
        return min(LARGEST_FACTOR, self.size / max(sides)) if self.size else 1.0

    def apply(self, region: Grey) -> tuple[Grey, float]:
        """Return the prepared region, and by which factor it grew."""
        factor = self.factor(region.shape)
        grown = _resized(region, factor) if self.size else region
        smooth = cv2.GaussianBlur(grown, (0, 0), self.smooth) if self.smooth else grown
        if self.gain:
            around = _surroundings(grown, self.around)
            smooth = cv2.addWeighted(smooth, 1 + self.gain, around, -self.gain, 0)
        return np.ascontiguousarray(smooth, np.uint8), factor


CLOSE: Final = Step("close")
STEPS: Final = (
    Step("restored", 560, 1.5, 4, 3),
    Step("sharpened", 280, 0.8, 3, 2),
    Step("smoothed", 560, 0.8),
    Step("restored_small", 450, 1.5, 4, 3),
    Step("restored_wide", 560, 1.5, 5, 4),
    Step("restored_smaller", 360, 1.5, 5, 4),
)


def _resized(region: Grey, factor: float) -> Grey:
    rows, columns = (max(1, round(side * factor)) for side in region.shape)
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(region, (columns, rows), interpolation=how), np.uint8)


def _surroundings(grey: Grey, sigma: float) -> Grey:
    rows, columns = grey.shape
    size = (max(1, columns // COARSE), max(1, rows // COARSE))
    coarse = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    blurred = cv2.GaussianBlur(coarse, (0, 0), sigma / COARSE)
    return np.asarray(cv2.resize(blurred, (columns, rows)), np.uint8)
