"""Serial readers: lines of text, ended by CR, LF or a pause."""

import re
import termios
from typing import Final

import serial

from edge.scan.follow import LONGEST

_END: Final = re.compile(rb"[\r\n]+")


class Lines:
    """What a serial reader has sent so far."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[str]:
        """Take bytes in; return the lines that they end."""
        *lines, rest = _END.split(self._rest + data)
        self._rest = rest[: LONGEST + 1]
        return [_text(line) for line in lines if line]

    def flush(self) -> str:
        """Return what came before a pause."""
        rest, self._rest = self._rest, b""
        return _text(rest)


def open_port(device: str, baud: int) -> serial.Serial:
    """Return a serial port that never waits. Raises `OSError` where it can't be opened."""
    try:
        return serial.Serial(device, baud, timeout=0, exclusive=True)
    except (ValueError, termios.error) as error:
        raise OSError(str(error)) from error


def _text(line: bytes) -> str:
    """Return a line as text; what is no ASCII is no ticket, and stays visible as that."""
    return line.decode("latin-1")
