"""Search lists over real HTTP: what a supervisor finds is what the tickets' rows say."""

from collections.abc import Callable
from functools import partial

import pytest

from shared.errors import Refused, Untrusted, UsherError
from shared.manifest.search import Entry, check_part, open_part, open_series
from tests.cloud.manifests.gate import Gate
from tests.cloud.manifests.test_manifests import House
from tests.cloud.search.lookup import Badge, Lookup
from tests.cloud.service import Event, Service, good, problem
from tests.cloud.sync.test_sync import revoke

ROWS = """
    SELECT hash, attendee, seat, class_index, order_id FROM ticket
     WHERE event_id = $1 AND list_status IS NOT NULL
"""


def rows(house: House, event: Event) -> dict[bytes, Entry]:
    """Return what a list has to say."""
    return {
        row["hash"]: Entry(
            row["hash"],
            row["attendee"] or "",
            row["seat"] or "",
            row["order_id"].hex[:8],
            row["class_index"],
        )
        for row in house.service.database.rows(ROWS, event.event_id)
    }


def raised(act: Callable[[], object]) -> tuple[type[UsherError], str]:
    with pytest.raises(UsherError) as caught:
        act()
    return type(caught.value), caught.value.code


class Scene:
    """An event with three tickets, a supervisor, and a gate that has the list."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.badge = Badge(house.owner, house.tenant)
        self.event = house.event()
        self.tickets = house.buy(self.event, 3)
        house.service.work()
        self.gate = Gate(house.service, house.owner, self.event)
        self.lookup = Lookup(self.gate)
        self.lookup.pull()

    def publish(self) -> None:
        """Let the worker do its round, and the gate pull."""
        self.house.service.work()
        self.lookup.pull()

    def check(self) -> None:
        """The list says what the rows say."""
        assert self.lookup.read(self.badge) == rows(self.house, self.event)


@pytest.fixture
def scene(service: Service) -> Scene:
    """A scene of its own."""
    return Scene(House(service))


def hand_over(scene: Scene, ticket: str) -> None:
    """Transfer a ticket to somebody else."""
    owner, friend = scene.house.owner, scene.house.service.person()
    made = good(owner.post(f"{ticket}/transfers", json={}), 201)
    path = f"{scene.event.tenant.path}/transfers/accept"
    good(friend.post(path, json={"secret": made["secret"], "attendee": "Bo Ek"}))


def test_every_change_is_one_small_part(scene: Scene) -> None:
    """Sold, named and handed over: each comes by itself, under the same series."""
    scene.check()
    house, owner, began = scene.house, scene.house.owner, scene.lookup.head
    changes: list[Callable[[], object]] = [
        lambda: house.buy(scene.event, 1),
        lambda: good(owner.patch(scene.tickets[0], json={"attendee": "Zoë Ávila"})),
        lambda: hand_over(scene, scene.tickets[0]),
        lambda: house.buy(scene.event, 2),
    ]
    for version, change in enumerate(changes, began.version + 1):
        change()
        scene.publish()
        scene.check()
        head = scene.lookup.head
        assert (head.version, head.series, head.keys) == (version, began.series, began.keys)
        assert head.parts[0] == began.parts[0]
        assert len(scene.lookup.took) == 1
        assert scene.lookup.took[0] < 500
    names = {entry.name for entry in scene.lookup.read(scene.badge).values()}
    assert names == {"", "Bo Ek"}


def test_what_no_list_tells_of_makes_no_version(scene: Scene) -> None:
    """A block, a new code and a worker's round change nothing of who holds what."""
    before, owner = scene.lookup.head, scene.house.owner
    good(owner.post(f"{scene.tickets[0]}/block", json={"reason": "lost"}))
    good(owner.post(f"{scene.tickets[1]}/reissue", json={}))
    scene.publish()
    assert scene.lookup.head == before


def test_the_state_tells_the_newest_version(scene: Scene) -> None:
    """So that devices know when to ask."""
    scene.house.buy(scene.event, 1)
    scene.publish()
    (event,) = [
        e for e in scene.gate.get("").json()["events"] if e["event"] == scene.gate.ref.hex()
    ]
    assert event["search"] == scene.lookup.head.version == 2
    assert scene.gate.of_list("search").headers["usher-search-version"] == "2"


