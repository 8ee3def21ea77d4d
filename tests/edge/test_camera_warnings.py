"""Warnings about a camera's picture come and go with their cause, not with each frame."""

from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from edge.practice.frames import background, sensed
from edge.scan.alarms import (
    HOLD,
    QUIET,
    RULES,
    Condition,
    after,
    dirty_tiles,
    no_tiles,
    raised,
    tiles_after,
)
from edge.scan.eye import Eye
from edge.scan.picture import sharpness
from tests.edge.frames import Grey, Look

FINE = Condition(brightness=120, sharpness=200, dirty_tiles=0, same_for=0)
BAD = {
    "too_dark": FINE._replace(brightness=10),
    "too_bright": FINE._replace(brightness=250),
    "out_of_focus": FINE._replace(sharpness=2),
    "dirty": FINE._replace(dirty_tiles=1),
    "frozen": FINE._replace(same_for=6),
}
BETWEEN = {
    "too_dark": FINE._replace(brightness=35),
    "too_bright": FINE._replace(brightness=220),
    "out_of_focus": FINE._replace(sharpness=11),
    "frozen": FINE._replace(same_for=3),
}


def over(conditions: Sequence[Condition]) -> list[tuple[str, ...]]:
    """Return the warnings after each of these conditions, a second apart."""
    alarms, warnings = QUIET, []
    for second, condition in enumerate(conditions):
        alarms = after(alarms, condition, float(second))
        warnings.append(raised(alarms))
    return warnings


def test_each_warning_is_looked_at_here() -> None:
    """No rule is left out below."""
    assert BAD.keys() == RULES.keys()


@pytest.mark.parametrize("code", BAD)
def test_a_warning_comes_once_its_cause_has_lasted(code: str) -> None:
    """It comes alone, after some seconds, and goes after as many good ones."""
    seconds = int(HOLD)
    warnings = over([BAD[code]] * (seconds + 1) + [FINE] * (seconds + 1))
    assert warnings[seconds - 1] == ()
    assert warnings[seconds] == (code,)
    assert warnings[2 * seconds] == (code,)
    assert warnings[-1] == ()


@pytest.mark.parametrize("code", BAD)
def test_a_short_trouble_is_none(code: str) -> None:
    """A moment's trouble, again and again, is no warning."""
    assert not any(over([BAD[code], BAD[code], FINE] * 10))


@pytest.mark.parametrize("code", BETWEEN)
def test_between_its_two_thresholds_a_warning_stays_as_it_is(code: str) -> None:
    """A picture at the edge brings no warning, and takes none away."""
    assert not any(over([BETWEEN[code]] * 20))
    assert over([BAD[code]] * 10 + [BETWEEN[code]] * 20)[-1] == (code,)


def test_a_dark_or_glaring_picture_is_not_called_blurred() -> None:
    """Without light there is nothing to be sharp."""
    for brightness in (5, 250):
        warnings = over([FINE._replace(brightness=brightness, sharpness=0)] * 10)
        assert "out_of_focus" not in warnings[-1]


def scene(seed: int, look: Look) -> Grey:
    rng = np.random.default_rng(seed)
    return sensed(background(rng), look, rng)


def test_a_scene_is_sharp_or_blurred_whatever_its_noise() -> None:
    """In focus lies above the good threshold, far out of it below the bad one."""
    for seed in range(5):
        assert RULES["out_of_focus"].good(FINE._replace(sharpness=sharpness(scene(seed, Look()))))
        blurred = sharpness(scene(seed, Look(blur=8, noise=2)))
        assert RULES["out_of_focus"].bad(FINE._replace(sharpness=blurred))


def walk(spot: bool) -> int:
    """Return how many tiles are dirty after people have walked through everywhere."""
    tiles, rng, before = no_tiles(), np.random.default_rng(1), None
    for _ in range(200):
        sparse = rng.integers(40, 220, (12, 16), np.uint8)
        sparse = np.asarray(cv2.resize(sparse, (160, 90)), np.uint8)
        if spot:
            sparse[0:15, 0:20] = 90
        if before is not None:
            changed = np.abs(sparse.astype(int) - before) > 18
            tiles = tiles_after(tiles, sparse, changed)
        before = sparse.astype(int)
    return dirty_tiles(tiles)


def test_a_spot_on_the_glass_is_dirt() -> None:
    """Where nothing ever shows while people walk by everywhere else, something is in the way."""
    assert walk(spot=False) == 0
    assert walk(spot=True) == 1


def test_an_empty_lane_is_not_dirty() -> None:
    """Before anything moved there is nothing to compare."""
    assert dirty_tiles(no_tiles()) == 0


def test_a_sensor_that_repeats_itself_is_frozen() -> None:
    """The very same picture for seconds is no sensor's; a file's may be."""
    eye, picture = Eye(None), scene(1, Look(noise=2))
    for second in range(8):
        eye.look(picture, float(second))
    assert eye.condition(8.0, live=True).same_for == 8.0
    assert eye.condition(8.0, live=False).same_for == 0.0
    eye.look(scene(2, Look(noise=2)), 9.0)
    assert eye.condition(9.0, live=True).same_for == 0.0
