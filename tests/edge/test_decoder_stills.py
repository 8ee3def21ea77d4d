"""Pictures of every size and shape, with one code, several or none."""

import subprocess
import sys
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from edge.practice.frames import background, sensed
from edge.scan.decoder import Decoder
from edge.scan.engines import load_zbar
from edge.scan.reading import Reading
from tests.edge.frames import Look, render, static_text

DECODER = Decoder(load_zbar())


def texts(count: int, seed: int = 1) -> tuple[str, ...]:
    rng = np.random.default_rng(seed)
    return tuple(static_text(rng) for _ in range(count))


@pytest.mark.parametrize("count", [2, 3, 4])
def test_all_codes_in_view_are_read(count: int) -> None:
    """Several codes are several texts, each once."""
    wanted = texts(count)
    for seed in range(4):
        rng = np.random.default_rng(seed)
        reading = DECODER.read(render(wanted, Look(px=4, noise=3), rng))
        assert sorted(reading.texts) == sorted(wanted)


def test_a_code_that_is_there_twice_is_one_text() -> None:
    """A ticket and its reflection are one ticket."""
    (text,) = texts(1)
    reading = DECODER.read(render((text, text), Look(px=4), np.random.default_rng(1)))
    assert reading.texts == (text,)


def test_a_dark_code_beside_a_light_one_is_read_too() -> None:
    """A paper ticket and a phone in dark mode in one frame are two texts."""
    wanted, rng = texts(2), np.random.default_rng(1)
    halves = [
        render((text,), Look(px=5, inverted=inverted, noise=3), rng, (720, 640))
        for text, inverted in zip(wanted, (False, True), strict=True)
    ]
    assert sorted(DECODER.read(np.hstack(halves)).texts) == sorted(wanted)


@pytest.mark.parametrize("px", [5, 12, 30])
def test_photographs_of_twelve_megapixels_are_read(px: float) -> None:
    """A phone's photograph is read, whether the code is a tenth of it or half."""
    (text,) = texts(1)
    look = Look(px=px, turn=30, tilt=20, axis=70, blur=px / 6, noise=8, contrast=0.6, jpeg=80)
    photograph = render((text,), look, np.random.default_rng(2), (3024, 4032))
    assert DECODER.read(photograph).texts == (text,)
    assert DECODER.read(np.ascontiguousarray(photograph.T[::-1])).texts == (text,)


def test_a_code_may_fill_the_picture() -> None:
    """A blurred code from edge to edge is read: nothing is needed around it."""
    (text,) = texts(1)
    look = Look(px=6, blur=2.4, noise=12, contrast=0.5)
    picture = render((text,), look, np.random.default_rng(3), (320, 320))
    assert DECODER.read(picture).texts == (text,)


@pytest.mark.parametrize("seed", range(5))
def test_nothing_is_read_where_nothing_is(seed: int) -> None:
    """A busy background without a code gives no text."""
    rng = np.random.default_rng(seed)
    assert DECODER.read(sensed(background(rng), Look(noise=10), rng)) == Reading()


@pytest.mark.parametrize(
    "shape", [(0, 0), (0, 9), (1, 1), (1, 5000), (20000, 3), (21, 21), (33, 4000), (9000, 9000)]
)
@pytest.mark.parametrize("level", [0, 255])
def test_blank_pictures_of_any_size_say_nothing(shape: tuple[int, int], level: int) -> None:
    """From none to 81 million pixels, an even picture has no code."""
    assert DECODER.read(np.full(shape, level, np.uint8)) == Reading()


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((50, 50, 3), np.uint8),
        np.zeros(50, np.uint8),
        np.zeros((50, 50), np.uint16),
        np.zeros((50, 50), np.float32),
        [[0]],
        b"",
        None,
    ],
)
def test_what_is_no_grey_picture_is_refused(picture: Any) -> None:
    """Another type, dtype or number of dimensions is a fault of the caller."""
    with pytest.raises(ValueError, match="two-dimensional"):
        DECODER.read(picture)


@given(arrays.arrays(np.uint8, st.tuples(st.integers(0, 90), st.integers(0, 90))))
def test_any_small_picture_has_an_outcome(picture: np.ndarray[Any, np.dtype[np.uint8]]) -> None:
    """No array of bytes is an error."""
    assert isinstance(DECODER.read(picture), Reading)


@given(st.binary(min_size=64, max_size=64), st.integers(40, 400), st.integers(40, 400))
def test_noise_of_any_grain_says_nothing(grain: bytes, rows: int, columns: int) -> None:
    """Eight by eight random tiles, stretched to any size, are no code."""
    tiles = np.frombuffer(grain, np.uint8).reshape(8, 8)
    picture = cv2.resize(tiles, (columns, rows), interpolation=cv2.INTER_NEAREST)
    assert DECODER.read(np.asarray(picture, np.uint8)).texts == ()


def test_a_picture_need_not_be_contiguous() -> None:
    """A view into a larger array, turned over, is read as it is."""
    (text,) = texts(1)
    picture = render((text,), Look(px=5), np.random.default_rng(5))
    assert DECODER.read(picture[::-1, ::-1]).texts == (text,)
    assert DECODER.read(np.repeat(picture, 2, axis=1)[:, ::2]).texts == (text,)


def test_bytes_that_are_no_text_are_given_as_latin_1() -> None:
    """A code of arbitrary bytes doesn't fail: each byte is one character."""
    import zxingcpp

    data = bytes(range(256))
    made = zxingcpp.create_barcode(data, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    picture = np.asarray(made.to_image(scale=4))
    assert DECODER.read(picture).texts == (data.decode("latin-1"),)


def test_a_system_without_zbar_is_noticed() -> None:
    """Where libzbar is not installed there is no second opinion, and no failure."""
    program = (
        "import ctypes.util; ctypes.util.find_library = lambda name: None\n"
        "from edge.scan.engines import load_zbar; print(load_zbar())"
    )
    done = subprocess.run((sys.executable, "-c", program), capture_output=True, check=True)
    assert done.stdout == b"None\n"


def test_without_zbar_the_rest_works() -> None:
    """A system without libzbar reads without the last opinion."""
    (text,) = texts(1)
    decoder = Decoder(None)
    assert decoder.read(render((text,), Look(px=5), np.random.default_rng(1))).texts == (text,)
    assert decoder.read(background(np.random.default_rng(1)).astype(np.uint8)) == Reading()
