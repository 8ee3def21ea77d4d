"""The ways in which codes come before a camera, by name.

`PLAIN` are the faults one at a time, as bad as they commonly are. The hard mix is nearly all of
them at once, as a sensor of 3413 px a row sees it that gives frames of 1280 px: blurred,
moved, noisy, pale, tilted and small. The same faults in pixels of the frame would leave a code
of 3 px a module unreadable for anybody: even the best linear filter for a known blur and
movement gets a fifth of its modules wrong, and QR codes of level M repair half of that.
"""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from edge.practice.frames import Look

Draw = Callable[[np.random.Generator], Look]
BINNING: Final = 8 / 3


def _some(rng: np.random.Generator, low: float, high: float) -> float:
    return float(rng.uniform(low, high))


PLAIN: Final[Mapping[str, Draw]] = {
    "held well": lambda r: Look(px=_some(r, 4, 8), turn=_some(r, -15, 15)),
    "turned": lambda r: Look(px=5, turn=_some(r, 0, 360)),
    "tilted": lambda r: Look(px=5, tilt=_some(r, 35, 50), axis=_some(r, 0, 180)),
    "small": lambda r: Look(px=_some(r, 2.9, 3.2), turn=_some(r, -15, 15), noise=2),
    "blurred": lambda r: Look(px=5, blur=_some(r, 1.5, 2.2), noise=2),
    "moving": lambda r: Look(px=5, motion=_some(r, 5, 8), noise=2),
    "noisy": lambda r: Look(px=5, noise=_some(r, 20, 40)),
    "pale": lambda r: Look(px=5, contrast=_some(r, 0.12, 0.3), noise=2),
    "dark mode": lambda r: Look(px=5, inverted=True, turn=_some(r, 0, 360), noise=4),
    "glare": lambda r: Look(px=5, glare=_some(r, 0.3, 0.7), noise=4),
    "broken glass": lambda _: Look(px=6, cracks=3, blur=0.7, noise=4),
    "under a thumb": lambda r: Look(px=5, cover=_some(r, 0.1, 0.2), noise=4),
    "curved": lambda r: Look(px=5, curve=_some(r, 0.6, 1.2), noise=4),
    "compressed": lambda r: Look(px=4, jpeg=int(r.integers(15, 40)), noise=4),
}


def hard_mix(rng: np.random.Generator) -> Look:
    """Return the hard mix as a binning sensor sees it."""
    return hard_mix_unbinned(rng)._replace(binning=BINNING)


def hard_mix_near(rng: np.random.Generator) -> Look:
    """Return the same faults in pixels of the frame, on a code held near."""
    return hard_mix_unbinned(rng)._replace(px=8)


def hard_mix_unbinned(rng: np.random.Generator) -> Look:
    """Return the same faults in pixels of the frame, on a small code: more than can be read."""
    return Look(
        px=3,
        tilt=_some(rng, 0, 35),
        axis=_some(rng, 0, 180),
        contrast=_some(rng, 0.3, 0.5),
        blur=_some(rng, 1.6, 2.4),
        motion=_some(rng, 5, 9),
        noise=_some(rng, 20, 30),
    )
