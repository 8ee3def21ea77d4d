"""What is held before a camera, read by the camera process's own decoder."""

import random
import time

import cv2
import numpy as np
import pytest

from demo import picture
from demo.picture import Hand
from demo.wallet import Phone, Ticket
from edge.scan.engines import load_zbar
from edge.scan.picture import grey_of
from edge.scan.stream import VideoDecoder
from shared import keys
from shared.hashing import kid
from shared.token import BOUND, STATIC, Token, encode_text, issue

NOW = 1_800_000_000
FRAMES = 6  # within which a code has to be read
ISSUER = keys.secret_key(bytes(range(32)))


def ticket(number: int, phone: Phone | None = None) -> str:
    """Return a ticket's code."""
    form, holder = (BOUND, keys.public_key(phone.secret)) if phone else (STATIC, b"")
    name = kid(keys.public_key(ISSUER))
    token = Token(form, 0, name, bytes(8), number.to_bytes(16, "big"), 0, 1, NOW, holder)
    return encode_text(issue(token, ISSUER))


def seen(thing: picture.Grey, seed: int) -> set[str]:
    """Return what the decoder reads in the frames of a hand."""
    decoder, hand = VideoDecoder(load_zbar()), Hand(thing, picture.scene(seed), random.Random(seed))
    read: set[str] = set()
    for _ in range(FRAMES):
        grey = grey_of(hand.frame())
        assert grey is not None
        read |= set(decoder.read(grey).texts)
    return read


@pytest.mark.parametrize("seed", range(12))
def test_a_phone_and_a_sheet_of_paper_are_read(seed: int) -> None:
    """Whatever the pose, the code is read within some frames, and nothing else is."""
    phone = Phone.new()
    live = Ticket("", ticket(seed, phone), phone).live(int(time.time()))
    assert seen(picture.phone(live, "Ana Adler"), seed) == {live}
    assert seen(picture.paper(ticket(seed), "Bo Brandt"), seed + 100) == {ticket(seed)}


def test_an_empty_lane_shows_no_code() -> None:
    """The hall behind the guests is read as nothing."""
    rng, decoder = random.Random(1), VideoDecoder(load_zbar())
    for seed in range(5):
        grey = grey_of(picture.sensed(picture.scene(seed), rng))
        assert grey is not None
        assert decoder.read(grey).texts == ()


def test_no_two_frames_are_alike() -> None:
    """A hand moves and a sensor has noise: a camera that repeats itself would look frozen."""
    hand = Hand(picture.phone(ticket(1), "Ana"), picture.scene(1), random.Random(1))
    one, other = (
        np.asarray(cv2.imdecode(np.frombuffer(hand.frame(), np.uint8), cv2.IMREAD_GRAYSCALE))
        for _ in range(2)
    )
    assert (one != other).mean() > 0.2
