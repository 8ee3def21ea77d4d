"""Keyboard-wedge readers, read from the kernel's events and kept from everything else.

`struct input_event` and the key codes are those of linux/input.h and input-event-codes.h on
64-bit machines. No package that reads them has a wheel for ARM, and it is one struct. Keys are
taken for a US keyboard's; what the reader was really set to, the station finds out
(`edge.scan.layouts`).
"""

import fcntl
import os
import struct
from contextlib import suppress
from pathlib import Path
from typing import Final

from edge.scan.follow import LONGEST
from edge.scan.layouts import LAYOUTS

EVENT: Final = struct.Struct("@llHHi")  # seconds, microseconds, type, code, value
EV_KEY: Final = 1
SYN_DROPPED: Final = (0, 3)  # type and code: this process was too slow for the kernel's buffer
UP, DOWN = 0, 1
SHIFTS: Final = frozenset((42, 54))
CAPS_LOCK, SPACE = 58, 57
ENDS: Final = frozenset((28, 96, 15))  # Enter, Enter of the number pad, Tab
EVIOCGRAB: Final = 0x40044590
# The 47 keys in the order of `Layout`: row of digits, three rows of letters.
KEYS: Final = (41, *range(2, 14), *range(16, 28), *range(30, 41), 43, *range(44, 54))
PLAIN: Final = {**dict(zip(KEYS, LAYOUTS["us"].plain, strict=True)), SPACE: " "}
SHIFTED: Final = {**dict(zip(KEYS, LAYOUTS["us"].shifted, strict=True)), SPACE: " "}


class Typed:
    """What the keys pressed so far spell."""

    def __init__(self) -> None:
        self._rest = b""
        self._text: list[str] = []
        self._held: set[int] = set()
        self._caps = False

    def feed(self, data: bytes) -> list[str]:
        """Take events in; return the texts that Enter ended."""
        data = self._rest + data
        whole = len(data) - len(data) % EVENT.size
        self._rest = data[whole:]
        found = []
        for _, _, kind, key, value in EVENT.iter_unpack(data[:whole]):
            if (kind, key) == SYN_DROPPED:
                self.flush()  # keys are missing: half a code is none
            elif kind == EV_KEY and (text := self._key(key, value)):
                found.append(text)
        return found

    def flush(self) -> str:
        """Return what was spelt before a pause."""
        text, self._text = "".join(self._text), []
        return text

    def _key(self, key: int, value: int) -> str:
        """Take one key in; return the text that it ends, if it does."""
        if key in SHIFTS:
            (self._held.discard if value == UP else self._held.add)(key)
        elif value != DOWN:
            return ""  # a release, or a key held down: a reader does neither to repeat itself
        elif key in ENDS:
            return self.flush()
        elif key == CAPS_LOCK:
            self._caps = not self._caps
        elif len(self._text) < LONGEST:
            self._text.append(self._character(key))
        return ""

    def _character(self, key: int) -> str:
        shifted = bool(self._held)
        character: str = (SHIFTED if shifted else PLAIN).get(key, "")
        return character.swapcase() if self._caps else character


class Device:
    """An input device, open for this process alone."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with suppress(OSError):  # nobody else's typing then, and no reason not to read
            fcntl.ioctl(self._file, EVIOCGRAB, 1)

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._file

    def close(self) -> None:
        """Let go of the device."""
        os.close(self._file)
