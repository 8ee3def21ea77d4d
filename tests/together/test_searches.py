"""Supervisors' lists over the real cloud: fetched, followed, broken off, and gone on revocation."""

import asyncio

import pytest

from edge.errors import Refused
from edge.sync.failures import Away, Garbled
from edge.sync.pull import Pull
from edge.sync.searches import Searches
from shared.manifest.search import SearchHead
from shared.wire import frames, unframed
from tests.cloud.search.lookup import Badge
from tests.damage import flipped
from tests.together import liar as lies
from tests.together.conftest import MakeGate
from tests.together.gates import Joined, Living
from tests.together.liar import Liar
from tests.together.organizer import House

DESK = "desk"


class Office:
    """An event with named guests, a supervisor, and a gate with a desk."""

    def __init__(self, house: House, join: MakeGate) -> None:
        self.house = house
        self.badge = Badge(house.owner, house.tenant)
        self.event = house.event()
        self.ref = house.ref(self.event)
        self.tickets = house.sell(self.event, 4)
        for ticket, name in zip(self.tickets, ("Ana Ruiz", "Bo Ek", "Chen Wu"), strict=False):
            house.name(ticket, name)
        self.joined: Joined = join(lanes=[{"id": DESK}])

    def publish(self) -> None:
        """Let the cloud's worker do its round."""
        self.house.service.work()

    def grow(self) -> None:
        """Sell so that the list has several parts, the larger ones first."""
        for quantity in (3, 2):
            self.publish()
            self.house.sell(self.event, quantity)
        self.publish()

    def pull(self, origin: str = "") -> None:
        """Let the gate ask for everything, once; raise what went wrong."""

        async def run() -> None:
            async with self.joined.cloud(origin) as cloud:
                pull = Pull(cloud, self.joined.gate)
                state = await pull.state()
                await pull.lists(state)
                await pull.events(state)
                for failed in await Searches(cloud, self.joined.gate).pull(state):
                    raise failed

        asyncio.run(run())

    def sign_in(self, badge: Badge | None = None) -> None:
        """Begin the supervisor's duty."""
        self.joined.gate.staff.sign_in_badge(DESK, (badge or self.badge).code)

    def found(self, words: str) -> list[str]:
        """Return whom the supervisor finds; all parts were looked at."""
        findings = self.joined.gate.desk.find(DESK, words)
        assert findings.missing == 0
        return [each.name for each in findings.found]

    def head(self) -> SearchHead:
        """Return the head in force."""
        return self.joined.gate.held.trust.searches[self.ref].head

    def is_ready(self) -> bool:
        """Whether the gate has its tickets and its list, in whichever order they came."""
        held = self.joined.gate.held
        return self.ref in held.trust.searches and not held.why_locked()

    def check_disk(self) -> None:
        """Nothing is stored that no head names."""
        documents, trust = self.joined.gate.stores.documents, self.joined.gate.held.trust
        assert documents.sweep(trust.chunks()) == 0


@pytest.fixture
def office(house: House, join: MakeGate) -> Office:
    """An office that is ready for the evening."""
    return Office(house, join)


def wanted(liar: Liar) -> list[str]:
    """Return which parts each request asked for."""
    return [asked.partition("want=")[2] for asked in liar.asked if "/search/parts" in asked]


def test_a_supervisor_finds_guests_and_every_change_of_them(office: Office) -> None:
    """Also after a restart, which keeps the list sealed."""
    office.publish()
    office.pull()
    office.sign_in()
    assert office.found("ruiz") == ["Ana Ruiz"]
    office.house.name(office.tickets[0], "Zoë Ávila")
    office.publish()
    office.pull()
    assert office.found("ruiz") == []
    assert office.found("zoe avila") == ["Zoë Ávila"]
    assert office.head().version == 3
    office.check_disk()
    office.joined.reopen()
    with pytest.raises(Refused):
        office.found("zoe avila")
    office.sign_in()
    assert office.found("zoe avila") == ["Zoë Ávila"]


def test_what_is_held_is_not_asked_for_again(office: Office, liar: Liar) -> None:
    """A change is one part; without one, there is no request at all."""
    office.grow()
    office.pull(liar.address)
    assert wanted(liar) == ["0,1", "2"]
    liar.honest()
    office.house.name(office.tickets[1], "Dara")
    office.publish()
    office.pull(liar.address)
    assert wanted(liar) == ["3"]
    liar.honest()
    office.pull(liar.address)
    assert [asked for asked in liar.asked if "/search" in asked] == []
    office.check_disk()


def test_a_download_goes_on_where_it_broke_off(office: Office, liar: Liar) -> None:
    """What came stays, through a restart and a clean-up; until all is here, nothing is in force."""
    office.grow()
    liar.about("want=2", lies.gone)
    with pytest.raises(Away):
        office.pull(liar.address)
    assert office.ref not in office.joined.gate.held.trust.searches
    office.joined.reopen()
    office.check_disk()
    liar.honest()
    office.pull(liar.address)
    assert wanted(liar) == ["2"]
    office.sign_in()
    assert office.found("chen") == ["Chen Wu"]


