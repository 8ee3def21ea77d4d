"""Which frames are looked at, and which texts are told."""

import numpy as np

from edge.practice.frames import jpeg
from edge.scan.attention import AFTER_CODE, AFTER_MOTION, HEARTBEAT, REPEAT, Attention, Repeats
from edge.scan.eye import Eye
from edge.scan.picture import grey_of, is_moving, region_of, sparse_of, stirred
from tests.edge.frames import Look, frame, render

TEXT, PICTURE = frame(lambda _: Look(px=4, noise=3), 1)
EMPTY = render([], Look(noise=3), np.random.default_rng(2))
NOISIER = render([], Look(noise=3.0001), np.random.default_rng(2))


def test_an_idle_lane_is_looked_at_once_a_second() -> None:
    """Of 300 frames in ten seconds without movement, ten are decoded."""
    attention = Attention()
    looks = [attention.wants(i / 30, moving=False) for i in range(300)]
    assert looks[0]
    assert sum(looks) == 10 / HEARTBEAT


def test_movement_is_looked_at_and_what_stays_after_it() -> None:
    """From the first moving frame on, every frame is decoded for a while."""
    attention = Attention()
    assert attention.wants(0.0, moving=False)
    assert not attention.wants(0.1, moving=False)
    assert attention.wants(0.2, moving=True)
    assert attention.wants(0.2 + AFTER_MOTION - 0.01, moving=False)
    assert not attention.wants(0.2 + AFTER_MOTION + 0.01, moving=False)


def test_a_code_that_was_read_is_looked_at_again() -> None:
    """A code that is held still is read frame after frame."""
    attention = Attention()
    assert attention.wants(0.0, moving=False)
    attention.saw(0.0)
    assert attention.wants(AFTER_CODE - 0.01, moving=False)
    assert not attention.wants(AFTER_CODE + 0.01, moving=False)


def test_texts_are_told_at_once_when_they_change_and_else_now_and_then() -> None:
    """Other texts go at once, the same ones five times a second, none never."""
    repeats = Repeats()
    assert not repeats.due((), 0.0)
    assert repeats.due(("a",), 0.0)
    assert not repeats.due(("a",), REPEAT - 0.01)
    assert repeats.due(("a", "b"), REPEAT - 0.01)
    assert not repeats.due(("b", "a"), REPEAT)
    assert repeats.due(("b", "a"), 2 * REPEAT)
    assert repeats.due(("a",), 2 * REPEAT)


def test_a_code_that_comes_is_movement_and_noise_is_not() -> None:
    """The same scene with other noise doesn't move; a code held into it does."""
    before, same, other = (sparse_of(picture) for picture in (EMPTY, NOISIER, PICTURE))
    assert before is not None
    assert same is not None
    assert other is not None
    assert not is_moving(stirred(same, before))
    assert is_moving(stirred(other, before))
    assert is_moving(stirred(before, None))
    assert is_moving(stirred(before, before[:5]))


def test_a_packed_picture_is_seen_like_a_plain_one() -> None:
    """JPEG bytes give the same grey and the same eighth, about; what is no picture gives none."""
    packed = jpeg(PICTURE, 95)
    grey, sparse = grey_of(packed), sparse_of(packed)
    assert grey is not None
    assert sparse is not None
    assert grey.shape == PICTURE.shape
    assert sparse.shape == (90, 160)
    assert grey_of(b"nothing") is None
    assert sparse_of(b"nothing") is None
    assert sparse_of(b"") is None


def test_a_region_is_a_part_of_the_picture() -> None:
    """Shares of the picture become rows and columns."""
    assert region_of(PICTURE, None) is PICTURE
    part = region_of(PICTURE, (0.25, 0.5, 0.5, 0.5))
    assert (part == PICTURE[360:720, 320:960]).all()


def test_an_eye_reads_what_comes_and_passes_over_what_stays() -> None:
    """A code that comes into an idle lane is read in its first frame, packed in its second."""
    for arrives in (PICTURE, jpeg(PICTURE, 95)):
        eye = Eye(None)
        readings = [eye.look(EMPTY, i / 30) for i in range(300)]
        assert not any(reading.texts for reading in readings)
        assert eye.idle() > 0.7
        seen = [eye.look(arrives, 10 + i / 30).texts for i in range(4)]
        assert seen[-1] == (TEXT,)
        assert seen.count((TEXT,)) >= (3 if isinstance(arrives, bytes) else 4)
        assert eye.idle() <= 0.25
        assert eye.size == (1280, 720)


def test_an_eye_outlives_a_broken_picture() -> None:
    """A frame that doesn't decode says nothing, and the next one is read."""
    eye = Eye(None)
    assert eye.look(b"broken", 0.0).texts == ()
    assert eye.look(jpeg(PICTURE)[:300], 0.1).texts == ()
    assert eye.look(PICTURE, 0.2).texts == (TEXT,)
