"""What each verdict sounds and feels like: one table for pages and for the gate's own speaker.

Staff know an outcome with their eyes shut, so the kinds differ in everything at once: how many
tones, how high, how rough, how loud. The pages fetch this table and play it by Web Audio.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from shared.outcomes import Outcome, Signal

Wave = Literal["sine", "square", "sawtooth"]


class Tone(msgspec.Struct, frozen=True):
    """One tone, and the silence after it. Names are API: pages read them."""

    hz: int
    ms: int
    wave: Wave = "sine"
    gap_ms: int = 0
    gain: float = 0.6  # 0 to 1


Sound = tuple[Tone, ...]
SHORT_HIGH: Final[Sound] = (Tone(1320, 140),)
TWO_SOFT: Final[Sound] = (Tone(880, 110, gap_ms=80, gain=0.3), Tone(880, 110, gain=0.3))
RISING: Final[Sound] = (Tone(660, 130, gap_ms=50), Tone(990, 190))
LOW_BUZZ: Final[Sound] = (
    Tone(160, 230, "sawtooth", gap_ms=90),
    Tone(160, 330, "sawtooth"),
)
ALTERNATING: Final[Sound] = (
    Tone(740, 150, "square", gap_ms=20),
    Tone(440, 150, "square", gap_ms=20),
    Tone(740, 150, "square", gap_ms=20),
    Tone(440, 150, "square"),
)

# A code's own sound goes before its signal's.
SOUNDS: Final[Mapping[str, Sound]] = {
    Signal.ADMIT.value: SHORT_HIGH,
    Signal.ACT.value: RISING,
    Signal.REFUSE.value: LOW_BUZZ,
    Signal.TROUBLE.value: ALTERNATING,
    Outcome.READMITTED.code: TWO_SOFT,
    Outcome.EXIT.code: TWO_SOFT,
}
# Milliseconds: on, off, on, …
VIBRATIONS: Final[Mapping[str, tuple[int, ...]]] = {
    Signal.ADMIT.value: (60,),
    Signal.ACT.value: (60, 60, 120),
    Signal.REFUSE.value: (220, 90, 320),
    Signal.TROUBLE.value: (90, 60, 90, 60, 90, 60, 90),
    Outcome.READMITTED.code: (30, 80, 30),
    Outcome.EXIT.code: (30, 80, 30),
}


def sound_of(code: str, signal: str) -> Sound:
    """Return what a verdict sounds like; nothing where neither is known."""
    return SOUNDS.get(code) or SOUNDS.get(signal, ())


def plain() -> dict[str, Any]:
    """Return all of it as JSON's own types, as pages want it."""
    tones = {key: [msgspec.to_builtins(tone) for tone in sound] for key, sound in SOUNDS.items()}
    return tones | {"vibration": {key: [*pattern] for key, pattern in VIBRATIONS.items()}}
