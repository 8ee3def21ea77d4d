"""Reading a video: where to look first, and what takes turns."""

import numpy as np
import pytest

from edge.practice.frames import background, sensed
from edge.practice.looks import hard_mix
from edge.scan.engines import load_zbar
from edge.scan.reading import Reading
from edge.scan.stream import WHOLE_EVERY, VideoDecoder
from tests.edge.frames import Look, frame, render, static_text

LOOK = Look(px=5, noise=3)


def empty() -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    rng = np.random.default_rng(9)
    return sensed(background(rng), LOOK, rng)


def test_a_code_is_looked_for_where_it_was() -> None:
    """After its first frame a still code is read by its surroundings, now and then by all."""
    text, picture = frame(lambda _: LOOK, 1)
    decoder = VideoDecoder(load_zbar())
    readings = [decoder.read(picture) for _ in range(2 * WHOLE_EVERY)]
    assert [reading.texts for reading in readings] == [(text,)] * len(readings)
    assert [reading.stage for reading in readings].count("tracked") == len(readings) - 3


def test_a_code_that_moves_is_followed() -> None:
    """A code that jumps across the frame is read in each frame."""
    rng = np.random.default_rng(2)
    text = static_text(rng)
    code = render([text], LOOK, rng, (320, 320))
    decoder = VideoDecoder(load_zbar())
    for column in (0, 20, 45, 400, 900, 100):
        picture = empty()
        picture[200:520, column : column + 320] = code
        assert decoder.read(picture).texts == (text,)


def test_a_second_code_is_noticed() -> None:
    """A code that comes beside a tracked one is read within a few frames."""
    rng = np.random.default_rng(3)
    texts = [static_text(rng) for _ in range(2)]
    one, two = (render(texts[:count], LOOK, rng) for count in (1, 2))
    decoder = VideoDecoder(load_zbar())
    assert decoder.read(one).texts == (texts[0],)
    seen = [decoder.read(two).texts for _ in range(WHOLE_EVERY)]
    assert set(seen[-1]) == set(texts)


def test_a_code_that_is_gone_is_not_told_again() -> None:
    """An empty frame after a read one has no text."""
    _, picture = frame(lambda _: LOOK, 1)
    decoder = VideoDecoder(load_zbar())
    assert decoder.read(picture).texts
    assert decoder.read(empty()) == Reading()


@pytest.mark.parametrize("seed", range(4))
def test_costly_steps_take_turns(seed: int) -> None:
    """Codes that only a costly step reads are read in most frames of a video."""
    text, picture = frame(hard_mix, seed)
    decoder = VideoDecoder(load_zbar())
    readings = [decoder.read(np.roll(picture, i % 7, axis=1)) for i in range(30)]
    assert {text for reading in readings for text in reading.texts} == {text}
    assert sum(reading.texts == (text,) for reading in readings) > 15
    assert any(reading.stage == "tracked" for reading in readings)
