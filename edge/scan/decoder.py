"""From a grey picture to the texts of the codes in it, the cheap steps first.

1. reduced: the whole picture at half its size or less, which most held codes allow;
2. close: what looks like a code and was not read, as it is, dark on light and light on dark;
3. whole: the picture at each finer size up to its own;
4. the steps of `edge.scan.steps` on what looks like a code;
5. zbar: a slow second opinion on the same, if the system has it.

Once something was read, the later and costly steps are for a second code alone, so 4 and 5
are left out. All texts in view are returned, each once: what two codes mean is the agent's
to say. A text is what a code's bytes are in Latin-1; nothing here trusts it.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from edge.scan import engines, regions
from edge.scan.engines import Box, Engine, Found, Grey
from edge.scan.reading import Reading
from edge.scan.regions import reduced
from edge.scan.steps import CLOSE, STEPS, Step

SMALLEST: Final = 21  # px along a side: a code has no fewer modules
LARGEST: Final = 1 << 24  # px in all; larger pictures are reduced first
COARSEST: Final = 600  # px along the longer side
MOST: Final = 2  # regions that costly steps look at
ZBAR: Final = Step("zbar", 700)


class Decoder:
    """Reads stills, sparing no step. `counts` says how many codes each step has read."""

    def __init__(self, zbar: Engine | None) -> None:
        self.zbar = zbar
        self.counts: Counter[str] = Counter()

    def read(self, picture: Any) -> Reading:
        """Return what is read. `ValueError`: the picture is not an array of rows of bytes."""
        return self.reading(list(self._all(checked(picture))))

    def reading(self, found: list[tuple[str, Found]]) -> Reading:
        """Return the texts of codes, each once, and count the steps that read them."""
        stages = {code.text: stage for stage, code in reversed(found)}
        self.counts.update(stages.values())
        texts = tuple(dict.fromkeys(code.text for _, code in found))
        return Reading(texts, found[-1][0] if found else "")

    def _all(self, grey: Grey) -> Iterator[tuple[str, Found]]:
        found = list(glance(grey))
        yield from found
        if found or min(grey.shape) < SMALLEST:
            return
        for step, box in costly(grey):
            codes = self.costly_step(grey, step, box)
            if codes:
                yield from ((step.name, code) for code in codes)
                return

    def costly_step(self, grey: Grey, step: Step, box: Box) -> list[Found]:
        """Read a part of the picture by one of the steps that `costly` names."""
        if step is not ZBAR:
            return read_region(grey, box, step)
        return second_opinion(grey, box, self.zbar) if self.zbar else []


def checked(picture: Any) -> Grey:
    """Return the picture as a grey one that is not too large; raises `ValueError`."""
    if not isinstance(picture, np.ndarray) or picture.ndim != 2 or picture.dtype != np.uint8:
        raise ValueError("a picture is a two-dimensional array of bytes, its grey")
    factor = 1
    while picture.size // factor**2 > LARGEST:
        factor += 1
    return np.ascontiguousarray(reduced(picture, factor))


def glance(grey: Grey) -> Iterator[tuple[str, Found]]:
    """Yield the codes that need no restoring."""
    if min(grey.shape) < SMALLEST:
        return
    coarse, *finer = _factors(grey)
    found = read_reduced(grey, coarse)
    yield from (("reduced" if finer else "whole", code) for code in found)
    left = regions.unexplained(regions.code_like(grey), found)
    close = [code for box in left for code in read_region(grey, box, CLOSE)]
    yield from (("close", code) for code in close)
    if found + close and not regions.unexplained(left, found + close):
        return
    for factor in finer:
        codes = read_reduced(grey, factor)
        yield from (("whole", code) for code in codes)


def costly(grey: Grey) -> list[tuple[Step, Box]]:
    """Return what is left to try on a picture, the most promising first."""
    boxes = regions.code_like(grey)[:MOST]
    everything = Box(0, 0, grey.shape[1], grey.shape[0])  # a code may fill the picture
    tries = [(step, box) for step in (*STEPS, ZBAR) for box in boxes or (everything,)]
    return [*tries, (STEPS[0], everything)] if boxes else tries


def read_reduced(grey: Grey, factor: int) -> list[Found]:
    """Read the whole picture at a fraction of its size."""
    found = engines.zxing(reduced(grey, factor))
    return [_moved(code, factor, 0, 0) for code in found]


def read_region(grey: Grey, box: Box, step: Step) -> list[Found]:
    """Read a part of the picture, prepared by a step."""
    prepared, factor = step.apply(grey[box.top : box.bottom, box.left : box.right])
    if min(prepared.shape) < SMALLEST:
        return []
    found = engines.zxing(prepared, inverted=True)
    return [_moved(code, 1 / factor, box.left, box.top) for code in found]


def second_opinion(grey: Grey, box: Box, zbar: Engine) -> list[Found]:
    """Ask the slow engine about a part of the picture, which is brought to a bearable size."""
    prepared, factor = ZBAR.apply(grey[box.top : box.bottom, box.left : box.right])
    return [_moved(code, 1 / factor, box.left, box.top) for code in zbar(prepared)]


def _factors(grey: Grey) -> list[int]:
    """Return by what to reduce a picture, from the coarsest that is worth it to not at all."""
    factors = [1]
    while max(grey.shape) // (2 * factors[0]) >= COARSEST:
        factors.insert(0, 2 * factors[0])
    return factors


def _moved(code: Found, factor: float, left: int, top: int) -> Found:
    """Return the code with its place in the whole picture."""
    edges = (side * factor for side in code.box)
    a, b, c, d = (round(edge) for edge in edges)
    return Found(code.text, Box(a + left, b + top, c + left, d + top))
