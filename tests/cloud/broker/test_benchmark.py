"""`make bench`'s suite of the broker works, on a few messages; how fast is no test's business."""

from benchmarks import broker
from tests.cloud.broker.rabbit import Rabbit
from tests.cloud.database import Database


def test_the_suite_works(rabbit: Rabbit, database: Database) -> None:
    """It ends itself where a message is left behind."""
    adds, relayed = broker.rows_of(rabbit, database, messages=40)
    assert adds.unit == "ms"
    assert relayed.value > 0
    assert "published" in relayed.beside
