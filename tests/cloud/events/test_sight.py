"""Who sees which events, and how much of them."""

from tests.cloud.events.house import OTHER, PEOPLE, House
from tests.cloud.events.house import house as house


def listed(house: House, who: str, query: str = "") -> set[str]:
    """Return the ids of the events that somebody is shown."""
    seen: set[str] = set()
    cursor = ""
    while cursor is not None:
        page = house.call("GET", f"/events?limit=3&cursor={cursor}{query}", who=who, status=200)
        ids = [each["event_id"] for each in page["items"]]
        assert seen.isdisjoint(ids)
        seen |= set(ids)
        cursor = page["next"]
    return seen


def attach(house: House, event_id: str, name: str, version: int) -> None:
    """Let an artist play."""
    body = {"version": version, "artists": [{"account_id": str(PEOPLE[name])}]}
    house.call("PUT", f"/events/{event_id}/artists", body, status=200)


def test_drafts_are_for_insiders(house: House) -> None:
    """A fan sees published events alone; staff see drafts too."""
    draft, public = house.event()["event_id"], house.published()["event_id"]
    for who in ("fan", "rival", ""):
        assert draft not in listed(house, who)
        assert draft not in listed(house, who, "&event_state=draft")
        assert public in listed(house, who)
        for path in ("", "/classes", "/classes/0/seats"):
            assert house.refused("GET", f"/events/{draft}{path}", who=who)[0] == "not_found"
        assert house.read(public, who)["organizer"] is None
    assert {draft, public} <= listed(house, "staff")
    assert house.read(draft, "staff")["organizer"]["version"] == 1


def test_artists_see_their_own_events(house: House) -> None:
    """An artist is listed the events where they play, and sees those alone from inside."""
    mine, other = house.event()["event_id"], house.event()["event_id"]
    public = house.published()["event_id"]
    attach(house, mine, "artist", 1)
    assert listed(house, "artist") & {mine, other, public} == {mine}
    assert listed(house, "singer").isdisjoint({mine, other, public})
    assert house.read(mine, "artist")["organizer"] is not None
    assert house.refused("GET", f"/events/{other}", who="artist")[0] == "not_found"
    assert house.read(public, "artist")["organizer"] is None
    assert house.refused("GET", f"/events/{public}/artists", who="artist")[0] == "not_found"
    edit = {"version": 2, "name": "Mine"}
    assert house.refused("PATCH", f"/events/{mine}", edit, who="artist")[0] == "scope_missing"


def test_only_artists_of_the_tenant_are_attached(house: House) -> None:
    """An account without the role, one listed twice and shares above the whole are refused."""
    event_id = house.event()["event_id"]
    artist, singer, fan = (str(PEOPLE[name]) for name in ("artist", "singer", "fan"))
    for artists, expected in (
        ([{"account_id": artist, "share_bps": 1}, {"account_id": fan, "share_bps": 1}],
         ("artist_unknown", "/artists/1/account_id")),
        ([{"account_id": artist, "share_bps": 1}] * 2, ("artist_repeated", "/artists")),
        ([{"account_id": artist}, {"account_id": singer}], ("artist_shares", "/artists")),
    ):  # fmt: skip
        body = {"version": 1, "artists": artists}
        assert house.refused("PUT", f"/events/{event_id}/artists", body) == expected
    pair = [{"account_id": artist, "share_bps": 6000}, {"account_id": singer, "share_bps": 4000}]
    house.call("PUT", f"/events/{event_id}/artists", {"version": 1, "artists": pair}, status=200)
    assert house.call("GET", f"/events/{event_id}/artists", status=200) == pair


def test_another_tenant_finds_nothing(house: House) -> None:
    """The owner of another tenant meets 404 on every id, in either tenant, and changes nothing."""
    event = house.published()
    event_id, venue_id = event["event_id"], event["venue_id"]
    before = house.read(event_id)
    for method, path, body in (
        ("GET", f"/events/{event_id}", None),
        ("PATCH", f"/events/{event_id}", {"version": 2, "name": "X"}),
        ("POST", f"/events/{event_id}/cancel", {"version": 2}),
        ("POST", f"/events/{event_id}/publish", {"version": 2}),
        ("GET", f"/events/{event_id}/classes", None),
        ("PATCH", f"/events/{event_id}/classes/0", {"version": 1, "price": 0}),
        ("POST", f"/events/{event_id}/classes/0/withdraw", {"version": 1}),
        ("PUT", f"/events/{event_id}/artists", {"version": 2, "artists": []}),
        ("GET", f"/venues/{venue_id}", None),
        ("PUT", f"/venues/{venue_id}/layout", {"version": 1, "zones": [], "gates": []}),
        ("POST", "/events", {
            "venue_id": venue_id, "name": "N", "currency": "eur",
            "doors_at": "2027-02-01T18:00:00Z", "starts_at": "2027-02-01T19:00:00Z",
            "ends_at": "2027-02-01T23:00:00Z"}),
    ):  # fmt: skip
        assert house.refused(method, path, body, who="rival", tenant=OTHER)[0] == "not_found", path
    assert house.read(event_id) == before