def test_a_revoked_badge_opens_nothing_of_the_new_series(scene: Scene) -> None:
    """Neither by the head nor with the key that it had before; the other badge goes on."""
    other = Badge(scene.house.owner, scene.house.tenant)
    scene.publish()
    old = scene.lookup.head
    key = open_series(old, scene.badge.secret)
    assert set(old.keys) >= {scene.badge.id.hex(), other.id.hex()}
    scene.badge.revoke()
    scene.publish()
    head = scene.lookup.head
    assert head.series != old.series
    assert not set(head.parts) & set(old.parts)
    assert raised(lambda: open_series(head, scene.badge.secret)) == (
        Refused,
        "search_not_for_badge",
    )
    part = scene.lookup.held[bytes.fromhex(head.parts[0])]
    stolen = key._replace(number=bytes.fromhex(head.series))
    for series in (key, stolen):
        assert raised(partial(open_part, series, 0, part)) == (
            Untrusted,
            "search_sealed",
        )
    scene.badge = other
    scene.check()


def test_a_new_badge_opens_the_list(scene: Scene) -> None:
    """It is sealed anew; badges that only scan, and technicians', open nothing."""
    before = scene.lookup.head
    more = Badge(scene.house.owner, scene.house.tenant)
    others = [Badge(scene.house.owner, scene.house.tenant, role) for role in ("scan", "technician")]
    scene.publish()
    assert scene.lookup.head.series != before.series
    assert scene.lookup.read(more) == scene.lookup.read(scene.badge)
    assert not {badge.id.hex() for badge in others} & set(scene.lookup.head.keys)


def test_without_a_supervisor_there_is_no_list(service: Service) -> None:
    """And once the last badge is gone, what is published has nothing in it."""
    house = House(service)
    event = house.event()
    house.buy(event, 2)
    service.work()
    gate = Gate(service, house.owner, event)
    assert problem(gate.of_list("search")) == (404, "not_found")
    assert problem(gate.of_list("search/parts?want=0")) == (404, "not_found")
    badge = Badge(house.owner, house.tenant)
    service.work()
    lookup = Lookup(gate)
    lookup.pull()
    assert lookup.read(badge) == rows(house, event)
    badge.revoke()
    service.work()
    lookup.pull()
    assert (lookup.head.parts, lookup.head.keys) == ((), {})
    house.buy(event, 1)
    service.work()
    assert lookup.head.parts == ()
    assert (
        service.database.rows("SELECT 1 FROM search_part WHERE event_id = $1", event.event_id) == []
    )


def test_parts_that_are_not_those_of_the_head_are_noticed(scene: Scene) -> None:
    """Changed on the way, swapped, left out: each is refused, and asked for again."""
    for _ in range(2):
        scene.house.buy(scene.event, 3)
        scene.publish()
    head, lookup = scene.lookup.head, Lookup(scene.gate)
    assert len(head.parts) > 1
    first, second = (scene.lookup.held[bytes.fromhex(digest)] for digest in head.parts[:2])
    for place, part in ((0, second), (1, first), (0, first[:-1]), (0, b""), (0, b"\0" + first[1:])):
        assert raised(partial(check_part, head, place, part)) == (
            Untrusted,
            "search_hash",
        )
    lookup.head = head
    lookup.take([1, 0])
    assert lookup.read(scene.badge) == rows(scene.house, scene.event)
    assert raised(lambda: lookup.take([0, 400])) == (Untrusted, "search_hash")


@pytest.mark.parametrize("want", ["", "a", "1,", "-1", "0;1", "1000", ",".join("012345678")])
def test_a_want_of_another_form_is_refused(scene: Scene, want: str) -> None:
    """At most eight places, in digits."""
    assert problem(scene.gate.of_list(f"search/parts?want={want}"))[0] == 400


