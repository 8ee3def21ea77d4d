"""Claims: what a lane waits for the right's owner, another process, over TLS on loopback.

Two whole gates. Counted are the scans whose right the other gate is first owner of: from the
scan's thread to the event loop, to the other process, its lease, and back.
"""

import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.report import Row, percentile
from benchmarks.sync.hosts import hosts

SCANS: Final = 2_000
PAUSE: Final = 0.005  # seconds: more often than a gate can scan, a peer may not ask


def rows_of(folder: Path, scans: int = SCANS) -> list[Row]:
    """Admit at both gates in turn."""
    with hosts(folder, 2, 2, scans) as site:
        for index in range(scans):
            if (code := site.scan(index % 2, site.world.bulk(index))) != "admitted":
                raise SystemExit(f"a guest was not let in: {code}")
            time.sleep(PAUSE)
        told = site.told()
    spent = sorted(1000 * each for one in told for each in one.claims)
    agreed = sum(each.own and each.agreed for one in told for each in one.entries)
    if not spent or agreed < 0.99 * scans:
        raise SystemExit(f"{len(spent)} claims of {scans}, {agreed} granted by the first owner")
    return [
        Row("claim at another gate and back: 99 of 100", percentile(spent, 0.99), "ms", 15,
            "at most", f"median {percentile(spent, 0.5):.2f} ms, longest {spent[-1]:.1f} ms "
            f"of {len(spent):,}; {agreed:,} of {scans:,} granted by the first owner"),
    ]  # fmt: skip


def main() -> None:
    """Print rows as JSON."""
    with tempfile.TemporaryDirectory(prefix="usher-") as name:
        rows = rows_of(Path(name))
    sys.stdout.buffer.write(msgspec.json.encode(rows))


if __name__ == "__main__":
    main()
