"""Gates that hold what they should, and gates that don't, with real manifests."""

from datetime import datetime, timedelta

import msgspec
import pytest

from cloud.devices.model import PATIENCE
from shared.wire import HeldVersion
from tests.cloud.devices.house import House
from tests.cloud.devices.reporting import report, seen, send
from tests.cloud.manifests.test_manifests import House as Venue
from tests.cloud.service import Event, Service, good


class Night(House):
    """A house with an event whose doors open today, and its manifest."""

    def __init__(self, service: Service) -> None:
        venue = Venue(service)
        self.service, self.owner, self.tenant = service, venue.owner, venue.tenant
        self.venue = venue
        self.event: Event = venue.event()
        self.sell()
        self.publish()

    def sell(self) -> None:
        """Sell a ticket."""
        self.venue.buy(self.event, 1)

    def publish(self) -> None:
        """Publish what is due."""
        self.service.work()

    def held(self) -> HeldVersion:
        """The newest manifest, as a gate has it."""
        sql = """SELECT e.ref, m.version, m.issued_at FROM manifest m
                   JOIN event e USING (tenant_id, event_id) WHERE m.event_id = $1"""
        (row,) = self.service.database.rows(sql, self.event.event_id)
        return HeldVersion(row["ref"].hex(), row["version"], int(row["issued_at"].timestamp()))

    def open(self) -> None:
        """Let doors open within the hour."""
        self.service.database.run(
            "UPDATE event SET doors_at = now() + interval '1 h', starts_at = now() + interval '2 h'"
            f" WHERE event_id = '{self.event.event_id}'"
        )


@pytest.fixture
def night(service: Service) -> Night:
    """A night of a test's own."""
    return Night(service)


def test_a_gate_holds_the_manifests_that_it_should(night: Night) -> None:
    """Version and age against the newest. None at all is a fault once doors are near."""
    gate = night.gate()
    night.open()
    send(gate, report(gate))
    shown = seen(night, gate)
    assert shown["word"] == "no_manifest"
    (event,) = shown["events"]
    held = night.held()
    assert event["event_id"] == str(night.event.event_id)
    assert (event["event"], event["held"], event["age"]) == (held.event, 0, None)
    send(gate, report(gate, manifests=(held,)))
    shown = seen(night, gate)
    (event,) = shown["events"]
    assert (shown["word"], event["held"], event["newest"]) == ("ready", held.version, held.version)
    assert 0 <= event["age"] < 60
    assert event["behind"] == 0


def test_a_gate_that_does_not_follow_is_told_once_it_had_time(night: Night) -> None:
    """Whatever was sold since: how long there was a newer one counts, not how much newer."""
    gate, held = night.gate(), night.held()
    night.sell()
    night.publish()
    send(gate, report(gate, manifests=(held,)))
    shown = seen(night, gate)
    assert shown["events"][0]["newest"] > held.version
    assert shown["word"] == "ready"
    clock = night.service.clock
    try:
        clock.move(PATIENCE + 5)
        night.sell()
        night.publish()
        send(gate, report(gate, manifests=(held,)))
        shown = seen(night, gate)
        assert (shown["word"], shown["events"][0]["held"]) == ("manifest_old", held.version)
        assert shown["events"][0]["behind"] > PATIENCE
        send(gate, report(gate, manifests=(night.held(),)))
        assert seen(night, gate)["word"] == "ready"
    finally:
        clock.move(-PATIENCE - 5)


def test_a_gate_with_a_newer_list_than_ours_is_ahead(night: Night) -> None:
    """The service was put back from a backup: nothing that it publishes is taken there."""
    gate, held = night.gate(), night.held()
    newer = msgspec.structs.replace(held, version=held.version + 1)
    send(gate, report(gate, manifests=(newer,)))
    assert seen(night, gate)["word"] == "manifest_ahead"


def test_counts_say_what_gates_have_not_sent(night: Night) -> None:
    """By those that hold the event's list, and as of the last word of the most silent one."""
    path = f"{night.tenant.path}/events/{night.event.event_id}/checkins/counts"

    def told() -> tuple[int, datetime | None]:
        counts = good(night.owner.get(path))
        at = counts["heard_at"]
        return counts["waiting"], None if at is None else datetime.fromisoformat(at)

    assert told() == (0, None)
    held, clock = (night.held(),), night.service.clock
    one, other, elsewhere, shut_out = (night.gate() for _ in range(4))
    first = clock()
    for gate in (one, shut_out):
        send(gate, report(gate, manifests=held, waiting=40))
    send(elsewhere, report(elsewhere, waiting=500))  # of another evening
    good(night.owner.post(f"{night.devices}/{shut_out.id}/revoke", json={}))
    clock.move(30)
    try:
        send(other, report(other, manifests=held, waiting=2))
        waiting, heard_at = told()
        assert waiting == 42
        assert heard_at is not None
        assert first <= heard_at < first + timedelta(seconds=30)
        send(one, report(one, manifests=held, waiting=0))
        waiting, heard_at = told()
        assert waiting == 2
        assert heard_at is not None
        assert heard_at >= first + timedelta(seconds=30)
    finally:
        clock.move(-30)


def test_every_answer_that_shows_what_gates_did_says_how_old_it_is(night: Night) -> None:
    """By the names that a gate's answers have. Of no event in particular: gates that hold a list
    of one that is on or to come, and not what was put away with last month's."""
    base, clock = night.tenant.path, night.service.clock
    event = f"{base}/events/{night.event.event_id}/checkins"
    ticket = night.service.database.rows(
        "SELECT ticket_id FROM ticket WHERE event_id = $1 LIMIT 1", night.event.event_id
    )[0]["ticket_id"]
    tickets = f"{base}/events/{night.event.event_id}/tickets"
    paths = (
        f"{event}/summary", f"{event}/counts", f"{event}/records",
        tickets, f"{tickets}/{ticket}/moves", f"{tickets}/{ticket}/history",
        f"{base}/incidents", f"{base}/incidents?event_id={night.event.event_id}",
        f"{night.devices}/status",
    )  # fmt: skip

    def said(path: str) -> tuple[str | None, str]:
        head = night.owner.get(path).headers
        return head.get("usher-data-age"), head["usher-waiting"]

    def told() -> list[tuple[str | None, str]]:
        """Return what each says; of one ticket, once what was read for the last is let go."""
        one = night.service.until(lambda: said(f"{tickets}/{ticket}"), lambda now: now != before)
        return [one, *map(said, paths)]

    before: tuple[str | None, str] | None = None
    assert {*told()} == {(None, "0")}
    before = None, "0"
    gate, put_away = night.gate(), night.gate()
    send(gate, report(gate, manifests=(night.held(),), waiting=40))
    gone = HeldVersion("00" * 8, 7, 1)
    clock.move(-1000)
    send(put_away, report(put_away, manifests=(gone,), waiting=500))
    clock.move(1100)
    try:
        for age, waiting in told():
            assert age is not None
            assert (100 <= int(age) < 160, waiting) == (True, "40")
    finally:
        clock.move(-100)
