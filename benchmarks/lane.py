"""A guest before a camera: from a 720p frame, or a JPEG of one, to a durable verdict.

The real decoder and the real station in one process and on one core; each frame shows another
ticket under one of the plain conditions.
"""

import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import cv2
import msgspec
import numpy as np

from benchmarks.report import Row, percentile
from edge.gate.gate import Gate, open_gate
from edge.practice import speed
from edge.practice.frames import Grey, jpeg, render
from edge.practice.looks import PLAIN
from edge.practice.place import practice_settings
from edge.practice.world import World, post_lane
from edge.scan.decoder import Decoder
from edge.scan.engines import load_zbar
from edge.scan.jpeg import decode_jpeg
from shared.outcomes import Signal

GUESTS = 300
TICKETS = 100_000


def shown(world: World, first: int) -> list[Grey]:
    """Return a frame for each guest, the plain conditions in turn."""
    looks = list(PLAIN.values())
    frames = []
    for guest in range(GUESTS):
        rng = np.random.default_rng(first + guest)
        look = looks[guest % len(looks)](rng)
        frames.append(render([world.bulk(first + guest)], look, rng))
    return frames


def admit(gate: Gate, decoder: Decoder, grey: Grey) -> None:
    """Let a guest in, or say which frame was not read."""
    texts = decoder.read(grey).texts
    if not texts:
        return  # a code that this frame does not show well enough: the next frame would
    verdict = gate.station.scan_several(texts, speed.LANE, "hand")
    if verdict.signal is not Signal.ADMIT:
        raise SystemExit(f"a benchmark's ticket was not admitted: {verdict.code}")


def main() -> None:
    """Print rows as JSON."""
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory(prefix="usher-") as name:
        settings = practice_settings(Path(name), "127.0.0.1", 0, camera=False)
        world = World.make(int(time.time()), tickets=TICKETS)
        world.install(settings, names=False)
        post_lane(settings, speed.LANE)
        frames, files = shown(world, 0), [jpeg(grey) for grey in shown(world, GUESTS)]
        gate, decoder = open_gate(settings), Decoder(load_zbar())
        try:
            raw = speed.timed(partial(admit, gate, decoder, grey) for grey in frames)

            def from_file(data: bytes) -> None:
                if (grey := decode_jpeg(data)) is not None:
                    admit(gate, decoder, grey)

            packed = speed.timed(partial(from_file, data) for data in files)
        finally:
            gate.close()
    what = "720p frame → durable verdict"
    rows = [
        Row(f"{what}: median", percentile(raw, 0.5), "ms", 4, "at most", f"{TICKETS:,} tickets"),
        Row(f"{what}: 95 of 100", percentile(raw, 0.95), "ms", 8, "at most"),
        Row(f"{what}: frames a second", 1000 * len(raw) / sum(raw), "/s", 200, "at least",
            "one core, another guest in each"),
        Row("JPEG of a 720p frame → durable verdict: median", percentile(packed, 0.5), "ms", 7,
            "at most"),
    ]  # fmt: skip
    sys.stdout.buffer.write(msgspec.json.encode(rows))


if __name__ == "__main__":
    main()
