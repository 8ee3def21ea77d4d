"""Frames with real tickets' codes in them, each named by a condition and a seed."""

from typing import Final

import numpy as np

from edge.practice.frames import Grey, Look, render
from edge.practice.looks import PLAIN, Draw, hard_mix, hard_mix_near
from edge.practice.videos import write_avi, write_mjpeg, write_y4m
from shared import hashing, keys
from shared.presentation import present
from shared.token import BOUND, STATIC, Token, encode_text, issue

ISSUER: Final = keys.secret_key(b"frames".ljust(32, b"\0"))
HOLDER: Final = keys.secret_key(b"holder".ljust(32, b"\0"))
KID: Final = hashing.kid(keys.public_key(ISSUER))
EVENT: Final = b"arena-01"
EXPIRES: Final = 2_000_000_000
CONDITIONS: Final = {**PLAIN, "hard mix": hard_mix, "hard mix, near": hard_mix_near}


def static_text(rng: np.random.Generator) -> str:
    """Return the text of a signed ticket."""
    token = Token(STATIC, 0, KID, EVENT, rng.bytes(16), 0, 1, EXPIRES)
    return encode_text(issue(token, ISSUER))


def live_text(rng: np.random.Generator, at: int = 1_800_000_000) -> str:
    """Return the text of a live code."""
    token = Token(BOUND, 0, KID, EVENT, rng.bytes(16), 0, 1, EXPIRES, keys.public_key(HOLDER))
    return encode_text(present(issue(token, ISSUER), HOLDER, at))


def frame(draw: Draw, seed: int, *, live: bool = False) -> tuple[str, Grey]:
    """Return a ticket's text and a frame of its code."""
    rng = np.random.default_rng(seed)
    text = live_text(rng) if live else static_text(rng)
    return text, render([text], draw(rng), rng)


__all__ = [
    "CONDITIONS",
    "Grey",
    "Look",
    "frame",
    "live_text",
    "render",
    "static_text",
    "write_avi",
    "write_mjpeg",
    "write_y4m",
]
