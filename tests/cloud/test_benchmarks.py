"""The suites of `make bench` for the cloud work, on a few tickets; how fast is no test's business.

Each suite ends itself where what it measured is not what happened: seats sold twice, a scan
that was not green, records that are not in the database.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from benchmarks.cloud import holds, issuing, ledger, preload, reading, redeems, uploads
from benchmarks.cloud.place import Hall, Place
from benchmarks.report import Row
from cloud.app import create_app
from tests.cloud.database import Database
from tests.cloud.serving import serving

SUITES: dict[str, Callable[[Place], list[Row]]] = {
    "holds": partial(holds.rows_of, seats=8, buyers=12, connections=4),
    "issuing": partial(issuing.rows_of, tickets=20),
    "ledger": partial(ledger.rows_of, tickets=20, proofs=5, over_rpc=10),
    "preload": partial(preload.rows_of, tickets=20, pages=1),
    "reading": partial(reading.rows_of, tickets=10, rounds=1, each=10),
    "redeems": partial(redeems.rows_of, tickets=30, calm=5, rush=10),
    "uploads": partial(uploads.rows_of, records=40, gates=4, batch=8),
}


@contextmanager
def in_thread(hall: Hall, _: int) -> Iterator[int]:
    """Serve in this process; the suite `reading` runs processes, as all do where they measure."""
    with serving(lambda: create_app(hall.settings)) as address:
        yield int(address.rpartition(":")[2])


@pytest.mark.parametrize("suite", SUITES)
def test_a_suite_works(suite: str, database: Database, redis_url: str, tmp_path: Path) -> None:
    """A tiny run gives rows, each of something that took time and was counted."""
    rows = SUITES[suite](Place(database, redis_url, tmp_path, in_thread))
    assert rows
    assert all(row.value > 0 for row in rows)
