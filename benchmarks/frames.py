"""Reading codes in 720p frames, beside pyzbar alone on the same frames.

The frames are drawn: ten tickets and ten live codes under each condition. `unbinned` is the
hard mix in pixels of the frame, which is more than can be read (edge/practice/looks.py).
"""

import sys
import time
from collections.abc import Callable, Sequence
from typing import Final

import cv2
import msgspec
import numpy as np

from benchmarks.event import EVENT, ISSUER_KEY, NOW
from benchmarks.report import Row, durations, percentile
from edge.practice.frames import Grey, Look, background, jpeg, render, sensed
from edge.practice.looks import PLAIN, Draw, hard_mix, hard_mix_near, hard_mix_unbinned
from edge.scan.decoder import Decoder
from edge.scan.engines import Engine, load_zbar
from edge.scan.eye import Eye
from edge.scan.jpeg import decode_jpeg
from edge.scan.picture import Picture
from shared import hashing, keys
from shared.presentation import present
from shared.token import BOUND, STATIC, Token, encode_text, issue

FRAMES: Final = 20  # a condition
ROUNDS: Final = 3
START: Final = 5  # seconds until a lane that was just opened is idle
IDLE: Final = 10  # seconds of video
FPS: Final = 30
HOLDER: Final = keys.secret_key(bytes(31) + b"\5")
KID: Final = hashing.kid(keys.public_key(ISSUER_KEY))
LEAST: Final = {"broken glass": 80, "hard mix": 80, "hard mix, near": 80}
HARD: Final[dict[str, Draw]] = {"hard mix": hard_mix, "hard mix, near": hard_mix_near}


def text_of(rng: np.random.Generator, *, live: bool) -> str:
    """Return a ticket's text, or a live code's."""
    holder = keys.public_key(HOLDER) if live else b""
    kind = BOUND if live else STATIC
    token = Token(kind, 0, KID, EVENT, rng.bytes(16), 0, 1, 2_000_000_000, holder)
    ticket = issue(token, ISSUER_KEY)
    return encode_text(present(ticket, HOLDER, NOW.seconds) if live else ticket)


def drawn(draw: Draw) -> list[tuple[str, Grey]]:
    """Return the frames of a condition, and what is in them."""
    made = []
    for seed in range(FRAMES):
        rng = np.random.default_rng(1_000_000 + seed)
        text = text_of(rng, live=seed % 2 == 1)
        made.append((text, render([text], draw(rng), rng)))
    return made


def rate(name: str, frames: Sequence[tuple[str, Grey]], zbar: Engine, least: float) -> Row:
    """Return how many of the frames are read, and how many pyzbar alone reads."""
    decoder = Decoder(zbar)
    ours = sum(decoder.read(grey).texts == (text,) for text, grey in frames)
    theirs = sum(any(code.text == text for code in zbar(grey)) for text, grey in frames)
    share = 100 / len(frames)
    return Row(f"read, {name}", ours * share, "%", least, "at least",
               f"pyzbar alone {theirs * share:.0f} %")  # fmt: skip


def misread(frames: Sequence[tuple[str, Grey]], zbar: Engine) -> int:
    """Return in how many frames something is read that is not there."""
    decoder = Decoder(zbar)
    return sum(not {text}.issuperset(decoder.read(grey).texts) for text, grey in frames)


def spent(work: Callable[[Grey], object], greys: Sequence[Grey]) -> list[float]:
    """Return how many milliseconds each frame took, sorted."""
    works = (lambda grey=grey: work(grey) for _ in range(ROUNDS) for grey in greys)
    return [micro / 1000 for micro in durations(works)]


def idle_share(pictures: Sequence[Picture]) -> float:
    """Return the share of a core that a lane takes in which nothing moves but the noise."""
    eye, spent = Eye(load_zbar()), 0.0
    for i in range((START + IDLE) * FPS):
        picture = pictures[i % len(pictures)]
        begin = time.process_time()
        eye.look(picture if isinstance(picture, bytes) else picture.copy(), i / FPS)
        spent += time.process_time() - begin if i >= START * FPS else 0
    return 100 * spent / IDLE


