"""What happened in one seed, to be read when it fails, and what was met, to be counted."""

from collections import Counter
from dataclasses import dataclass, field


class Broken(AssertionError):
    """An invariant did not hold."""


@dataclass
class Story:
    """Lines in the order of their time."""

    seed: int
    start: int
    lines: list[str] = field(default_factory=list)
    met: Counter[str] = field(default_factory=Counter)

    def tell(self, ms: int, text: str) -> None:
        """Write a line down."""
        self.lines.append(f"{(ms - self.start) / 1000:9.3f} s  {text}")

    def meet(self, what: str) -> None:
        """Count something that was to be met."""
        self.met[what] += 1

    def check(self, holds: object, invariant: str) -> None:
        """Fail with the story unless an invariant holds."""
        if not holds:
            told = "\n".join(self.lines[-400:])
            raise Broken(
                f"{invariant}\n\nThe story of seed {self.seed}:\n{told}\n\n"
                f"Again: python -m tests.simulators {self.seed}"
            )
