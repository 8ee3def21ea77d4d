"""Can the machine's own speaker be used?"""

from edge.health.reading import Reading
from edge.health.result import OK, Result


def check(reading: Reading) -> Result:
    """Screens make their own sounds, so a machine without a speaker is no fault."""
    if reading.hardware.aplay:
        return Result("sound", OK, "sound_ok", "aplay", "The machine's own speaker can be used.")
    sentence = "Only screens make sounds: aplay is not installed."
    todo = "For the machine's own speaker, install alsa-utils."
    return Result("sound", OK, "sound_screens", "screens only", sentence, todo)
