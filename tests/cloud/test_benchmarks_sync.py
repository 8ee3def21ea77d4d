"""The suites of `make bench` for sync, on a few gates and tickets; how fast is no test's business.

Each suite ends itself where what it measured is not what happened: a ticket that is not in the
list, a record that the cloud has not signed for, a guest who was not let in.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from benchmarks.cloud.place import Place, served
from benchmarks.report import Row
from benchmarks.sync import claims, delta, many, preload, spread, upload
from tests.cloud.database import Database

WITH_CLOUD: dict[str, Callable[[Place], list[Row]]] = {
    "preload": partial(preload.rows_of, tickets=300, rounds=1),
    "delta": partial(delta.rows_of, tickets=30, sales=2),
    "upload": partial(upload.rows_of, records=80),
    "many": partial(many.rows_of, gates=3, rate=10, seconds=3),
}
ON_A_LAN: dict[str, Callable[[Path], list[Row]]] = {
    "claims": partial(claims.rows_of, scans=12),
    "spread": partial(spread.rows_of, gates=3, processes=2, admissions=4),
}


@pytest.mark.parametrize("suite", WITH_CLOUD)
def test_a_suite_with_a_cloud_works(
    suite: str, database: Database, redis_url: str, tmp_path: Path
) -> None:
    """A tiny run gives rows, each of something that was counted; the cloud is processes."""
    rows = WITH_CLOUD[suite](Place(database, redis_url, tmp_path, served))
    assert rows
    assert all(row.value >= 0 for row in rows)
    assert rows[0].value > 0


@pytest.mark.parametrize("suite", ON_A_LAN)
def test_a_suite_on_a_lan_works(suite: str, tmp_path: Path) -> None:
    """Gates in several processes find one another by their settings, and claim."""
    rows = ON_A_LAN[suite](tmp_path)
    assert rows
    assert all(row.value > 0 for row in rows)
