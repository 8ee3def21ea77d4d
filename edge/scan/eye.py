"""What one camera sees: looks closely while something moves, and at how the picture is."""

from typing import Final

from edge.scan import alarms
from edge.scan.attention import Attention, Pace
from edge.scan.engines import Engine, Grey
from edge.scan.picture import (
    Picture,
    brightness,
    grey_of,
    is_moving,
    region_of,
    sharpness,
    sparse_of,
    stirred,
)
from edge.scan.reading import Reading
from edge.scan.settings import Region
from edge.scan.stream import VideoDecoder

FOCUS: Final = 1.0  # seconds between two measures of sharpness


class Eye:
    """Looks at one picture after the other."""

    def __init__(self, zbar: Engine | None, region: Region | None = None) -> None:
        self._region = region
        self._decoder = VideoDecoder(zbar)
        self._attention = Attention()
        self._sparse: Grey | None = None
        self._tiles = alarms.no_tiles()
        self._changed_at: float | None = None
        self.size = (0, 0)
        self.brightness = 0.0
        self.sharpness = 0.0
        self._focus = Pace(FOCUS)
        self._looks = self._decoded = 0  # since `idle` was asked

    @property
    def stages(self) -> dict[str, int]:
        """How many codes each step has read."""
        return dict(self._decoder.counts)

    def look(self, picture: Picture, now: float) -> Reading:
        """Return what is read in a picture; nothing, mostly, while nothing moves."""
        self._looks += 1
        if isinstance(picture, bytes) and self._attention.idle(now) and self._looks % 2 == 0:
            return Reading()
        sparse = sparse_of(picture)
        if sparse is None:
            return Reading()
        moving = self._sense(region_of(sparse, self._region), now)
        if not self._attention.wants(now, moving=moving):
            return Reading()
        grey = grey_of(picture)
        return Reading() if grey is None else self._decode(grey, now)

    def idle(self) -> float:
        """Return the share of frames passed over since this was asked last."""
        looks, decoded, self._looks, self._decoded = self._looks, self._decoded, 0, 0
        return 1 - decoded / looks if looks else 1.0

    def condition(self, now: float, *, live: bool) -> alarms.Condition:
        """Return how the picture is."""
        dirty = alarms.dirty_tiles(self._tiles)
        same = now - self._changed_at if live and self._changed_at is not None else 0.0
        return alarms.Condition(self.brightness, self.sharpness, dirty, same)

    def _sense(self, sparse: Grey, now: float) -> bool:
        """Take in an eighth of the picture; says whether something moves."""
        before, self._sparse = self._sparse, sparse
        self.brightness = brightness(sparse)
        changed = stirred(sparse, before)
        moving = is_moving(changed)
        if moving and before is not None:
            self._tiles = alarms.tiles_after(self._tiles, sparse, changed)
        if moving or before is None or (sparse != before).any():
            self._changed_at = now
        return moving

    def _decode(self, grey: Grey, now: float) -> Reading:
        self._decoded += 1
        self.size = (grey.shape[1], grey.shape[0])
        part = region_of(grey, self._region)
        if self._focus.due(now):
            self.sharpness = sharpness(part)
        reading = self._decoder.read(part)
        if reading.texts:
            self._attention.saw(now)
        return reading
