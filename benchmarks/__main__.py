"""`make bench`: each suite in a process of its own; a table at the end.

All are pinned to one core, but for those of the cloud, of its broker, of mail and of sync: the
processes of the cloud, its servers, its client and gates share two.

python -m benchmarks            # everything
python -m benchmarks merging    # one suite
"""

import os
import subprocess
import sys

import msgspec
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from benchmarks.report import ONE_OF_MANY, Row, table

SUITES = {
    "tokens": "sign and verify tickets",
    "deciding": "decide on verified tickets",
    "manifests": "build, load and update manifests of 100,000 tickets",
    "gate": "scan at a gate with 100,000 and 1,000,000 tickets",
    "lane": "let guests in from 720p frames",
    "frames": "read codes in 720p frames, beside pyzbar",
    "browser": "scan at a kiosk's page in Chromium",
    "appliance": "start the agent, and load it with 1,000,000 tickets",
    "chains": "verify 100,000 chained records",
    "merging": "merge 1,000,000 records of 200 devices",
    "ledger": "execute 8,000 mints of compressed NFTs",
    "cloud.ledger": "mint 100,000 tickets into the embedded ledger, and prove them",
    "cloud.issuing": "issue 100,000 signed tickets into PostgreSQL",
    "cloud.reading": "read a ticket over HTTP, beside a bare handler",
    "cloud.tracing": "read a ticket with no, some and all traces kept",
    "cloud.redeems": "redeem online over HTTP, with 100,000 tickets",
    "cloud.uploads": "take in and merge 100,000 check-in records",
    "cloud.holds": "hold tickets that many want",
    "cloud.preload": "make and list what gates load of 100,000 tickets",
    "cloud.losses": "order tickets while each dependency is away",
    "broker": "relay 20,000 messages from the outbox to RabbitMQ",
    "mail": "sell 1,000 tickets, and mail each",
    "sync.preload": "load 100,000 tickets at a gate, from nothing",
    "sync.delta": "sell a ticket, and know it at a gate",
    "sync.upload": "send and merge 50,000 records of a gate",
    "sync.claims": "claim at another gate before green",
    "sync.spread": "tell 20 other gates of an admission, in three processes",
    "sync.many": "scan at 200 gates of one cloud",
}
CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def rows_of(suite: str) -> list[Row]:
    """Run one suite in a fresh process, so that memory and caches are its own."""
    if CORES:
        shared = suite.startswith(("cloud.", "sync.", "broker", "mail"))
        os.sched_setaffinity(0, CORES[-2:] if shared else CORES[-1:])
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{suite}"],
        check=True,
        stdout=subprocess.PIPE,
        env=os.environ | {ONE_OF_MANY: suite},
    )
    return msgspec.json.decode(done.stdout, type=list[Row])


def main() -> None:
    """Run the suites named on the command line, or all."""
    wanted = sys.argv[1:] or list(SUITES)
    if unknown := set(wanted) - SUITES.keys():
        raise SystemExit(f"no suite {', '.join(unknown)}; there are {', '.join(SUITES)}")
    console = Console()
    rows: list[Row] = []
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        for suite in wanted:
            task = progress.add_task(SUITES[suite], total=1)
            rows += rows_of(suite)
            progress.update(task, completed=1)
    console.print(table(rows))


if __name__ == "__main__":
    main()
