"""Trusted time in the log's vectors: steps, and the time at a monotonic millisecond after."""

from collections.abc import Iterator
from typing import Any, Final

from tests.vectors.suite import Json, vector
from tests.vectors.wire_log import START

T: Final = START
DAY: Final = 86_400_000
ASKED: Final = ["answered", T + 50_000, 1000, 3000]
WALL: Final = ["believe", T + 9000, 100]

# fmt: off
CASES: Final[list[tuple[str, int, int, list[Any], int, int, bool, str]]] = [
    # name, floor, bound, steps, monotonic, time, trusted, comment
    ("nothing known", 0, 0, [], 500, 500, False, "No time at all."),
    ("only a floor", T, T + DAY, [], 500, T + 500, False, "It is that late at least."),
    ("wall clock", T, T + DAY, [WALL], 600, T + 9500, True, "Believed, and carried on."),
    ("wall clock at the floor", T, T + DAY, [["believe", T, 0]], 0, T, True, "A bound."),
    ("wall clock below", T, T + DAY, [["believe", T - 1, 0]], 0, T, False, "Set back."),
    ("wall clock below the risen floor", T, T + DAY, [["believe", T + 99, 100]], 100, T + 100,
     False, "The floor rises with monotonic time."),
    ("wall clock at the bound", T, T + DAY, [["believe", T + DAY, 0]], 0, T + DAY, True,
     "A bound."),
    ("wall clock above", T, T + DAY, [["believe", T + DAY + 1, 0]], 0, T, False,
     "Set forward, beyond the head's life."),
    ("wall clock without a floor", 0, T, [["believe", 9, 0]], 5, 5, False,
     "Nothing signed was ever seen."),
    ("carried past the bound", T, T + DAY, [["believe", T + DAY, 0]], 1, T + DAY + 1, False,
     "The head has expired: nothing vouches for the wall clock any more."),
    ("second wall clock", T, T + DAY, [WALL, ["believe", T + 99_000, 101]], 101, T + 9001, True,
     "Set forward after the boot: not looked at."),
    ("answer", T, T + DAY, [ASKED], 4000, T + 51_000, True, "The time itself."),
    ("answer beats the wall clock", T, T + DAY, [["believe", T + 99_000, 0], ASKED], 3000,
     T + 50_000, True, "Even downwards; the floor is below both."),
    ("answer past the bound", T, T, [ASKED], 3000, T + 50_000, True, "It needs no bound."),
    ("answer in just time", T, T + DAY, [["answered", T + 50_000, 1000, 11_000]], 11_000,
     T + 50_000, True, "Ten seconds."),
    ("late answer", T, T + DAY, [["answered", T + 50_000, 1000, 11_001]], 11_001, T + 50_000,
     False, "Held back on its way: a floor and no more."),
    ("answer below the floor", T, T + DAY, [["answered", T - 5, 0, 0]], 0, T, True,
     "The cloud contradicts itself: the floor stands."),
    ("relayed time", T, T + DAY, [["learn", T + 7000, 0]], 0, T + 7000, False, "A floor."),
    ("relayed time lifts", T, T + DAY, [["believe", T, 0], ["learn", T + 7000, 10]], 20, T + 7010,
     True, "What was believed was too early."),
    ("older relayed time", T, T + DAY, [["learn", T - 7000, 0]], 0, T, False, "Nothing new."),
    ("time set by command", T, T + DAY, [ASKED, ["reset", T - DAY, 5000]], 6000, T - DAY + 1000,
     False, "The only way down."),
    ("nearer bound", T, T + DAY, [["believe", T, 0], ["bounded", T + 5]], 6, T + 6, False,
     "A new head's expiry counts at once."),
]
# fmt: on


def times() -> Iterator[Json]:
    """Yield every case."""
    for name, floor, bound, steps, monotonic, ms, trusted, why in CASES:
        given = {"floor": floor, "bound": bound, "steps": steps, "monotonic": monotonic}
        yield vector("time", name, why, given, {"ms": ms, "trusted": trusted})
