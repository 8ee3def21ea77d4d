"""Enrolment of a real device at the real cloud, with a person at its console."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cloud.http.catalogue import CATALOGUE
from edge.gate.gate import Gate, Machine, open_gate
from edge.settings import settings_of
from edge.store.identity import load_identity
from edge.store.stores import KEY, open_stores
from edge.sync.client import Cloud
from edge.sync.enrolling import Enrolling, NotEnrolled
from edge.sync.pull import Pull
from edge.sync.words import REFUSED
from shared.errors import SENTENCES
from tests.cloud.service import good
from tests.together.conftest import MakeGate
from tests.together.organizer import House


class Killed(BaseException):
    """The process ended here."""


class Person:
    """The person at both ends: reads the device's digits, types them into the console."""

    def __init__(self, house: House, enrolment: Any, typed: Callable[[str], str] = str) -> None:
        self.house = house
        self.enrolment = enrolment
        self.steps: list[str] = []
        self.shown: list[str] = []
        self.kill_at = ""
        self._typed = typed

    def step(self, code: str, detail: str = "") -> None:
        self.steps.append(code)
        if code == self.kill_at:
            raise Killed

    def digits(self, six: str) -> None:
        self.shown.append(six)
        if self.kill_at == "digits":
            raise Killed
        path = f"{self.house.tenant.path}/devices/enrolments/{self.enrolment['enrolment_id']}"
        said = {"digits": self._typed(six)}
        self.answer = good(self.house.owner.post(f"{path}/digits", json=said))


def offered(house: House, **said: Any) -> Any:
    """Make an offer at the console."""
    path = f"{house.tenant.path}/devices/enrolments"
    return good(house.owner.post(path, json={"name": "North", "kind": "kiosk", "site": 3} | said))


def enrol(folder: Path, person: Person, text: str) -> None:
    """Run the device's side."""

    async def soon(_seconds: float) -> None:
        await asyncio.sleep(0.02)

    asyncio.run(Enrolling(folder, person, Machine(), rest=soon).run(text))


async def pulled(gate: Gate, house: House) -> None:
    """Pull all that the gate lacks."""
    stores = gate.stores.settings
    origin, tenant = (stores.get("origin") or b"").decode(), house.tenant.tenant_id.bytes
    async with Cloud(origin, tenant, gate.me, gate.clock.stamp_ms) as cloud:
        pull = Pull(cloud, gate)
        state = await pull.state()
        assert [*await pull.lists(state), *await pull.events(state)] == []


def other(six: str) -> str:
    """Return six digits that are not these."""
    return f"{(int(six) + 1) % 1_000_000:06}"


def test_a_device_is_enrolled_and_pulls_its_list(house: House, swift: Path) -> None:
    """A key made on the device, digits compared, root and lists stored, and the gate opens."""
    event = house.event(4)
    made = offered(house)
    person = Person(house, made)
    enrol(swift / "data", person, made["offer"])
    assert person.steps == ["offer", "key", "claimed", "confirmed", "enrolled"]
    assert person.answer["state"] == "confirmed"
    gate = open_gate(settings_of({"data": str(swift / "data"), "run": str(swift)}), software="test")
    try:
        member = gate.held.trust.roster.devices[gate.me.device]
        assert (member.kind, member.site, member.cutoff) == ("kiosk", 3, None)
        assert gate.held.trust.keys.root == house.root
        assert gate.held.why_locked() == "no_manifest"
        asyncio.run(pulled(gate, house))
        assert gate.held.why_locked() == ""
        house.check(event, gate.held.trust.books[house.ref(event)], gate.stores.documents)
    finally:
        gate.close()


def test_wrong_digits_void_the_offer_and_nothing_is_kept(house: House, swift: Path) -> None:
    """No organizer is stored, and the next offer works with the same key."""
    made = offered(house)
    with pytest.raises(NotEnrolled, match="enrol_void"):
        enrol(swift / "data", Person(house, made, other), made["offer"])
    stores = open_stores(swift / "data")
    assert stores.settings.get("tenant") is None
    stores.close()
    key = load_identity(swift / "data" / KEY)
    made = offered(house)
    enrol(swift / "data", Person(house, made), made["offer"])
    assert load_identity(swift / "data" / KEY) == key


@pytest.mark.parametrize("at", ["key", "claimed", "digits", "confirmed"])
def test_an_enrolment_goes_on_where_it_was_killed(house: House, swift: Path, at: str) -> None:
    """The same claim, the same digits; after the confirmation, the welcome alone."""
    made = offered(house)
    person = Person(house, made)
    person.kill_at = at
    with pytest.raises(Killed):
        enrol(swift / "data", person, made["offer"])
    person.kill_at = ""
    enrol(swift / "data", person, "")  # the code is remembered
    assert len(set(person.shown)) == 1
    stores = open_stores(swift / "data")
    assert stores.settings.get("tenant") == house.tenant.tenant_id.bytes
    assert stores.settings.get("origin") == house.service.address.encode()
    stores.close()


def test_a_code_is_for_one_device(house: House, swift: Path) -> None:
    """Whoever comes second sees that somebody was first."""
    made = offered(house)
    enrol(swift / "one", Person(house, made), made["offer"])
    second = Person(house, made)
    with pytest.raises(NotEnrolled, match="enrol_used"):
        enrol(swift / "two", second, made["offer"])
    assert "confirmed" not in second.steps
    made = offered(house)
    first = Person(house, made)
    first.kill_at = "claimed"
    with pytest.raises(Killed):
        enrol(swift / "three", first, made["offer"])
    with pytest.raises(NotEnrolled, match="enrol_used"):
        enrol(swift / "four", Person(house, made), made["offer"])


def test_codes_that_are_over_or_of_others_are_refused(house: House, swift: Path) -> None:
    """Each by its code."""
    made = offered(house)
    path = f"{house.tenant.path}/devices/enrolments/{made['enrolment_id']}/revoke"
    good(house.owner.post(path, json={}))
    person = Person(house, made)
    with pytest.raises(NotEnrolled, match="enrol_revoked"):
        enrol(swift / "data", person, made["offer"])
    with pytest.raises(NotEnrolled, match="enrol_offer"):
        enrol(swift / "data", person, "https://example.org/")
    code = made["offer"].partition("#1.")[2][:32]
    with pytest.raises(NotEnrolled, match="enrol_unknown"):
        enrol(swift / "data", person, made["offer"].replace(code, "0" * 32))
    with pytest.raises(NotEnrolled, match="enrol_insecure"):
        enrol(swift / "data", person, made["offer"].replace("127.0.0.1", "example.org"))


def test_a_second_organizer_is_refused(house: House, swift: Path, join: MakeGate) -> None:
    """A device has one; before anything is said to the other."""
    made = offered(house)
    enrol(swift / "data", Person(house, made), made["offer"])
    second = House(house.service)
    again = offered(second)
    with pytest.raises(NotEnrolled, match="other_organizer"):
        enrol(swift / "data", Person(second, again), again["offer"])
    path = f"{second.tenant.path}/devices/enrolments/{again['enrolment_id']}"
    assert good(second.owner.get(path))["state"] == "offered"


def test_every_refusal_has_a_sentence_and_a_next_step() -> None:
    """All that the device finds wrong itself, and all that the cloud says to it."""
    codes = {code for code in (*SENTENCES, *CATALOGUE) if code.startswith("enrol_")}
    codes -= {"enrol_origin"}  # told to the console alone
    assert codes <= REFUSED.keys()
    assert all(said and todo for said, todo in REFUSED.values())
