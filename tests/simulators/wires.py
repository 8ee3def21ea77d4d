"""The venue's network, as bad as the seed has it: slow, lossy, doubling, out of order, cut."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from tests.simulators.timeline import Timeline

Deliver = Callable[[str, bytes], None]  # who sent it, and what


@dataclass
class Weather:
    """How bad it is: chances per message, and delays in ms."""

    lost: float = 0.0
    doubled: float = 0.0
    late: float = 0.0
    usual: tuple[int, int] = (1, 8)
    delayed: tuple[int, int] = (50, 4_000)


class Wires:
    """Carries messages between named nodes."""

    def __init__(self, timeline: Timeline, random: Random, weather: Weather) -> None:
        self.weather = weather
        self.met: Counter[str] = Counter()
        self._timeline = timeline
        self._random = random
        self._nodes: dict[str, Deliver] = {}
        self._cut: set[frozenset[str]] = set()
        self._last: Counter[tuple[str, str]] = Counter()  # when the last message in order arrives
        self._lives: Counter[str] = Counter()  # of nodes
        self._cuts: Counter[frozenset[str]] = Counter()

    def join(self, name: str, deliver: Deliver) -> None:
        """Connect a node, or connect it anew."""
        self._nodes[name] = deliver
        self._lives[name] += 1

    def leave(self, name: str) -> None:
        """Take a node off; what is under way to it is lost."""
        self._nodes.pop(name, None)

    def cut(self, one: str, other: str) -> None:
        """Let nothing pass between two nodes."""
        self._cut.add(frozenset((one, other)))
        self._cuts[frozenset((one, other))] += 1

    def mend(self) -> None:
        """Let everything pass again."""
        self._cut.clear()

    def joined(self, one: str, other: str) -> bool:
        """Whether anything passes."""
        return frozenset((one, other)) not in self._cut

    def line(self, one: str, other: str) -> int | None:
        """Return the number of the connection between two nodes, None while there is none."""
        if not (one in self._nodes and other in self._nodes and self.joined(one, other)):
            return None
        return self._lives[one] + self._lives[other] + self._cuts[frozenset((one, other))]

    def send(self, source: str, target: str, message: bytes) -> None:
        """Send a message; it may never arrive."""
        if self._random.random() < self.weather.lost:
            self.met["message lost"] += 1
            return
        copies = 1
        if self._random.random() < self.weather.doubled:
            self.met["message doubled"] += 1
            copies = 2
        for _ in range(copies):
            delay = self._delay(source, target)
            self._timeline.after(delay, lambda: self._arrive(source, target, message))

    def _delay(self, source: str, target: str) -> int:
        """Return after how long a message arrives: behind the one before, unless it is late."""
        if self._random.random() < self.weather.late:
            self.met["message late"] += 1
            return self._random.randint(*self.weather.delayed)
        now = self._timeline.ms
        at = max(now + self._random.randint(*self.weather.usual), self._last[source, target])
        self._last[source, target] = at
        return at - now

    def _arrive(self, source: str, target: str, message: bytes) -> None:
        deliver = self._nodes.get(target)
        if deliver is not None and self.joined(source, target):
            deliver(source, message)
