"""The camera's line to the agent: called again whenever it breaks, and nothing is kept for later.

What was seen while the agent was away is of no use to it when it is back, so `send` drops it.
"""

import threading
from pathlib import Path
from typing import Final

from edge.link.messages import BadMessage, Hello, Message, Watch
from edge.link.wire import Line

FIRST_PAUSE: Final = 0.1  # seconds before calling again
LONGEST_PAUSE: Final = 3.0
PATIENCE: Final = 2.0  # seconds that an agent may take to accept a message


class Call:
    """A standing call to the agent, kept by a thread of its own."""

    def __init__(self, path: Path, hello: Hello) -> None:
        self._path, self._hello = path, hello
        self._line: Line | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.watched = False

    def start(self) -> None:
        """Begin to call."""
        self._thread.start()

    def send(self, message: Message) -> bool:
        """Send a message if the agent is there; says whether it went."""
        line = self._line
        if line is None:
            return False
        try:
            line.send(message)
        except OSError:
            line.close()  # which ends the thread's waiting, so that it calls again
            return False
        return True

    def stop(self) -> None:
        """Hang up."""
        self._stopping.set()
        if (line := self._line) is not None:
            line.close()
        self._thread.join()

    def _run(self) -> None:
        pause = FIRST_PAUSE
        while not self._stopping.is_set():
            if self._call():
                pause = FIRST_PAUSE
            self._stopping.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _call(self) -> bool:
        """Call once and stay on the line; says whether anybody answered."""
        try:
            line = Line(self._path, PATIENCE)
        except OSError:
            return False
        try:
            line.send(self._hello)
            self._line = line
            self._listen(line)
        except (OSError, BadMessage):
            pass
        finally:
            self._line, self.watched = None, False
            line.close()
        return True

    def _listen(self, line: Line) -> None:
        while not self._stopping.is_set():
            try:
                message = line.receive()
            except TimeoutError:  # the agent has nothing to say
                continue
            if message is None:
                return
            if isinstance(message, Watch):
                self.watched = message.on
