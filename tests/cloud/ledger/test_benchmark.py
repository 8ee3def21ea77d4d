"""The engine's suite of `make bench` works, on a few tickets."""

from benchmarks import ledger


def test_the_suite_works() -> None:
    """It gives rows, each of something that took time and was counted."""
    rows = ledger.rows_of(8)
    assert len(rows) == 3
    assert all(row.value > 0 for row in rows)
