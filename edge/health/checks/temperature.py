"""Is the machine too hot?"""

from typing import Final

from edge.health.reading import Reading
from edge.health.result import FAIL, OK, WARN, Result

WARM: Final = 75.0  # a Raspberry Pi slows down at 80
HOT: Final = 85.0
ADVICE: Final = "Take it out of the sun, free its vents, clean its fan."


def check(reading: Reading) -> Result:
    """A hot machine slows down and then stops."""
    degrees = reading.hardware.temperature
    if degrees is None:
        sentence = "This machine has no sensor of temperature."
        return Result("temperature", OK, "temperature_unknown", "", sentence)
    value = f"{degrees:.0f} °C"
    if degrees >= HOT:
        return Result("temperature", FAIL, "temperature_hot", value, "It is too hot.", ADVICE)
    if degrees >= WARM:
        return Result("temperature", WARN, "temperature_warm", value, "It is getting hot.", ADVICE)
    return Result("temperature", OK, "temperature_ok", value, "It is cool enough.")
