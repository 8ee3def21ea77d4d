"""What is told of the evening: one state that terminal and page both show, and its changes."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, Final, Literal

import msgspec

PULSE: Final = 0.25  # seconds between two looks at the numbers
Kind = Literal["chapter", "say", "good", "bad"]
Heard = Callable[[Kind, str], None]
TITLES: Final = {
    "setup": "Set-up",
    "preload": "Enrol and preload",
    "steady": "Steady entry, and cheats",
    "news": "News from the box office",
    "offline": "The internet is cut",
    "parted": "The LAN is parted",
    "healing": "Healing",
    "healed": "Last guests",
    "reckoning": "Expected and happened",
}


class Line(msgspec.Struct, frozen=True):
    """One sentence."""

    at: float  # seconds since the beginning
    kind: Kind
    text: str


class Telling:
    """Holds what is to be shown, and tells every sentence to whoever shows it."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._heard: list[Heard] = []
        self._version = 0
        self.lines: list[Line] = []
        self.numbers: dict[str, Any] = {"chapter": "", "titles": TITLES}

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._begun

    def listen(self, heard: Heard) -> None:
        """Have every sentence told to somebody."""
        self._heard.append(heard)

    def chapter(self, name: str) -> None:
        """Begin a chapter."""
        self.numbers["chapter"] = name
        self.say(TITLES[name], "chapter")

    def say(self, text: str, kind: Kind = "say") -> None:
        """Tell one more sentence."""
        self.lines.append(Line(round(self.elapsed, 1), kind, text))
        self._version += 1
        for heard in self._heard:
            heard(kind, text)

    def set(self, **numbers: Any) -> None:
        """Change numbers."""
        self.numbers.update(numbers)
        self._version += 1

    async def events(self) -> AsyncIterator[bytes]:
        """Yield everything as server-sent events, at once and whenever it has changed."""
        shown = -1
        while True:
            if shown != self._version:
                shown = self._version
                state = {**self.numbers, "lines": self.lines, "elapsed": round(self.elapsed)}
                yield b"data: " + msgspec.json.encode(state) + b"\n\n"
            await asyncio.sleep(PULSE)
