"""Only the newest picture counts, and a source that hangs is left behind."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from edge.scan.newest import LEFT_BEHIND, OPENING, SILENCE, Newest, Stuck
from edge.scan.picture import Picture
from edge.scan.source import Ended, Lost, Source

PATIENCE = 20.0


class Scripted:
    """A source that does what it is told, picture by picture."""

    live = True

    def __init__(self, *pictures: int | type[Exception] | threading.Event) -> None:
        self._pictures = list(pictures)
        self.closed = threading.Event()

    def read(self) -> Picture:
        step = self._pictures.pop(0)
        if isinstance(step, threading.Event):
            step.wait()
            raise Lost
        if isinstance(step, int):
            return np.full((2, 2), step, np.uint8)
        raise step

    def close(self) -> None:
        self.closed.set()


@contextmanager
def reading(
    opener: Callable[[], Source], clock: Callable[[], float] = time.monotonic
) -> Iterator[Newest]:
    newest = Newest(opener, clock)
    newest.start()
    try:
        yield newest
    finally:
        newest.stop()


def level(picture: Picture | None) -> int | None:
    return int(picture[0, 0]) if isinstance(picture, np.ndarray) else None


def until(condition: Callable[[], bool]) -> None:
    """Wait for another thread to get somewhere."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        threading.Event().wait(0.005)


def test_a_slow_taker_gets_the_newest() -> None:
    """Pictures that nobody took in time are gone; the last one is there once."""
    blocked = threading.Event()
    with reading(lambda: Scripted(1, 2, 3, blocked)) as newest:
        until(lambda: newest.frames == 3)
        assert level(newest.take(PATIENCE)) == 3
        assert newest.take(0) is None
        assert newest.connected
        blocked.set()


def test_a_lost_source_is_closed_and_opened_again() -> None:
    """What comes back after a loss is read on; what was open is closed."""
    blocked = threading.Event()
    scripts = [Scripted(1, Lost), Scripted(Lost), Scripted(2, blocked)]
    left = list(scripts)
    with reading(lambda: left.pop(0)) as newest:
        until(lambda: newest.frames == 2)
        assert level(newest.take(PATIENCE)) == 2
        assert scripts[0].closed.is_set()
        assert scripts[1].closed.is_set()
        blocked.set()


def test_a_source_that_does_not_open_is_tried_again() -> None:
    """Opening fails as often as it likes."""
    blocked = threading.Event()
    tries = iter((Lost, Scripted(5, blocked)))

    def opener() -> Source:
        source = next(tries)
        if isinstance(source, Scripted):
            return source
        raise source

    with reading(opener) as newest:
        assert level(newest.take(PATIENCE)) == 5
        blocked.set()


def test_a_video_that_is_over_is_not_opened_again() -> None:
    """Its end is no loss."""
    script = Scripted(1, Ended)
    scripts = [script]
    with reading(scripts.pop) as newest:
        until(lambda: newest.ended)
        assert script.closed.wait(PATIENCE)
        assert not newest.connected
        newest.watch_over()


def test_a_source_that_hangs_is_left_behind() -> None:
    """After a silence another thread reads; what the first one still says counts no more."""
    now, blocked = [0.0], threading.Event()
    scripts = [Scripted(1, blocked), Scripted(2, blocked)]
    left = list(scripts)
    with reading(lambda: left.pop(0), lambda: now[0]) as newest:
        assert level(newest.take(PATIENCE)) == 1
        newest.watch_over()
        assert newest.connected
        now[0] += SILENCE + 1
        newest.watch_over()
        assert level(newest.take(PATIENCE)) == 2
        blocked.set()
    assert scripts[0].closed.wait(PATIENCE)


def test_too_many_that_hang_call_for_a_new_process() -> None:
    """Threads cannot be ended from outside: at some point only a new process helps."""
    now, blocked = [0.0], threading.Event()
    with reading(lambda: Scripted(blocked), lambda: now[0]) as newest:
        for _ in range(LEFT_BEHIND):
            now[0] += OPENING + 1
            newest.watch_over()
        now[0] += OPENING + 1
        with pytest.raises(Stuck):
            newest.watch_over()
        blocked.set()
