"""Mains or battery, and does a Raspberry Pi get enough current?"""

from typing import Final

from edge.health.reading import Power, Reading
from edge.health.result import FAIL, OK, WARN, Result

LOW: Final = 30  # percent of the battery
EMPTY: Final = 10
UNDER_VOLTAGE, SLOWED, UNDER_VOLTAGE_BEFORE = 0x1, 0x4, 0x1_0000  # bits of `get_throttled`
PLUG: Final = "Plug it in."
SUPPLY: Final = "Use the supply that came with the board, and a short, thick cable."


def check(reading: Reading) -> Result:
    """A weak supply corrupts disks and resets cameras before it turns anything off."""
    power = reading.hardware.power
    if power is None:
        return Result("power", OK, "power_ignored", "", "The settings say not to look at power.")
    return _throttled(power.throttled or 0) or _battery(power)


def _throttled(bits: int) -> Result | None:
    value = f"{bits:#x}"
    if bits & UNDER_VOLTAGE:
        return Result("power", FAIL, "power_under", value, "The board gets too little.", SUPPLY)
    if bits & SLOWED:
        sentence = "The board has slowed itself down."
        return Result("power", WARN, "power_slowed", value, sentence, "Cool it, check its supply.")
    if bits & UNDER_VOLTAGE_BEFORE:
        sentence = "The board has had too little current since it started."
        return Result("power", WARN, "power_was_under", value, sentence, SUPPLY)
    return None


def _battery(power: Power) -> Result:
    if power.percent is None:
        return Result("power", OK, "power_mains", "mains", "This machine has no battery.")
    value = f"{power.percent} %"
    if power.plugged:
        return Result("power", OK, "power_plugged", value, "It is plugged in.")
    if power.percent < EMPTY:
        return Result("power", FAIL, "power_empty", value, "The battery is all but empty.", PLUG)
    if power.percent < LOW:
        return Result("power", WARN, "power_low", value, "The battery is running low.", PLUG)
    return Result("power", OK, "power_battery", value, "It runs on its battery.")