def test_a_newer_list_takes_over_what_the_broken_download_brought(
    office: Office, liar: Liar
) -> None:
    """The head on its way is replaced; parts that both name are kept."""
    office.grow()
    liar.about("want=2", lies.gone)
    with pytest.raises(Away):
        office.pull(liar.address)
    liar.honest()
    office.house.name(office.tickets[1], "Dara")
    office.publish()
    office.pull(liar.address)
    assert wanted(liar) == ["2,3"]
    office.sign_in()
    assert office.found("dara") == ["Dara"]
    office.check_disk()


def test_a_list_that_moves_under_a_download_is_caught_up_with(office: Office, liar: Liar) -> None:
    """A part that was written again in between is noticed by its hash."""
    office.grow()
    moved: list[bool] = []

    def move(said: lies.Said) -> lies.Said:
        if not moved:
            moved.append(True)
            for ticket, name in zip(office.tickets, ("Dara", "Elif"), strict=False):
                office.house.name(ticket, name)
            office.publish()
        return said

    liar.about("want=0,1", move)
    office.pull(liar.address)
    assert wanted(liar) == ["0,1", "2", "0"]
    office.sign_in()
    assert office.found("dara") == ["Dara"]


def swapped(body: bytes) -> bytes:
    """The parts of an answer, the last one first."""
    return frames(reversed(unframed(body, 8)))


@pytest.mark.parametrize(
    "lie",
    [
        lies.changed(swapped),
        lies.changed(flipped),
        lies.changed(lambda _: b""),
        lies.changed(lambda _: frames((b"", b""))),
        lies.changed(lambda _: frames((b"x" * 1000, b"y"))),
    ],
    ids=["swapped", "one bit", "nothing", "empty", "other"],
)
def test_parts_that_are_not_the_heads_never_get_in_force(
    office: Office, liar: Liar, lie: lies.Lie
) -> None:
    """The list that is held stays; once the cloud is honest, the rest comes."""
    office.publish()
    office.pull()
    before = office.head()
    office.badge.revoke()
    office.badge = Badge(office.house.owner, office.house.tenant)  # a new series
    office.grow()
    liar.about("/search/parts", lie)
    with pytest.raises(Garbled) as caught:
        office.pull(liar.address)
    assert caught.value.code == "search_incomplete"
    assert office.head() == before
    office.check_disk()
    liar.honest()
    office.pull(liar.address)
    assert office.head().series != before.series
    office.sign_in()
    assert office.found("chen") == ["Chen Wu"]
    office.check_disk()


@pytest.mark.parametrize("lie", [lies.changed(flipped), lies.other(b"<p>")])
def test_a_head_that_nobody_signed_changes_nothing(
    office: Office, liar: Liar, lie: lies.Lie
) -> None:
    """Neither an altered one nor a portal's page."""
    office.publish()
    liar.about("/search", lie)
    with pytest.raises(Exception, match="document_"):
        office.pull(liar.address)
    assert office.joined.gate.held.trust.awaited == {}


def test_an_older_list_is_not_taken_back(office: Office, liar: Liar) -> None:
    """By a cloud that was restored, or somebody who kept an answer."""
    office.publish()
    kept: list[bytes] = []

    def keep(said: lies.Said) -> lies.Said:
        kept.append(said.body)
        return said

    liar.about("/search", keep)
    office.pull(liar.address)
    office.house.name(office.tickets[0], "Zoë Ávila")
    office.publish()
    liar.honest()
    office.pull(liar.address)
    office.house.name(office.tickets[0], "Ada")
    office.publish()
    liar.about("/search", lies.changed(lambda _: kept[0]))
    before = office.head()
    office.pull(liar.address)
    assert office.head() == before


def test_a_revoked_supervisor_is_out_at_once_and_the_list_is_sealed_anew(office: Office) -> None:
    """At a connected gate, without anybody doing anything there."""
    other = Badge(office.house.owner, office.house.tenant)
    office.publish()
    with Living(office.joined) as living:
        gate = office.joined.gate
        living.until(office.is_ready)
        before = office.head()
        office.sign_in()
        assert office.found("ruiz") == ["Ana Ruiz"]
        lane = gate.lanes.lane(DESK)
        office.badge.revoke()
        assert living.until(lambda: lane.duty is None) < 2.0
        office.publish()
        living.until(lambda: office.head().series != before.series)
        assert set(office.head().keys) == {other.id.hex()}
        with pytest.raises(Refused):
            office.sign_in()
        office.sign_in(other)
        assert office.found("ruiz") == ["Ana Ruiz"]


def test_a_change_reaches_a_connected_gate_by_itself(office: Office) -> None:
    """Once the cloud has published it."""
    office.publish()
    with Living(office.joined) as living:
        living.until(office.is_ready)
        office.sign_in()
        office.house.name(office.tickets[0], "Zoë Ávila")
        office.publish()
        assert living.until(lambda: office.head().version == 3) < 2.0
        assert office.found("zoe") == ["Zoë Ávila"]
