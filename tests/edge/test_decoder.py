"""What the decoder reads of drawn frames, beside what pyzbar alone reads of the same ones."""

from typing import Final

import pytest

from edge.scan.decoder import Decoder
from edge.scan.engines import load_zbar
from tests.edge.frames import CONDITIONS, frame

SEEDS: Final = range(12)
ALL: Final = 1.0
LEAST: Final = {"broken glass": 0.8, "hard mix": 0.8, "hard mix, near": 0.8}
ZBAR: Final = load_zbar()


@pytest.mark.parametrize("live", [False, True], ids=["static", "live"])
@pytest.mark.parametrize("condition", CONDITIONS)
def test_it_reads_what_comes_before_a_gate(condition: str, live: bool) -> None:
    """Under each fault at least the wanted share is read, no less than by pyzbar, and never
    anything else than what is there."""
    decoder, ours, theirs = Decoder(ZBAR), 0, 0
    for seed in SEEDS:
        text, picture = frame(CONDITIONS[condition], seed, live=live)
        texts = decoder.read(picture).texts
        assert set(texts) <= {text}
        ours += texts == (text,)
        theirs += ZBAR is not None and any(code.text == text for code in ZBAR(picture))
    assert ours >= LEAST.get(condition, ALL) * len(SEEDS)
    assert ours >= theirs
    assert decoder.counts.total() == ours


def test_frames_are_named_by_their_seed() -> None:
    """The same seed draws the same frame, another seed another."""
    draw = CONDITIONS["hard mix"]
    (text, first), (same, again), (_, other) = frame(draw, 1), frame(draw, 1), frame(draw, 2)
    assert text == same
    assert (first == again).all()
    assert (first != other).any()
