"""Play seeds and tell what was met: `python -m tests.simulators 17`, or `0 2000` for a range.

One seed prints its story. A range prints, for each fault and each kind of incident, in how many
evenings it was met and how often; with `--part 1/2` it plays every second seed alone.
"""

import argparse
import gc
import json
import sys
from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import Any

from edge.gate import replica
from shared import keys
from tests.simulators.cast import cast, forget
from tests.simulators.evening import Evening
from tests.simulators.story import Broken


def remember_checks() -> None:
    """Check each signature, and take each file apart, once: seven holders would do the same with
    the same bytes. Only what is a pure function of them is remembered."""
    keys.verify = lru_cache(1 << 16)(keys.verify)
    keys.is_valid_point = lru_cache(1 << 16)(keys.is_valid_point)
    for name in ("decode", "apart"):
        vars(replica)[name] = lru_cache(1 << 9)(vars(replica)[name])


def play(seeds: range, *, told: bool) -> dict[str, Any]:
    """Play seeds; return how often each thing was met, and the stories that broke."""
    times: Counter[str] = Counter()
    evenings: Counter[str] = Counter()
    broken: dict[int, str] = {}
    fewest = sys.maxsize
    cast()
    gc.disable()  # an evening's objects live as long as it does: looking for others takes an eighth
    gc.freeze()
    for seed in seeds:
        gc.collect()
        evening = Evening(seed)
        try:
            evening.play()
        except Broken as story:
            broken[seed] = str(story)
            print(story, file=sys.stderr, flush=True)  # noqa: T201
        met = evening.story.met + evening.wires.met
        met += Counter({f"shown: {code}": n for code, n in evening.crowd.shown.items()})
        times += met
        evenings += Counter(dict.fromkeys(met, 1))
        fewest = min(fewest, evening.scans)
        if told:
            print("\n".join(evening.story.lines))  # noqa: T201
    table = {what: (evenings[what], times[what]) for what in sorted(times)}
    return {"evenings": len(seeds), "fewest scans": fewest, "met": table, "broken": broken}


def show(met: dict[str, Any]) -> None:
    """Print what was met: in how many evenings, and how often."""
    for what, (evenings, times) in met["met"].items():
        print(f"{evenings:8,} {times:10,}  {what}")  # noqa: T201


def main() -> None:
    """Read the command line."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("first", type=int)
    asked.add_argument("last", type=int, nargs="?")
    asked.add_argument("--part", default="1/1")
    asked.add_argument("--to", type=Path, help="a file for what was met, as JSON")
    args = asked.parse_args()
    part, parts = map(int, args.part.split("/"))
    last = args.first + 1 if args.last is None else args.last
    remember_checks()
    try:
        met = play(range(args.first + part - 1, last, parts), told=args.last is None)
    finally:
        forget()
    if args.to is not None:
        args.to.write_text(json.dumps(met))
        return
    show(met)
    sys.exit(bool(met["broken"]))


if __name__ == "__main__":
    main()
