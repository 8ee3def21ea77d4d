"""Sounds, measured: what comes out of the speaker is what the table says, and no two are alike."""

from collections.abc import Iterator
from itertools import combinations
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pytest

from edge.gate.sounds import SOUNDS, VIBRATIONS, Sound, plain, sound_of
from edge.signals.pcm import RATE, samples, wav
from shared.outcomes import Outcome, Signal

KINDS = {
    "admitted": sound_of("admitted", "green"),
    "readmitted": sound_of("readmitted", "green"),
    "act": sound_of("attention", "amber"),
    "refused": sound_of("revoked", "red"),
    "trouble": sound_of("storage_failed", "machine"),
}


class Heard(NamedTuple):
    """One tone, as a microphone would have it."""

    hz: float
    ms: float
    loud: float  # effective, as a share of full scale


def listen(sound: Sound) -> list[Heard]:
    """Return the tones of a sound by what its samples are, not by what they should be."""
    wave = np.array(samples(sound), dtype=np.float64) / 32767
    return [_measure(wave[begin:end]) for begin, end in _stretches(np.abs(wave) > 1e-4)]


def _stretches(loud: npt.NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Yield where there is sound; a silence is 10 ms long at least."""
    at = np.flatnonzero(loud)
    breaks = np.flatnonzero(np.diff(at) > RATE // 100)
    begins = [at[0], *at[breaks + 1]]
    ends = [*at[breaks], at[-1]]
    yield from ((int(begin), int(end) + 1) for begin, end in zip(begins, ends, strict=True))


def _measure(wave: npt.NDArray[np.float64]) -> Heard:
    spectrum = np.abs(np.fft.rfft(wave * np.hanning(len(wave)), 1 << 17))
    hz = float(np.argmax(spectrum)) * RATE / (1 << 17)
    return Heard(hz, 1000 * len(wave) / RATE, float(np.sqrt(np.mean(wave**2))))


@pytest.mark.parametrize("key", SOUNDS)
def test_a_sound_is_what_the_table_says(key: str) -> None:
    """So many tones, of that pitch and that length."""
    heard = listen(SOUNDS[key])
    assert [tone.hz for tone in heard] == pytest.approx([t.hz for t in SOUNDS[key]], rel=0.02)
    assert [tone.ms for tone in heard] == pytest.approx([t.ms for t in SOUNDS[key]], abs=4)


def test_the_five_kinds_are_what_they_are_called() -> None:
    """One short high; two soft; a rising pair; a low double buzz; an alternating pair."""
    (admitted,) = listen(KINDS["admitted"])
    assert admitted.hz > 1000
    assert admitted.ms < 200
    soft = listen(KINDS["readmitted"])
    assert len(soft) == 2
    assert all(tone.loud < 0.6 * admitted.loud for tone in soft)
    low, high = listen(KINDS["act"])
    assert high.hz > 1.3 * low.hz
    buzz = listen(KINDS["refused"])
    assert len(buzz) == 2
    assert all(tone.hz < 200 for tone in buzz)
    first, second, third, fourth = (tone.hz for tone in listen(KINDS["trouble"]))
    assert (first, second) == pytest.approx((third, fourth), rel=0.01)
    assert first > 1.3 * second


@pytest.mark.parametrize(("one", "other"), [*combinations(KINDS, 2)])
def test_no_two_kinds_are_alike(one: str, other: str) -> None:
    """They differ in the number of tones, or by a third in the pitch of one of them."""
    first, second = listen(KINDS[one]), listen(KINDS[other])
    pitches = zip(first, second, strict=False)
    apart = any(max(a.hz, b.hz) > 1.25 * min(a.hz, b.hz) for a, b in pitches)
    assert len(first) != len(second) or apart


@pytest.mark.parametrize("key", SOUNDS)
def test_no_sound_clips_clicks_or_lasts(key: str) -> None:
    """It stays within full scale, begins and ends in silence, and is over in a second."""
    wave = np.array(samples(SOUNDS[key]))
    assert np.abs(wave).max() < 32767
    assert np.abs(wave[[0, -1]]).max() == 0
    assert np.abs(np.diff(wave[:40])).max() < 0.3 * np.abs(wave).max()
    assert len(wave) < RATE


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_sounds_and_shakes(outcome: Outcome) -> None:
    """None is silent; a code that nobody knows has no sound."""
    assert sound_of(outcome.code, outcome.signal.value)
    assert VIBRATIONS.get(outcome.code) or VIBRATIONS[outcome.signal.value]


def test_vibrations_differ_as_sounds_do() -> None:
    """Each signal has its own, and those who come back have another."""
    patterns = [VIBRATIONS[signal.value] for signal in Signal]
    assert len({*patterns, VIBRATIONS["readmitted"]}) == 5
    assert sound_of("nobody_knows", "ultraviolet") == ()


def test_pages_get_json() -> None:
    """The table is numbers and words by code or signal, and the patterns beside them."""
    table = plain()
    assert table["green"] == [
        {"hz": 1320, "ms": 140, "wave": "sine", "gap_ms": 0, "gain": 0.6},
    ]
    assert set(table) == {*SOUNDS, "vibration"}
    assert table["vibration"]["red"] == [220, 90, 320]


def test_a_file_has_its_header() -> None:
    """A player is told the rate, 16 bits and one channel."""
    made = wav(KINDS["admitted"])
    assert made[:4] == b"RIFF"
    assert made[22:28] == (1).to_bytes(2, "little") + RATE.to_bytes(4, "little")
    assert len(made) == 44 + 2 * len(samples(KINDS["admitted"]))