def test_a_list_is_for_devices_that_are_not_revoked(scene: Scene) -> None:
    """Unsigned, of another tenant or revoked: nothing."""
    path = f"{scene.event.tenant.path}/sync/events/{scene.gate.ref.hex()}/search"
    assert scene.gate.http.get(path).status_code == 401
    other = Scene(House(scene.house.service))
    assert problem(other.gate.get(f"/events/{scene.gate.ref.hex()}/search")) == (404, "not_found")
    revoke(scene.gate)
    for what in ("search", "search/parts?want=0"):
        assert problem(scene.gate.of_list(what)) == (401, "request_revoked_device")


def test_many_changes_stay_few_parts(scene: Scene) -> None:
    """Parts are merged as a counter carries; what is held is not fetched again."""
    for _ in range(9):
        scene.house.buy(scene.event, 1)
        scene.publish()
        scene.check()
        assert len(scene.lookup.head.parts) <= 1 + 4
    stored = scene.house.service.database.rows(
        "SELECT place, words FROM search_part WHERE event_id = $1 ORDER BY place",
        scene.event.event_id,
    )
    assert [tuple(row) for row in stored] == [(0, 3), (1, 8), (2, 1)]


def test_a_series_ends_after_a_day_of_changes(scene: Scene) -> None:
    """A name that was taken back is then in no part any more."""
    owner, service = scene.house.owner, scene.house.service
    good(owner.patch(scene.tickets[0], json={"attendee": "Zoë Ávila"}))
    scene.publish()
    good(owner.patch(scene.tickets[0], json={"attendee": "Bo Ek"}))
    scene.publish()
    before = scene.lookup.head
    service.database.run(
        "UPDATE search_list SET began_at = began_at - interval '25 h'"
        f" WHERE event_id = '{scene.event.event_id}'"
    )
    scene.publish()
    scene.check()
    assert scene.lookup.head.series != before.series
    assert len(scene.lookup.head.parts) == 1
    after = scene.lookup.head
    service.database.run(
        "UPDATE search_list SET began_at = began_at - interval '25 h'"
        f" WHERE event_id = '{scene.event.event_id}'"
    )
    scene.publish()
    assert scene.lookup.head == after  # nothing changed: nothing to be rid of


def test_a_lost_key_begins_a_new_series(scene: Scene) -> None:
    """The master key was replaced, or a row damaged: the list goes on, sealed anew."""
    before = scene.lookup.head
    scene.house.service.database.run(
        f"UPDATE search_list SET key = 'damaged' WHERE event_id = '{scene.event.event_id}'"
    )
    scene.house.buy(scene.event, 1)
    scene.publish()
    scene.check()
    assert scene.lookup.head.series != before.series


def test_a_withdrawn_manifest_key_signs_no_list_any_more(scene: Scene) -> None:
    """The same parts under a head by the next key."""
    raw = scene.gate.of_list("search").content
    good(
        scene.house.owner.post(f"{scene.event.tenant.path}/keys/{raw[6:10].hex()}/revoke", json={})
    )
    before = scene.lookup.head
    scene.house.service.work()
    scene.gate.learn_keys()
    scene.lookup.pull()
    assert scene.lookup.took == []
    assert (scene.lookup.head.series, scene.lookup.head.parts) == (before.series, before.parts)
    assert scene.gate.of_list("search").content[6:10] != raw[6:10]


def test_a_list_is_dropped_once_its_event_is_over(scene: Scene) -> None:
    """Names are kept no longer than they are of use; a version is never given twice."""
    service, event = scene.house.service, scene.event
    service.database.run(
        "UPDATE event SET doors_at = now() - interval '40 h', starts_at = now() - interval '39 h',"
        f" ends_at = now() - interval '25 h' WHERE event_id = '{event.event_id}'"
    )
    service.work()
    assert problem(scene.gate.of_list("search")) == (404, "not_found")
    left = service.database.rows(
        "SELECT version, key, raw, (SELECT count(*) FROM search_part p WHERE p.event_id = $1) AS n"
        " FROM search_list WHERE event_id = $1",
        event.event_id,
    )
    assert [tuple(row) for row in left] == [(1, None, None, 0)]
    service.database.run(
        "UPDATE event SET doors_at = now(), starts_at = now(), ends_at = now() + interval '5 h'"
        f" WHERE event_id = '{event.event_id}'"
    )
    scene.publish()
    assert scene.lookup.head.version == 2
    scene.check()
