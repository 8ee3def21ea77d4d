"""One decision on a verified ticket, over the mix of an evening (spec/rules.md).

Of 100 scans: 70 first entries, 8 re-entries, 7 exits, 10 refusals, 2 groups of four, 3 day
passes. The histories are folds of real records; verifying, claiming and storing are not in it.
"""

import sys
from collections.abc import Callable, Iterator
from functools import partial
from random import Random

import msgspec

from benchmarks.report import Row, durations, percentile
from shared.decide import decide
from shared.history import NOTHING
from shared.rules.compiled import Post
from shared.rules.decision import Admit, Ask
from tests import festival
from tests.house import House

SCANS = 100_000


def mix() -> dict[Callable[[], object], int]:
    """Return decisions with their share in percent."""
    house = House()
    for name, kind in (("bo", festival.SEAT), ("cy", festival.SEAT), ("di", festival.ONCE)):
        house.scan(name, kind)
    house.leave("bo")
    house.leave("di", festival.ONCE)
    house.scan("eds", festival.FAMILY, ask=Ask(people=2))
    rules = festival.rules()
    entry = rules.post(festival.NORTH, exiting=False)
    way_out = rules.post(festival.WAY_OUT, exiting=True)
    now = festival.at(festival.NOON + 60)

    def scan(name: str, kind: int, ask: Ask, post: Post = entry) -> Callable[[], object]:
        scanned = festival.scan(name, kind, holder_pk=bytes(32) if name == "anna" else b"")
        known = house.history(name) if name not in ("anna", "fay") else NOTHING
        return partial(decide, scanned, post, rules, festival.listed(scanned), known, now, ask)

    plain = Ask()
    return {
        scan("anna", festival.SEAT, plain): 70,
        scan("bo", festival.SEAT, plain): 8,
        scan("cy", festival.SEAT, plain, way_out): 7,
        scan("cy", festival.SEAT, plain): 5,
        scan("di", festival.ONCE, plain): 3,
        scan("anna", festival.SOUTH_ONLY, plain): 2,
        scan("eds", festival.FAMILY, Ask(people=2)): 2,
        scan("fay", festival.TWO_DAYS, plain): 3,
    }


def evening() -> Iterator[Callable[[], object]]:
    """Yield the scans in a mixed order that is the same at every run."""
    shares = mix()
    refused = sum(share for scan, share in shares.items() if not isinstance(scan(), Admit))
    if sum(shares.values()) != 100 or refused != 10:
        raise SystemExit("the mix is not what it says")
    yield from Random(7).choices([*shares], [*shares.values()], k=SCANS)


def main() -> None:
    """Print rows as JSON."""
    spent = durations(evening())
    beside = f"{SCANS:,} scans: 70 % first, 15 % re-entry and exit, 10 % refused, 5 % groups, days"
    rows = [
        Row("decide, median", percentile(spent, 0.5), "µs", 20, "at most", beside),
        Row("decide, 99 of 100", percentile(spent, 0.99), "µs", 60, "at most"),
    ]
    sys.stdout.buffer.write(msgspec.json.encode(rows))


if __name__ == "__main__":
    main()
