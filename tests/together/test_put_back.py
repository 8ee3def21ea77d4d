"""A cloud that was put back from a backup: its gates hold a newer list than it has. They say so,
and withdrawing the key that signed the lost lists has them follow again."""

import pytest

from edge.health.report import Health
from edge.health.result import Result
from shared.errors import Refused
from tests.cloud.service import Event, good
from tests.together.conftest import MakeGate
from tests.together.gates import Joined
from tests.together.organizer import House

TABLES = ("manifest", "manifest_head", "manifest_chunk", "manifest_delta")


def keep(house: House) -> None:
    """Make a backup of all lists."""
    for each in TABLES:
        house.service.database.run(f"CREATE TABLE kept_{each} AS SELECT * FROM {each}")


def put_back(house: House, lost: list[str]) -> None:
    """Put the lists back; the cloud knows nothing of the tickets that were sold since."""
    for each in reversed(TABLES):
        house.service.database.run(f"DELETE FROM {each}")
    for each in TABLES:
        house.service.database.run(f"INSERT INTO {each} SELECT * FROM kept_{each}")
        house.service.database.run(f"DROP TABLE kept_{each}")
    for each in lost:
        ticket = each.rpartition("/")[2]
        house.service.database.run(f"UPDATE ticket SET token = NULL WHERE ticket_id = '{ticket}'")
    house.service.database.run("DELETE FROM manifest_change")


def lists(joined: Joined) -> Result:
    """Return what the gate's health says of its lists."""
    results = Health(joined.gate, dict).results()
    return next(each for each in results if each.name == "manifest")


def version(joined: Joined, event: Event) -> int:
    """Return the version that a gate goes by."""
    return joined.book(event).manifest.head.version


def test_a_gate_that_is_ahead_says_so_and_follows_once_the_key_is_withdrawn(
    house: House, join: MakeGate
) -> None:
    """Behind and then beyond the gate's version: what is sold since is refused, and said to be. The
    tickets of which the cloud knows nothing any more leave chunks of the list empty."""
    event = house.event(1)
    north = join()
    keep(house)
    lost = house.sell(event, 3)
    house.service.work()
    north.pull()
    ahead = version(north, event)
    assert lists(north).code == "manifest_ok"
    put_back(house, lost)
    for code in ("manifest_rollback", "ticket_removed"):
        with pytest.raises(Refused, match=code):
            north.pull()
        said = lists(north)
        assert (said.code, said.value, said.state) == ("manifest_unfollowed", code, "warn")
        assert version(north, event) == ahead
        for _ in range(2):
            house.sell(event)
            house.service.work()
    (key,) = (
        each for each in good(house.owner.get(f"{house.tenant.path}/keys"))
        if each["role"] == "manifest"
    )  # fmt: skip
    good(house.owner.post(f"{house.tenant.path}/keys/{key['kid']}/revoke"))
    house.service.work()
    north.pull()
    assert lists(north).code == "manifest_ok"
    north.check(event)
