"""What staff should know about a camera: too dark, too bright, out of focus, dirty, frozen.

A warning comes once its cause has lasted, and goes once a clearly better picture has: each has
two thresholds, and between them nothing changes.
"""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge.scan.engines import Grey
from edge.scan.picture import GRID, tile_means

HOLD: Final = 3.0  # seconds
LIT: Final = (40.0, 215.0)  # brightness at which sharpness says something

DECAY: Final = 0.998  # a frame: tiles are judged by the last quarter of a minute of movement
ENOUGH: Final = 30.0  # frames of movement in a usual tile, before one without any is dirty
STILL: Final = 0.05  # of the usual movement
FLAT: Final = 0.3  # of the usual detail


class Condition(NamedTuple):
    """How a camera's picture is at one moment."""

    brightness: float
    sharpness: float
    dirty_tiles: int
    same_for: float  # seconds without a picture that differs from the one before


class Alarm(NamedTuple):
    """One warning: whether it is on, and since when its opposite would be right."""

    on: bool = False
    since: float | None = None


class Rule(NamedTuple):
    """When a warning is clearly right, and when clearly wrong."""

    bad: Callable[[Condition], bool]
    good: Callable[[Condition], bool]


RULES: Final[Mapping[str, Rule]] = {
    "too_dark": Rule(lambda c: c.brightness < 30, lambda c: c.brightness > 40),
    "too_bright": Rule(lambda c: c.brightness > 225, lambda c: c.brightness < 215),
    "out_of_focus": Rule(
        lambda c: c.sharpness < 8 and LIT[0] < c.brightness < LIT[1], lambda c: c.sharpness > 14
    ),
    "dirty": Rule(lambda c: c.dirty_tiles > 0, lambda c: c.dirty_tiles == 0),
    "frozen": Rule(lambda c: c.same_for >= 5, lambda c: c.same_for < 1),
}
Alarms = Mapping[str, Alarm]
QUIET: Final[Alarms] = dict.fromkeys(RULES, Alarm())


def after(alarms: Alarms, condition: Condition, now: float) -> Alarms:
    """Return the alarms as they are after one more look."""
    return {code: _next(alarms[code], rule, condition, now) for code, rule in RULES.items()}


def raised(alarms: Alarms) -> tuple[str, ...]:
    """Return the codes of the warnings that are on."""
    return tuple(code for code, alarm in alarms.items() if alarm.on)


def _next(alarm: Alarm, rule: Rule, condition: Condition, now: float) -> Alarm:
    against = rule.good(condition) if alarm.on else rule.bad(condition)
    if not against:
        return Alarm(alarm.on)
    since = now if alarm.since is None else alarm.since
    return Alarm(not alarm.on) if now - since >= HOLD else Alarm(alarm.on, since)


class Tiles(NamedTuple):
    """What has happened in each tile of the picture, the past fading."""

    movement: NDArray[np.float32]  # frames' worth
    detail: NDArray[np.float32]  # mean deviation from the tile's mean, levels


def no_tiles() -> Tiles:
    """Return tiles that nothing is known of."""
    return Tiles(np.zeros(GRID, np.float32), np.zeros(GRID, np.float32))


def tiles_after(tiles: Tiles, sparse: Grey, changed: NDArray[np.bool_]) -> Tiles:
    """Return the tiles after a frame in which something moved."""
    movement = tile_means(changed.astype(np.float32)) > 0.01
    values = sparse.astype(np.float32)
    means = tile_means(values)
    spread = np.sqrt(np.maximum(tile_means(values * values) - means * means, 0))
    detail = np.maximum(tiles.detail * DECAY, spread)
    return Tiles((tiles.movement * DECAY + movement).astype(np.float32), detail.astype(np.float32))


def dirty_tiles(tiles: Tiles) -> int:
    """Return how many tiles never show what moves, nor any detail, while the others do.

    A bare wall that nobody passes looks the same, so the warning asks for a look, not a cloth.
    """
    usual = float(np.median(tiles.movement))
    if usual < ENOUGH:
        return 0
    flat = tiles.detail < FLAT * np.median(tiles.detail)
    return int(np.count_nonzero(flat & (tiles.movement < STILL * usual)))
