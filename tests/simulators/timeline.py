"""Time that passes only as the simulation says, and strands that wait in it.

    timeline = Timeline(start_ms)
    timeline.after(50, action)          # in 50 ms of this time
    timeline.run(until_ms)

A scan blocks its thread while it waits for another gate. So that a seed always tells the same
story, each gate scans on a strand: a thread that runs only while the scheduler stands still.
"""

import heapq
import itertools
import threading
from collections.abc import Callable
from typing import Final

Action = Callable[[], None]


class Timeline:
    """What is to happen, in the order of its time and then of its being asked for."""

    def __init__(self, start: int) -> None:
        self.ms = start
        self._due: list[tuple[int, int, Action]] = []
        self._numbers = itertools.count()

    def after(self, ms: int, action: Action) -> None:
        """Do something later."""
        heapq.heappush(self._due, (self.ms + ms, next(self._numbers), action))

    def run(self, until: int) -> None:
        """Let happen what is due until then."""
        while self._due and self._due[0][0] <= until:
            self.ms, _, action = heapq.heappop(self._due)
            action()
        self.ms = max(self.ms, until)


class Strand:
    """A thread that takes turns with the scheduler."""

    PATIENCE: Final = 20.0  # real seconds, after which the two have locked each other out

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self._go, self._back = threading.Lock(), threading.Lock()  # each is held but for a turn
        self._go.acquire()
        self._back.acquire()
        self._work: Action | None = None
        self._error: BaseException | None = None
        self._answered = False
        self._waits = 0
        threading.Thread(target=self._live, daemon=True).start()

    @property
    def busy(self) -> bool:
        """Whether its work is not done yet."""
        return self._work is not None

    def start(self, work: Action) -> None:
        """Do some work, until it is done or waits. From the scheduler."""
        if self.busy:
            raise RuntimeError("the strand is at work")
        self._work = work
        self._turn()

    def wait(self, ms: int) -> bool:
        """Wait until `wake`, at most so long; return whether somebody woke it. From the work."""
        self._answered = False
        self._waits += 1
        waiting = self._waits
        self.timeline.after(ms, lambda: self._wake(waiting, answered=False))
        self._back.release()
        self._go.acquire()
        return self._answered

    def wake(self) -> None:
        """Let it go on. From the scheduler."""
        self._wake(self._waits, answered=True)

    def close(self) -> None:
        """End the thread; it must be idle."""
        self._work = None
        self._go.release()

    def _wake(self, waiting: int, *, answered: bool) -> None:
        if self.busy and waiting == self._waits:
            self._waits += 1  # the other reason to wake it comes too late
            self._answered = answered
            self._turn()

    def _turn(self) -> None:
        self._go.release()
        if not self._back.acquire(timeout=self.PATIENCE):
            raise RuntimeError("a strand does not give its turn back")
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def _live(self) -> None:
        while True:
            self._go.acquire()
            if self._work is None:
                return
            try:
                self._work()
            except BaseException as error:  # noqa: BLE001  told to the scheduler
                self._error = error
            self._work = None
            self._back.release()
