"""Publication over HTTP: what it refuses, and what is there afterwards."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

from cloud.events import acts
from cloud.events.model import NewEvent
from cloud.events.repository import plan_of
from shared.event import Day, Gate, Plan, Policy, TicketClass, Window, Zone
from tests.cloud.database import awaited
from tests.cloud.events.house import House
from tests.cloud.events.house import house as house


def test_publication_makes_key_and_tickets(house: House) -> None:
    """A published event has its tickets, numbered from 0 without a gap, and a key that signs."""
    event_id = house.event()["event_id"]
    house.add_class(event_id, capacity=3)
    house.add_class(event_id, name="Seats", seats=["A1", "A2"], entry={"zones": [2]})
    event = house.publish(event_id)
    assert (event["state"], event["organizer"]["tickets"]) == ("published", 5)
    rows = house.database.rows(
        "SELECT number, class_index, seat, state FROM ticket WHERE event_id = $1 ORDER BY number",
        event_id,
    )
    assert [tuple(row) for row in rows] == [
        (0, 0, None, "created"), (1, 0, None, "created"), (2, 0, None, "created"),
        (3, 1, "A1", "created"), (4, 1, "A2", "created"),
    ]  # fmt: skip
    keys = house.call("GET", f"/keys?event_id={event_id}", status=200)
    assert [key["state"] for key in keys] == ["signs"]
    assert house.messages(event_id) == ["event.published"]


def test_an_event_without_classes_is_not_published(house: House) -> None:
    """What has nothing to sell stays a draft."""
    event_id = house.event()["event_id"]
    assert house.refused("POST", f"/events/{event_id}/publish", {"version": 1}) == (
        "event_without_class", "/classes",
    )  # fmt: skip
    assert house.read(event_id)["state"] == "draft"


def test_a_faulty_plan_is_refused_by_name(house: House) -> None:
    """Every fault of the plan is named with its field and what would be accepted."""
    event_id = house.event()["event_id"]
    house.add_class(event_id, entry={"zones": [9]})
    house.add_class(event_id, entry={"zones": [1], "per": "day"})
    house.add_class(event_id, entry={"zones": [1], "gates": [2]})
    answer = house.call("POST", f"/events/{event_id}/publish", {"version": 1})
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (409, "plan_faulty")
    assert [(f["code"], f["field"]) for f in problem["faults"]] == [
        ("plan_class_zones", "/classes/0/entry/zones"),
        ("plan_class_days", "/classes/1/entry/per"),
        ("plan_class_gates", "/classes/2/entry/gates"),
    ]
    assert all(f["accepted"] for f in problem["faults"])
    assert house.database.rows("SELECT 1 FROM ticket WHERE event_id = $1", event_id) == []
    assert house.call("GET", f"/keys?event_id={event_id}", status=200) == []


def test_a_stale_version_is_refused(house: House) -> None:
    """An edit from an older version changes nothing."""
    event_id = house.event()["event_id"]
    path = f"/events/{event_id}"
    assert house.call("PATCH", path, {"version": 1, "name": "Late"}, status=200)["name"] == "Late"
    assert house.refused("PATCH", path, {"version": 1, "name": "Later"}) == (
        "version_stale", "/version",
    )  # fmt: skip
    assert house.read(event_id)["name"] == "Late"


def test_what_stands_after_publication(house: House) -> None:
    """Currency, venue and time zone stand; name, description, policy and times may change."""
    event = house.published()
    path, version = f"/events/{event['event_id']}", event["organizer"]["version"]
    other = house.venue()["venue_id"]
    for field, value in (("currency", "usd"), ("venue_id", other), ("timezone", "Asia/Tokyo")):
        assert house.refused("PATCH", path, {"version": version, field: value}) == (
            "field_fixed", f"/{field}",
        )  # fmt: skip
    ends = house.now + timedelta(days=11)
    edit = {"version": version, "name": "New", "ends_at": ends.isoformat(), "currency": "eur"}
    edit["policy"] = {"pins": False}
    changed = house.call("PATCH", path, edit, status=200)
    assert changed["organizer"]["policy"]["pins"] is False
    assert house.messages(event["event_id"]) == ["event.published", "event.changed", "event.moved"]
    (key,) = house.call("GET", f"/keys?event_id={event['event_id']}", status=200)
    assert key["not_after"] == (ends + timedelta(days=30)).isoformat().replace("+00:00", "Z")


def test_days_are_in_the_plan_only_if_they_make_sense(house: House) -> None:
    """A published event takes no days that overlap."""
    days = [{"date": "2027-01-20", "opens": "10:00", "closes": "02:00"}]
    event = house.published(days=days)
    overlap = [*days, {"date": "2027-01-21", "opens": "01:00", "closes": "05:00"}]
    body = {"version": event["organizer"]["version"], "days": overlap}
    assert house.refused("PATCH", f"/events/{event['event_id']}", body) == (
        "plan_faulty", "/days/2/opens",
    )  # fmt: skip
    assert house.read(event["event_id"])["days"] == days


def test_cancellation_is_told_and_final(house: House) -> None:
    """A cancelled event is told of once, and nothing of it changes any more."""
    event = house.published()
    path, version = f"/events/{event['event_id']}", event["organizer"]["version"]
    done = house.call("POST", f"{path}/cancel", {"version": version}, status=200)
    assert done["state"] == "cancelled"
    version = done["organizer"]["version"]
    assert house.refused("POST", f"{path}/cancel", {"version": version})[0] == "event_state"
    assert house.refused("PATCH", path, {"version": version, "name": "X"})[0] == "event_closed"
    assert house.messages(event["event_id"]) == ["event.published", "event.cancelled"]


def test_nobody_publishes_what_is_over(house: House) -> None:
    """An event of the past is not published."""
    past = [(house.now - timedelta(hours=h)).isoformat() for h in (3, 2, 1)]
    event_id = house.event(doors_at=past[0], starts_at=past[1], ends_at=past[2])["event_id"]
    house.add_class(event_id)
    assert house.refused("POST", f"/events/{event_id}/publish", {"version": 1}) == (
        "event_over", "/ends_at",
    )  # fmt: skip


def test_malformed_events_are_refused(house: House) -> None:
    """Times in the wrong order, unknown zones and far years are refused with their field."""
    venue = house.venue()["venue_id"]
    body = {"venue_id": venue, "name": "N", "currency": "eur", "doors_at": "2027-02-01T18:00:00Z",
            "starts_at": "2027-02-01T19:00:00Z", "ends_at": "2027-02-01T23:00:00Z"}  # fmt: skip
    for change, expected in (
        ({"doors_at": "2027-02-01T20:00:00Z"}, ("event_times", "/doors_at")),
        ({"ends_at": "2027-02-01T19:00:00Z"}, ("event_times", "/ends_at")),
        ({"timezone": "Europe/Nowhere"}, ("timezone_unknown", "/timezone")),
        ({"timezone": "../etc/passwd"}, ("timezone_unknown", "/timezone")),
        ({"ends_at": "2107-01-01T00:00:00Z"}, ("time_range", "/ends_at")),
        ({"days": [{"date": "1900-01-01", "opens": "10:00"}]}, ("time_range", "/days")),
        ({"doors_at": "2027-02-01T18:00:00"}, ("invalid_request", "/doors_at")),
        ({"name": "a\0b"}, ("invalid_request", "/name")),
        ({"name": "a\n"}, ("invalid_request", "/name")),
        ({"currency": "EUR"}, ("invalid_request", "/currency")),
        ({"currency": "zzz"}, ("currency_unknown", "/currency")),
        ({"currency": "xau"}, ("currency_unknown", "/currency")),
        ({"policy": {"live_past": -1}}, ("invalid_request", "/policy/live_past")),
    ):
        assert house.refused("POST", "/events", body | change) == expected, change


def test_an_edit_is_checked_as_a_whole(house: House) -> None:
    """A change that contradicts what stays is refused like a malformed event."""
    event = house.event()
    path = f"/events/{event['event_id']}"
    house.add_class(event["event_id"], sale_from=event["doors_at"])
    for edit, expected in (
        ({"starts_at": event["ends_at"]}, ("event_times", "/ends_at")),
        ({"doors_at": event["ends_at"]}, ("event_times", "/doors_at")),
        ({"timezone": "Mars/Olympus"}, ("timezone_unknown", "/timezone")),
        ({"currency": "bgn"}, ("currency_unknown", "/currency")),
    ):
        assert house.refused("PATCH", path, {"version": 1, **edit}) == expected
    before_sale = {"version": 1, "sale_until": house.now.isoformat()}
    assert house.refused("PATCH", f"{path}/classes/0", before_sale) == (
        "sale_window", "/sale_until",
    )  # fmt: skip
    assert house.read(event["event_id"]) == event


def test_two_who_publish_make_tickets_once(house: House) -> None:
    """Of several publications at once one succeeds, and the tickets are there once."""
    event_id = house.event()["event_id"]
    house.add_class(event_id)
    with ThreadPoolExecutor(4) as pool:
        calls = [
            pool.submit(house.call, "POST", f"/events/{event_id}/publish", {"version": 1})
            for _ in range(4)
        ]
        answers = [call.result() for call in calls]
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    rows = house.database.rows("SELECT number FROM ticket WHERE event_id = $1", event_id)
    assert len(rows) == 3


def test_no_layout_slips_under_a_publication(house: House) -> None:
    """Whichever is first, publication or a layout without the zone, the other is refused."""
    for _ in range(8):
        venue = house.venue()
        event_id = house.event(venue_id=venue["venue_id"])["event_id"]
        house.add_class(event_id, entry={"zones": [2]})
        less: dict[str, Any] = {"version": 1, "zones": venue["zones"][:1], "gates": []}
        layout = ("PUT", f"/venues/{venue['venue_id']}/layout", less)
        publication = ("POST", f"/events/{event_id}/publish", {"version": 1})
        with ThreadPoolExecutor(2) as pool:
            calls = [pool.submit(house.call, *each) for each in (layout, publication)]
            statuses = sorted(call.result().status_code for call in calls)
        assert statuses == [200, 409]


def test_the_plan_is_what_was_written(house: House) -> None:
    """What gates go by has the venue's layout, the event's days and the classes' rules."""
    venue = house.venue()
    days = [{"date": "2027-03-28", "opens": "01:00", "closes": "04:00"}]  # two hours that day
    event_id = house.event(venue_id=venue["venue_id"], days=days, policy={"overrides": 7})[
        "event_id"
    ]
    rule = {"zones": [1], "gates": [1], "per": "day", "day_cap": 1, "re_entry": True, "hours": days}
    house.add_class(event_id, name="Day", entry=rule)

    async def read() -> Plan:
        async with house.tx() as tx:
            return await plan_of(tx, UUID(event_id))

    start = 1806192000  # 2027-03-28 00:00 UTC
    assert awaited(read()) == Plan(
        zones=(Zone(1, "Field"), Zone(2, "Stage", 1)),
        gates=(Gate(1, "North", 1), Gate(2, "Pit", 2)),
        classes=(
            TicketClass(
                0, "Day", (1,), (1,), windows=(Window(start, start + 7200),), per="day",
                day_cap=1, re_entry=True,
            ),
        ),
        days=(Day(1, start, start + 7200),),
        policy=Policy(overrides=7),
        name="Night",
        timezone="Europe/Madrid",
    )  # fmt: skip


