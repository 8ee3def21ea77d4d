"""What a benchmark says: one row a figure, with what was asked for beside what was reached."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, Literal

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TimeRemainingColumn
from rich.table import Table

ONE_OF_MANY: Final = "USHER_BENCH_SUITE"  # set by whoever shows how far all suites are
MEGA: Final = 1_000_000


class Row(msgspec.Struct, frozen=True):
    """One figure. `limit` is what was asked for; `bound` says on which side of it to be."""

    what: str
    value: float
    unit: str
    limit: float
    bound: Literal["at most", "at least"]
    beside: str = ""  # the raw operation it is measured against, from the same run

    @property
    def met(self) -> bool:
        return self.value <= self.limit if self.bound == "at most" else self.value >= self.limit


def table(rows: Sequence[Row]) -> Table:
    """Return the rows as a table; share: the part of a limit used, or the multiple reached."""
    out = Table(title="Usher, on one core (the cloud: on two)", caption="share: reached / asked")
    for name in ("figure", "reached", "asked", "share", "beside, in the same run"):
        out.add_column(name, justify="right" if name in ("reached", "asked", "share") else "left")
    for row in rows:
        sign = "≤" if row.bound == "at most" else "≥"
        out.add_row(
            row.what,
            f"{row.value:,.3g} {row.unit}",
            f"{sign} {row.limit:,.3g} {row.unit}",
            f"[{'green' if row.met else 'bold red'}]{row.value / row.limit:.2f}",
            row.beside,
        )
    return out


def progress() -> Progress:
    """Return a bar on stderr for a suite that runs by itself: none where nobody looks."""
    columns = (BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    quiet = not (console := Console(stderr=True)).is_terminal or ONE_OF_MANY in os.environ
    return Progress(*columns, console=console, disable=quiet)


def resident() -> int:
    """Return the memory of this process, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / MEGA)


def rates(rounds: int, *works: Callable[[], int]) -> list[float]:
    """Return operations a second of each work, run in turn so that noise hits all alike."""
    done, spent = [0] * len(works), [0.0] * len(works)
    for _ in range(rounds):
        for i, work in enumerate(works):
            begin = time.perf_counter()
            done[i] += work()
            spent[i] += time.perf_counter() - begin
    return [count / seconds for count, seconds in zip(done, spent, strict=True)]


def durations(works: Iterator[Callable[[], object]]) -> list[float]:
    """Return how long each work took, in microseconds, sorted."""
    spent = []
    for work in works:
        begin = time.perf_counter()
        work()
        spent.append((time.perf_counter() - begin) * 1e6)
    return sorted(spent)


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the value below which `share` of `ordered` lies."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
