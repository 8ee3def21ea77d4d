"""Lines for a technician to read, written by a thread of its own.

A reader that stands still (a pager, a stopped terminal, a stuck journal) fills its pipe, and
then a write waits for as long as it does. That must hold up no relay.
"""

import os
import queue
import threading
from typing import Final

ROOM: Final = 1000  # lines that may wait; what does not fit is dropped and counted
LAST_WORDS: Final = 1.0  # seconds that the end waits for a reader
STDOUT: Final = 1
STDERR: Final = 2
Waiting = tuple[int, str] | None


class Lines:
    """Writes to file descriptors past Python's buffers, whose locks would block the end."""

    def __init__(self, room: int = ROOM) -> None:
        self._waiting: queue.Queue[Waiting] = queue.Queue(room)
        self._deaf: set[int] = set()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self.dropped = 0

    def put(self, line: str, to: int = STDOUT) -> None:
        """Have a line written soon; returns at once."""
        try:
            self._waiting.put_nowait((to, line))
        except queue.Full:
            self.dropped += 1

    def close(self) -> None:
        """Wait a moment until all is written."""
        try:
            self._waiting.put(None, timeout=LAST_WORDS)
        except queue.Full:  # nobody has read for a long time
            return
        self._thread.join(LAST_WORDS)

    def _run(self) -> None:
        while (waiting := self._waiting.get()) is not None:
            to, line = waiting
            if to not in self._deaf:
                self._write(to, f"{line}\n".encode())

    def _write(self, to: int, data: bytes) -> None:
        try:
            while data:
                data = data[os.write(to, data) :]
        except OSError:  # the reader has gone; the gate goes on
            self._deaf.add(to)