def test_a_change_of_nothing_is_none(house: House) -> None:
    """An edit that says what is so already leaves the version, and tells nobody."""
    event = house.published()
    edit = {"version": event["organizer"]["version"], "name": event["name"], "currency": "eur"}
    assert house.call("PATCH", f"/events/{event['event_id']}", edit, status=200) == event
    assert house.messages(event["event_id"]) == ["event.published"]


def test_a_published_event_is_neither_published_nor_moved_into_the_past(house: House) -> None:
    """It is published once, and ends in the future."""
    event = house.published()
    path, version = f"/events/{event['event_id']}", event["organizer"]["version"]
    assert house.refused("POST", f"{path}/publish", {"version": version})[0] == "event_state"
    past = [(house.now - timedelta(hours=h)).isoformat() for h in (3, 2, 1)]
    times = dict(zip(("doors_at", "starts_at", "ends_at"), past, strict=True))
    assert house.refused("PATCH", path, {"version": version, **times}) == (
        "event_over", "/ends_at",
    )  # fmt: skip
    assert house.read(event["event_id"]) == event


def test_a_draft_moves_to_another_venue(house: House) -> None:
    """A draft's venue may change, to one that there is."""
    event, other = house.event(), house.venue(name="Hall")
    path = f"/events/{event['event_id']}"
    edit = {"version": 1, "venue_id": other["venue_id"]}
    assert house.call("PATCH", path, edit, status=200)["venue_name"] == "Hall"
    nowhere = {"version": 2, "venue_id": str(UUID(int=7))}
    assert house.refused("PATCH", path, nowhere)[0] == "not_found"


def test_a_plan_that_no_head_holds_is_refused(house: House) -> None:
    """A layout that would not fit into a signed head is not published."""
    name = "\N{GRINNING FACE}" * 80
    zones = [{"id": n, "name": name} for n in range(1, 501)]
    gates = [{"id": n, "name": name, "zone": 1} for n in range(1, 2001)]
    venue = house.venue(zones=zones, gates=gates)
    event_id = house.event(venue_id=venue["venue_id"])["event_id"]
    house.add_class(event_id)
    assert house.refused("POST", f"/events/{event_id}/publish", {"version": 1}) == (
        "plan_too_large", "",
    )  # fmt: skip


def test_an_events_reference_is_its_own(house: House) -> None:
    """A reference that another event has is not used again."""
    taken = bytes.fromhex(house.event()["ref"])
    refs = iter([taken, bytes(8)])
    doors = house.now + timedelta(days=1)
    venue_id = UUID(house.venue()["venue_id"])
    new = NewEvent(venue_id, "N", doors, doors, doors + timedelta(hours=1), "eur")

    async def create() -> bytes:
        async with house.tx() as tx:
            return (await acts.create(tx, new, lambda _: next(refs))).ref

    assert awaited(create()) == bytes(8)
