"""Which tickets a log changes, told only once the chain has vouched for it."""

import pytest

from shared.errors import Untrusted
from shared.manifest import delta
from shared.manifest.delta import Change
from shared.manifest.ticket import Status
from tests.publisher import Publisher, hash_of
from tests.publisher import ticket as record


def test_a_log_names_the_tickets_that_it_changes() -> None:
    """New ones and old ones, over all its entries; and nothing of a log that is not the heads'."""
    made = Publisher([record(number) for number in range(20)])
    old = made.newest.head
    made.publish(Change(record(3, status=Status.REFUNDED)), Change(record(20)))
    made.publish()
    made.publish(Change(record(3, status=Status.REFUNDED)), Change(record(4, gen=2)))
    entries = delta.decode(made.log(1))
    touched = delta.touched(old, entries, made.newest.head)
    assert touched == {hash_of(3), hash_of(4), hash_of(20)}
    other = [entries[0]._replace(changes=b"no changes at all"), *entries[1:]]
    with pytest.raises(Untrusted, match="delta_chain"):
        delta.touched(old, other, made.newest.head)
