"""Venues over HTTP: layouts, and what published events hold in place."""

from tests.cloud.events.house import House
from tests.cloud.events.house import house as house


def test_a_layout_is_read_as_it_was_sent(house: House) -> None:
    """Zones and gates come back as they were, the outermost zone's parent as 0."""
    venue = house.venue()
    read = house.call("GET", f"/venues/{venue['venue_id']}", status=200)
    assert read == venue
    assert [(zone["id"], zone["parent"]) for zone in read["zones"]] == [(1, 0), (2, 1)]
    assert [(gate["zone"], gate["direction"]) for gate in read["gates"]] == [
        (1, "entry"), (2, "entry"),
    ]  # fmt: skip


def test_a_layout_is_replaced_whole_from_the_version_seen(house: House) -> None:
    """A layout that makes no sense or comes from an older version changes nothing."""
    venue = house.venue()
    path = f"/venues/{venue['venue_id']}/layout"
    zone, gate = {"id": 5, "name": "Hall"}, {"id": 9, "name": "Door", "zone": 5}
    for zones, gates, expected in (
        ([zone, zone], [], ("plan_faulty", "/zones/5/id")),
        ([{**zone, "parent": 5}], [], ("plan_faulty", "/zones/5/parent")),
        ([zone], [{**gate, "zone": 1}], ("plan_faulty", "/gates/9/zone")),
        ([{**zone, "id": 0}], [], ("invalid_request", "/zones")),
    ):
        body = {"version": 1, "zones": zones, "gates": gates}
        code, field = house.refused("PUT", path, body)
        assert (code, field[: len(expected[1])]) == expected
    body = {"version": 1, "zones": [{**zone, "capacity": 2**32 - 1}], "gates": [gate]}
    assert house.call("PUT", path, body, status=200)["version"] == 2
    assert house.refused("PUT", path, body) == ("version_stale", "/version")


def test_a_published_event_holds_its_zones_and_gates(house: House) -> None:
    """What a published event uses can't be left out; what it doesn't use can."""
    venue = house.venue()
    event_id = house.event(venue_id=venue["venue_id"])["event_id"]
    house.add_class(event_id, entry={"zones": [1], "gates": [1]})
    house.publish(event_id)
    path = f"/venues/{venue['venue_id']}/layout"
    for zones, gates in (([], []), (venue["zones"][:1], [])):
        answer = house.call("PUT", path, {"version": 1, "zones": zones, "gates": gates})
        assert answer.json()["code"] == "venue_in_use"
        assert answer.json()["events"] == [event_id]
    less = {"version": 1, "zones": venue["zones"][:1], "gates": venue["gates"][:1]}
    house.call("PUT", path, less, status=200)
    assert house.messages(event_id) == ["event.published", "event.changed"]


def test_archived_venues_take_no_events(house: House) -> None:
    """A venue with an event to come is not archived; an archived one takes no new event."""
    venue = house.venue(name="Old Hall")
    path = f"/venues/{venue['venue_id']}"
    event = house.event(venue_id=venue["venue_id"])
    assert house.refused("POST", f"{path}/archive", {"version": 1})[0] == "venue_in_use"
    house.call("POST", f"/events/{event['event_id']}/cancel", {"version": 1}, status=200)
    done = house.call("POST", f"{path}/archive", {"version": 1}, status=200)
    assert done["archived_at"] is not None
    body = {"venue_id": venue["venue_id"], "name": "N", "currency": "eur",
            "doors_at": "2027-02-01T18:00:00Z", "starts_at": "2027-02-01T19:00:00Z",
            "ends_at": "2027-02-01T23:00:00Z"}  # fmt: skip
    assert house.refused("POST", "/events", body) == ("venue_archived", "/venue_id")
    listed = house.call("GET", "/venues?limit=200", status=200)["items"]
    assert venue["venue_id"] not in [each["venue_id"] for each in listed]
    every = house.call("GET", "/venues?limit=200&archived=true", status=200)["items"]
    assert venue["venue_id"] in [each["venue_id"] for each in every]


def test_a_venue_is_renamed(house: House) -> None:
    """What is left out of a change stays, and events keep their own time zone."""
    venue = house.venue()
    event = house.event(venue_id=venue["venue_id"])
    edit = {"version": 1, "timezone": "Asia/Tokyo", "address": "Street 1"}
    changed = house.call("PATCH", f"/venues/{venue['venue_id']}", edit, status=200)
    assert (changed["name"], changed["timezone"]) == ("Park", "Asia/Tokyo")
    shown = house.read(event["event_id"])
    assert (shown["timezone"], shown["venue_address"]) == ("Europe/Madrid", "Street 1")


def test_venues_are_the_organizers_own(house: House) -> None:
    """Fans and other tenants find no venue; who only reads may not write."""
    venue_id = house.venue()["venue_id"]
    for who, code in (("fan", "not_found"), ("rival", "not_found"), ("", "credentials_missing")):
        assert house.refused("GET", f"/venues/{venue_id}", who=who)[0] == code
    assert house.refused("PATCH", f"/venues/{venue_id}", {"version": 1}, who="staff")[0] == (
        "scope_missing"
    )


def test_pages_of_venues_hold_each_once(house: House) -> None:
    """Walking the pages meets every venue once, in the order of names."""
    for name in ("b", "a", "c"):
        house.venue(name=name)
    seen, cursor = [], ""
    while cursor is not None:
        page = house.call("GET", f"/venues?limit=2&cursor={cursor}", status=200)
        seen += [(each["name"], each["venue_id"]) for each in page["items"]]
        cursor = page["next"]
    every = house.call("GET", "/venues?limit=200", status=200)["items"]
    assert seen == [(each["name"], each["venue_id"]) for each in every]
    assert house.refused("GET", "/venues?cursor=zz")[0] == "cursor_malformed"
