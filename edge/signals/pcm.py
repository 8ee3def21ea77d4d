"""Sounds as samples. Pure: the same tones give the same bytes."""

import io
import math
import wave
from array import array
from typing import Final

from edge.gate.sounds import Sound, Tone, Wave

RATE: Final = 44_100
RAMP: Final = 0.008  # seconds: without it, speakers click
FULL: Final = 32_767


def samples(sound: Sound) -> "array[int]":
    """Return a sound as 16-bit samples, mono, `RATE` a second."""
    made = array("h")
    for tone in sound:
        made.extend(_tone(tone))
        made.extend([0] * (RATE * tone.gap_ms // 1000))
    return made


def wav(sound: Sound) -> bytes:
    """Return a sound as a WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(samples(sound).tobytes())
    return file.getvalue()


def _tone(tone: Tone) -> list[int]:
    count = RATE * tone.ms // 1000
    edge = RATE * RAMP
    made = []
    for i in range(count):
        loud = min(1.0, i / edge, (count - 1 - i) / edge)
        made.append(round(FULL * tone.gain * loud * _height(tone.wave, tone.hz * i / RATE)))
    return made


def _height(shape: Wave, turns: float) -> float:
    """Return a wave's height, -1 to 1, after so many turns."""
    part = turns % 1.0
    if shape == "square":
        return 1.0 if part < 0.5 else -1.0
    if shape == "sawtooth":
        return 2 * ((part + 0.5) % 1.0) - 1
    return math.sin(2 * math.pi * part)
