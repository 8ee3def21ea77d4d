"""A thread that reads a source and keeps only its newest picture.

Whoever is slower than the camera sees the present, not a queue of the past. A source that
ends or fails is opened again, ever more seldom. One that hangs inside its driver cannot be
interrupted: its thread is left behind and another one tries; when too many are left behind,
`Stuck` says that only a new process helps.
"""

import logging
import threading
from collections.abc import Callable
from typing import Final

from edge.scan.picture import Picture
from edge.scan.source import Ended, Lost, Source

LOG: Final = logging.getLogger(__name__)
FIRST_PAUSE: Final = 0.5  # seconds before opening a source again
LONGEST_PAUSE: Final = 10.0
SILENCE: Final = 5.0  # seconds without a picture, until a source counts as hanging
OPENING: Final = 15.0  # the same while it is being opened
LEFT_BEHIND: Final = 3  # threads


class Stuck(Exception):
    """Too many threads hang inside the camera's driver."""


class Newest:
    """The newest picture of a source."""

    def __init__(self, opener: Callable[[], Source], clock: Callable[[], float]) -> None:
        self._opener, self._clock = opener, clock
        self._changed = threading.Condition()
        self._picture: Picture | None = None
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._current: threading.Thread | None = None
        self._heard = clock()  # of the current thread
        self.connected = False
        self.ended = False
        self.live = False
        self.frames = 0

    def start(self) -> None:
        """Begin to read, or begin anew beside a thread that hangs."""
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        if len(self._threads) > LEFT_BEHIND:
            raise Stuck
        with self._changed:
            self.connected = False
            self._heard = self._clock()
            self._current = threading.Thread(target=self._run, daemon=True)
        self._threads.append(self._current)
        self._current.start()

    def take(self, timeout: float) -> Picture | None:
        """Return a picture that was not taken yet, None if there is none in time."""
        with self._changed:
            self._changed.wait_for(lambda: self._picture is not None, timeout)
            picture, self._picture = self._picture, None
        return picture

    def watch_over(self) -> None:
        """Start anew if the source hangs; raises `Stuck`. To be called now and then."""
        limit = SILENCE if self.connected else OPENING
        if not self.ended and self._clock() - self._heard > limit:
            self.start()

    def stop(self) -> None:
        """Stop reading; a thread that hangs is left to the end of the process."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(1.0)

    def _run(self) -> None:
        pause = FIRST_PAUSE
        while self._is_mine():
            try:
                if self._read_all():
                    pause = FIRST_PAUSE
            except Ended:
                self.ended = True
                return
            finally:
                self._tell(connected=False)
            self._stopping.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _read_all(self) -> bool:
        """Read until the source is lost; says whether it gave anything."""
        any_read = False
        try:
            source = self._opener()
        except Lost as loss:
            LOG.info("no picture: %s", loss)
            return False
        try:
            while self._is_mine():
                self._put(source.read(), source)
                any_read = True
        except Lost as loss:
            LOG.warning("the source is lost: %s", loss)
        finally:
            source.close()
        return any_read

    def _put(self, picture: Picture, source: Source) -> None:
        with self._changed:
            if self._is_mine():
                self._picture = picture
                self._heard = self._clock()
                self.connected, self.live = True, source.live
                self.frames += 1
                self._changed.notify_all()

    def _tell(self, *, connected: bool) -> None:
        with self._changed:
            if self._is_mine():
                self.connected = connected
                self._heard = self._clock() + LONGEST_PAUSE

    def _is_mine(self) -> bool:
        return self._current is threading.current_thread() and not self._stopping.is_set()
