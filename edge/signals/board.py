"""The pins. Lamp and relays hang on GPIO lines, and start in their fail-safe state.

When a process ends, gpiozero turns its lines into inputs: what hangs on them is without a
drive. So this software can only hold a relay open while it runs. A door that must be open
when the appliance is dead is wired so that a relay without power opens it, and its relay is
`inverted`: then "open" is the line that is low, also after a crash and a power cut.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from gpiozero import DigitalOutputDevice

from edge.signals.panel import Outputs

LIGHTS: Final = ("green", "amber", "red")
RELAYS: Final = ("entry", "exit")


class Pin(NamedTuple):
    """A line by its BCM number; an inverted one is low when the output is on."""

    number: int
    inverted: bool = False


class Board:
    """The lines of one gate, by the names of `Outputs`. Those without a line are passed over."""

    def __init__(self, pins: Mapping[str, Pin], first: Outputs) -> None:
        self._devices = {
            name: DigitalOutputDevice(
                pin.number, active_high=not pin.inverted, initial_value=getattr(first, name)
            )
            for name, pin in pins.items()
        }

    def set(self, outputs: Outputs) -> None:
        """Drive what is to change. Relays go before lights."""
        for name in reversed(outputs._fields):
            device = self._devices.get(name)
            wanted = getattr(outputs, name)
            if device is not None and bool(device.value) is not wanted:
                device.value = wanted

    def levels(self) -> dict[str, int]:
        """Return the electrical level of each line, read back."""
        return {name: int(device.pin.state) for name, device in self._devices.items()}

    def close(self) -> None:
        """Let the lines go."""
        for device in self._devices.values():
            device.close()
