"""A gate that is connected: news within a second, orders, and a cloud that goes and comes."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from edge.gate.gate import Gate
from shared.manifest import Status
from tests.cloud.service import Event, good
from tests.cloud.sync.test_sync import workers
from tests.together.cabling import internet
from tests.together.conftest import MakeGate
from tests.together.gates import Joined, Living
from tests.together.liar import gone, lying, other
from tests.together.organizer import House

PUSHED = 10.0  # seconds; a gate polls every thirty


def order(house: House, gate: Joined, action: str, **more: Any) -> None:
    """Tell a device to do something."""
    path = f"{house.tenant.path}/devices/{gate.me.device.hex()}/commands"
    good(house.owner.post(path, json={"action": action} | more))


def version(gate: Gate) -> int:
    """The version of the one list that a gate holds, 0 for none."""
    books = gate.held.trust.books.values()
    return next((book.manifest.head.version for book in books), 0)


def changed(living: Living, gate: Gate, change: Callable[[], object]) -> float:
    """Return how many seconds after a change the gate has it."""
    before = version(gate)
    change()
    return living.until(lambda: version(gate) > before)


def revoked(joined: Joined, event: Event) -> int:
    """Return how many tickets the gate knows to be revoked."""
    records = joined.book(event).manifest.table.records()
    return [each.status for each in records].count(Status.REVOKED)


def test_what_is_sold_and_revoked_reaches_a_connected_gate_at_once(
    house: House, join: MakeGate
) -> None:
    """Each long before the gate would ask by itself, by a delta; how soon is benchmarks/sync's."""
    event = house.event(20)
    joined = join()
    with workers(house.service), Living(joined) as living:
        gate = joined.gate
        living.until(lambda: version(gate) and gate.around["link"] == "cloud")
        took = [changed(living, gate, lambda: house.sell(event)) for _ in range(5)]
        assert max(took) < PUSHED, took
        sold = house.sell(event)
        house.revoke(sold[0])
        assert living.until(lambda: revoked(joined, event) == 1) < PUSHED
        joined.check(event)


def test_orders_are_obeyed_once_and_a_wipe_last(house: House, join: MakeGate) -> None:
    """Locked, opened, and wiped: the key first."""
    house.event(3)
    joined = join()
    with Living(joined) as living:
        gate = joined.gate
        living.until(lambda: version(gate))
        assert gate.held.why_locked() == ""
        order(house, joined, "lock")
        living.until(lambda: gate.held.why_locked() == "locked")
        order(house, joined, "unlock")
        living.until(lambda: gate.held.why_locked() == "")
        assert gate.stores.settings.number("obeyed") == 2
        order(house, joined, "wipe")
        living.until(lambda: gate.held.wiped)
        assert not (joined.settings.data_folder / "device.key").exists()
        assert gate.held.why_locked() == "wiped"
        living.until(lambda: gate.around["link"] != "cloud")


def test_a_revoked_gate_admits_nobody_at_once(
    house: House, join: MakeGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its stream ends, and it asks why: the roster, which it may still read, says so."""
    monkeypatch.setattr("edge.sync.syncing.AGAIN", 60.0)  # the next stream has no part in it
    house.event(3)
    joined = join()
    with Living(joined) as living:
        gate = joined.gate
        living.until(lambda: version(gate))
        path = f"{house.tenant.path}/devices/{gate.me.device.hex()}/revoke"
        good(house.owner.post(path, json={}))
        assert living.until(lambda: gate.held.why_locked() == "device_revoked") < 2.0


def test_the_venue_sees_how_a_gate_does(house: House, join: MakeGate) -> None:
    """It reports by itself, and again when something has changed."""
    house.event(3)
    joined = join()

    def seen() -> Any:
        rows = good(house.owner.get(f"{house.tenant.path}/devices/status"))
        mine = [each for each in rows["items"] if each["device"] == joined.me.device.hex()]
        return mine[0] if mine else None

    with Living(joined) as living:
        gate = joined.gate
        living.until(lambda: version(gate))
        living.until(lambda: (row := seen()) is not None and row["word"] == "ready", 10)
        order(house, joined, "lock")
        living.until(lambda: seen()["word"] == "locked", 10)
        assert time.time() * 1000 - gate.around["cloud_seen"] < 30_000


def test_a_gate_notices_by_itself_that_the_cloud_went_and_came(
    house: House, join: MakeGate
) -> None:
    """Nobody switches anything: the strip says it, and what was missed comes by itself."""
    event = house.event(5)
    with internet(house.service.address) as line:
        joined = join(cloud={"origin": line.address})
        with workers(house.service), Living(joined) as living:
            gate = joined.gate
            living.until(lambda: version(gate) and gate.around["link"] == "cloud")
            line.cut()
            assert living.until(lambda: gate.around["link"] == "alone") < 5.0
            seen, before = gate.around["cloud_seen"], version(gate)
            house.revoke(house.sell(event)[0])
            time.sleep(1.0)
            assert (gate.around["cloud_seen"], version(gate)) == (seen, before)
            line.heal()
            living.until(lambda: gate.around["link"] == "cloud", 40)
            living.until(lambda: version(gate) > before)
            assert gate.around["cloud_seen"] > seen
        joined.check(event)


def test_a_gate_without_a_cloud_goes_on_asking(house: House, join: MakeGate) -> None:
    """Whoever answers instead is not the cloud, and nothing of it is a reason to stop."""
    event = house.event(2)
    with lying(house.service.address) as liar:
        liar.about("/sync", other(b"<html>Welcome to our Wi-Fi", 511))
        joined = join(cloud={"origin": liar.address})
        with Living(joined) as living:
            gate = joined.gate
            living.until(lambda: len(liar.asked) > 3)
            assert gate.around["link"] == "alone"
            assert gate.held.trust.books == {}
            liar.about("/sync/stream", gone)
            del liar.lies["/sync"]
            living.until(lambda: version(gate), 60)  # by polling alone
            assert gate.around["cloud_seen"]
        joined.check(event)