def idle_shares() -> list[Row]:
    """Return what an idle lane costs, by how its camera hands pictures over."""
    rng = np.random.default_rng(5)
    light = background(rng)
    plain = [sensed(light, Look(noise=3), rng) for _ in range(FPS)]
    packed = [jpeg(grey) for grey in plain]
    what = "idle lane, 30 frames/s, share of a core"
    size = sum(map(len, packed)) / len(packed) / 1000
    return [
        Row(f"{what}, grey", idle_share(plain), "%", 10, "at most", "copied from memory"),
        Row(f"{what}, JPEG", idle_share(packed), "%", 10, "at most", f"frames of {size:.0f} kB"),
    ]


def speeds(frames: Sequence[tuple[str, Grey]], zbar: Engine) -> list[Row]:
    """Return how long frames take."""
    greys = [grey for _, grey in frames]
    rng = np.random.default_rng(7)
    blank = [sensed(background(rng), Look(noise=4, blur=0.8), rng) for _ in range(10)]
    files = [jpeg(grey) for grey in greys]
    decoder = Decoder(zbar)
    ours, theirs = spent(decoder.read, greys), spent(zbar, greys)
    empty, empty_theirs = spent(decoder.read, blank), spent(zbar, blank)
    eye, clock = Eye(zbar), iter(range(1_000_000))
    video = spent(lambda grey: eye.look(grey, next(clock) / FPS), [*blank[:2], *greys])

    def from_jpeg(data: bytes) -> object:
        grey = decode_jpeg(data)
        return grey is not None and decoder.read(grey)

    works = (lambda data=data: from_jpeg(data) for _ in range(ROUNDS) for data in files)
    packed = [micro / 1000 for micro in durations(works)]
    size = sum(map(len, files)) / len(files) / 1000
    return [
        Row("720p frame to text, median", percentile(ours, 0.5), "ms", 3.5, "at most",
            f"pyzbar {percentile(theirs, 0.5):.1f} ms"),
        Row("720p frame to text, 95 of 100", percentile(ours, 0.95), "ms", 7.5, "at most",
            f"pyzbar {percentile(theirs, 0.95):.1f} ms"),
        Row("times faster than pyzbar", sum(theirs) / sum(ours), "x", 10, "at least",
            "the same frames, all together"),
        Row("frames a second", 1000 * len(ours) / sum(ours), "/s", 200, "at least",
            "each looked at anew, as a still"),
        Row("frames a second, as a video", 1000 * len(video) / sum(video), "/s", 200, "at least",
            "another code in each frame"),
        Row("frame without a code, as a still, median", percentile(empty, 0.5), "ms", 100,
            "at most", f"every step is tried; pyzbar {percentile(empty_theirs, 0.5):.1f} ms"),
        Row("JPEG bytes to text, median", percentile(packed, 0.5), "ms", 7, "at most",
            f"files of {size:.0f} kB"),
    ]  # fmt: skip


def main() -> None:
    """Print rows as JSON."""
    cv2.setNumThreads(1)
    zbar = load_zbar()
    if zbar is None:
        raise SystemExit("this suite compares with pyzbar, which needs the system's libzbar")
    rows, usual, wrong = [], list[tuple[str, Grey]](), 0
    for name, draw in {**PLAIN, **HARD}.items():
        frames = drawn(draw)
        rows.append(rate(name, frames, zbar, LEAST.get(name, 100)))
        wrong += misread(frames, zbar)
        usual += frames[:4] if name in PLAIN else []
    rows.append(rate("hard mix, unbinned", drawn(hard_mix_unbinned), zbar, 0))
    rows.append(Row("misread frames", wrong, "", 0.5, "at most", "of all of the above"))
    rows += speeds(usual, zbar)
    rows += idle_shares()
    sys.stdout.buffer.write(msgspec.json.encode(rows))


if __name__ == "__main__":
    main()
