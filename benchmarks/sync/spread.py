"""Spread: an admission at one gate, until it is in the ledgers of 20 others on the same LAN.

21 whole gates in three processes, every one connected with every other by TLS 1.3, and claiming
before green. They share two cores, so that what one admission makes 20 others do (check a
signature, commit to a disk) is done one after the other: 21 machines are faster.
"""

import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.report import Row, percentile
from benchmarks.sync.hosts import Site, hosts
from benchmarks.sync.venue import until

GATES: Final = 21
PROCESSES: Final = 3
ADMISSIONS: Final = 100
PAUSE: Final = 0.1  # seconds between two admissions


def rows_of(
    folder: Path, gates: int = GATES, processes: int = PROCESSES, admissions: int = ADMISSIONS
) -> list[Row]:
    """Admit at one gate after the other."""
    with hosts(folder, gates, processes, admissions) as site:
        for index in range(admissions):
            if (code := site.scan(index % gates, site.world.bulk(index))) != "admitted":
                raise SystemExit(f"a guest was not let in: {code}")
            time.sleep(PAUSE)
        until(lambda: _heard(site) == admissions * (gates - 1), "news at every gate", 30)
        seen, last, agreed = _delays(site)
    return [
        Row(f"admission in the ledgers of {gates - 1} other gates: 95 of 100",
            percentile(seen, 0.95), "ms", 200, "at most",
            f"median {percentile(seen, 0.5):.1f} ms; {gates} gates in {processes} processes"),
        Row("until the last of them has it: 95 of 100", percentile(last, 0.95), "ms", 200,
            "at most", f"median {percentile(last, 0.5):.1f} ms; "
            f"{agreed} of {admissions} granted by the first owner"),
    ]  # fmt: skip


def _heard(site: Site) -> int:
    return sum(not each.own for told in site.told() for each in told.entries)


def _delays(site: Site) -> tuple[list[float], list[float], int]:
    """Return the milliseconds until each other gate had each entry, and until all had it, both
    sorted; and of how many entries the first owner had granted the right."""
    entries = [each for told in site.told() for each in told.entries]
    wrote = {each.record: each for each in entries if each.own}
    delays: dict[str, list[float]] = {record: [] for record in wrote}
    for each in entries:
        if not each.own:
            delays[each.record].append(1000 * max(0.0, each.at - wrote[each.record].at))
    seen = sorted(each for some in delays.values() for each in some)
    agreed = sum(each.agreed for each in wrote.values())
    return seen, sorted(max(some) for some in delays.values()), agreed


def main() -> None:
    """Print rows as JSON."""
    with tempfile.TemporaryDirectory(prefix="usher-") as name:
        rows = rows_of(Path(name))
    sys.stdout.buffer.write(msgspec.json.encode(rows))


if __name__ == "__main__":
    main()
