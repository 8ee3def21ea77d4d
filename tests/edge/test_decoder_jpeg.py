"""Pictures that browsers post: what is decoded, and what is refused before it is."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.practice.frames import jpeg
from edge.scan.decoder import Decoder
from edge.scan.jpeg import MAX_BYTES, MAX_SIDE, decode_jpeg, jpeg_size
from tests.edge.frames import Look, frame

TEXT, PICTURE = frame(lambda _: Look(px=5, noise=3), 1)
FILE = jpeg(PICTURE)


def encoded(picture: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], kind: str = ".jpg") -> bytes:
    return cv2.imencode(kind, picture)[1].tobytes()


def resized(rows: int, columns: int) -> bytes:
    """Return the file with another size written in its frame header."""
    at = FILE.index(b"\xff\xc0") + 5
    return FILE[:at] + rows.to_bytes(2) + columns.to_bytes(2) + FILE[at + 4 :]


def test_a_picture_comes_as_its_grey() -> None:
    """Grey and coloured JPEG pictures give grey arrays that the decoder takes."""
    grey = decode_jpeg(FILE)
    assert grey is not None
    assert Decoder(None).read(grey).texts == (TEXT,)
    coloured = decode_jpeg(encoded(np.repeat(PICTURE[:, :, None], 3, axis=2)))
    assert coloured is not None
    assert coloured.shape == PICTURE.shape


def test_a_progressive_picture_is_decoded_too() -> None:
    """Another frame header, the same picture."""
    settings = (cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    data = cv2.imencode(".jpg", PICTURE, settings)[1].tobytes()
    assert jpeg_size(data) == PICTURE.shape
    grey = decode_jpeg(data)
    assert grey is not None
    assert grey.shape == PICTURE.shape


@pytest.mark.parametrize("size", [(MAX_SIDE + 1, 16), (16, MAX_SIDE + 1), (65535, 65535), (0, 16)])
def test_too_large_pictures_are_refused_by_their_header(size: tuple[int, int]) -> None:
    """A few bytes that claim a huge picture cost nothing."""
    data = resized(*size)
    assert jpeg_size(data) == size
    assert decode_jpeg(data) is None


def test_the_largest_picture_is_decoded() -> None:
    """Exactly the limit is within it."""
    data = encoded(np.full((MAX_SIDE, MAX_SIDE), 99, np.uint8))
    grey = decode_jpeg(data)
    assert grey is not None
    assert grey.shape == (MAX_SIDE, MAX_SIDE)


def test_too_many_bytes_are_refused() -> None:
    """A padded file beyond the limit is not looked at."""
    assert decode_jpeg(FILE + bytes(MAX_BYTES - len(FILE))) is not None
    assert decode_jpeg(FILE + bytes(MAX_BYTES - len(FILE) + 1)) is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"\xff\xd8",
        b"\xff\xd8\xff\xd9" + bytes(20),
        b"\xff\xd8\xff\xda" + bytes(20),
        b"\xff\xd8\xff\xe0\0\0" + bytes(20),
        b"\xff\xd8" + b"\xff" * 500,
        FILE[:200],
        encoded(PICTURE, ".png"),
        encoded(PICTURE, ".bmp"),
        b"GIF89a" + bytes(50),
    ],
    ids=range(11),
)
def test_what_is_no_jpeg_picture_is_refused(data: bytes) -> None:
    """Nothing, fragments, loops of markers and other formats have no grey."""
    assert decode_jpeg(data) is None


def test_padding_before_a_header_is_passed_over() -> None:
    """Any number of 0xFF bytes may stand before a marker, and markers without a length."""
    assert jpeg_size(FILE[:2] + b"\xff\xff\xff" + FILE[2:]) == PICTURE.shape
    assert jpeg_size(FILE[:2] + b"\xff\xd0" + FILE[2:]) == PICTURE.shape


@given(st.binary(max_size=300))
def test_random_bytes_are_refused(data: bytes) -> None:
    """Bytes that are no picture give None, with a JPEG's start or without."""
    assert decode_jpeg(data) is None
    assert decode_jpeg(b"\xff\xd8" + data) is None


@given(st.lists(st.tuples(st.integers(0, len(FILE) - 1), st.integers(0, 255)), max_size=30))
def test_a_damaged_picture_is_grey_or_none(changes: list[tuple[int, int]]) -> None:
    """Whatever bytes of a picture change, the outcome is one of the declared ones."""
    data = bytearray(FILE)
    for at, value in changes:
        data[at] = value
    grey = decode_jpeg(bytes(data))
    assert grey is None or (grey.ndim == 2 and max(grey.shape) <= MAX_SIDE)


@given(st.integers(0, len(FILE)))
def test_a_picture_cut_off_is_grey_or_none(size: int) -> None:
    """A broken upload is no error."""
    grey = decode_jpeg(FILE[:size])
    assert grey is None or grey.shape == PICTURE.shape
