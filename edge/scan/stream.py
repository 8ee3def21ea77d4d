"""Reading a video: each frame costs little, and what one frame's turn does not try, the next's
does.

- A code stays about where it was: its surroundings are read first, in the way that worked. The
  whole frame is looked at now and then all the same, since a second code may have come.
- The costly steps take turns, one a frame.
"""

from collections import Counter
from typing import Any, Final, NamedTuple

from edge.scan.decoder import Decoder, checked, costly, glance, read_region
from edge.scan.engines import Box, Engine, Found, Grey
from edge.scan.reading import Reading
from edge.scan.steps import CLOSE, Step

WHOLE_EVERY: Final = 5  # frames
PATIENCE: Final = 8  # frames that may fail before a place is given up
AROUND: Final = 0.25  # of a code's longer side, on each side of it


class Track(NamedTuple):
    """Where a code was last, how it was read, and by how much that enlarges."""

    box: Box
    step: Step = CLOSE
    factor: float = 1.0


class VideoDecoder:
    """Reads the frames of one camera, in order."""

    def __init__(self, zbar: Engine | None) -> None:
        self._stills = Decoder(zbar)
        self._track: Track | None = None
        self._frames = 0
        self._misses = 0
        self._turn = 0

    @property
    def counts(self) -> Counter[str]:
        """How many codes each step has read."""
        return self._stills.counts

    def read(self, picture: Any) -> Reading:
        """Return what is read. `ValueError`: the picture is not an array of rows of bytes."""
        grey = checked(picture)
        self._frames += 1
        whole_first = self._frames % WHOLE_EVERY == 0
        found = [] if whole_first else self._tracked(grey)
        found = found or self._glanced(grey)
        if whole_first:
            found = found or self._tracked(grey)
        found = found or self._by_turns(grey)
        self._misses = 0 if found else self._misses + 1
        if self._misses > PATIENCE or len({code.text for _, code in found}) > 1:
            self._track = None  # several codes want the whole frame
        return self._stills.reading(found)

    def _tracked(self, grey: Grey) -> list[tuple[str, Found]]:
        if self._track is None:
            return []
        box, step, factor = self._track
        size = round(factor * max(box.sides))
        codes = read_region(grey, box, step._replace(size=size) if step.size else step)
        if codes:
            self._track = Track(_around(codes[0].box, grey), step, factor)
        return [("tracked", code) for code in codes]

    def _glanced(self, grey: Grey) -> list[tuple[str, Found]]:
        found = list(glance(grey))
        if found:
            self._track = Track(_around(found[0][1].box, grey))
        return found

    def _by_turns(self, grey: Grey) -> list[tuple[str, Found]]:
        tries = costly(grey)
        step, box = tries[self._turn % len(tries)]
        self._turn += 1
        codes = self._stills.costly_step(grey, step, box)
        if codes:
            self._track = Track(_around(codes[0].box, grey), step, step.factor(box.sides))
        return [(step.name, code) for code in codes]


def _around(box: Box, grey: Grey) -> Box:
    rows, columns = grey.shape
    more = round(AROUND * max(box.sides))
    left, top = max(0, box.left - more), max(0, box.top - more)
    return Box(left, top, min(columns, box.right + more), min(rows, box.bottom + more))
