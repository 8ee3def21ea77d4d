"""What the cloud finds in all gates' records together reaches the gates that it concerns."""

import asyncio
from contextlib import ExitStack
from functools import partial

from edge.sync.client import Limits
from edge.sync.failures import Failure
from edge.sync.incidents import MOST, Incidents
from edge.sync.pull import Pull
from shared.errors import UsherError
from tests.cloud.incidents.test_working import merging
from tests.cloud.service import good
from tests.together.conftest import MakeGate
from tests.together.gates import Joined, Living
from tests.together.liar import Lie, changed, gone, lying, other, slow, truncated
from tests.together.logs import Linked, admit
from tests.together.organizer import House

LONG = 60.0  # seconds, on a busy machine


def states(joined: Joined) -> list[str]:
    """Return how what a gate was told of stands."""
    return [note.state for note in joined.gate.stores.incidents.newest()]


def has_books(joined: Joined) -> bool:
    """Whether a gate has a list to admit by."""
    return bool(joined.gate.held.trust.books)


def shows(joined: Joined, state: str) -> bool:
    """Whether a gate was told of one incident that stands so, and its strip counts it if open."""
    count = joined.gate.board.status().incidents
    return states(joined) == [state] and count == (state == "open")


def test_a_copy_at_two_gates_is_told_to_both_and_so_is_how_it_was_settled(
    house: House, join: MakeGate
) -> None:
    """By itself, while they scan on; and a restart knows it still."""
    event = house.event(2)
    gates = [join("North"), join("South")]
    with merging(house.service), ExitStack() as stack:
        living = [stack.enter_context(Living(each)) for each in gates]
        for each, life in zip(gates, living, strict=True):
            life.until(partial(has_books, each), LONG)
            admit(each.gate, house.ref(event), range(1))
        for each, life in zip(gates, living, strict=True):
            life.until(partial(shows, each, "open"), LONG)
        (told,) = gates[0].gate.stores.incidents.newest()
        assert set(told.devices) == {each.me.device.hex() for each in gates}
        path = f"{house.tenant.path}/incidents/{told.incident}/decide"
        good(house.owner.post(path, json={"state": "explained"}))
        for each, life in zip(gates, living, strict=True):
            life.until(partial(shows, each, "explained"), LONG)
    assert states(gates[0]) == ["explained"]
    gates[0].reopen()
    assert states(gates[0]) == ["explained"]


BAD: dict[str, Lie] = {
    "cut": truncated(),
    "replayed": changed(lambda body: body * 2),
    "oversize": changed(lambda _: bytes(MOST + 1)),
    "of nothing, with more to come": changed(lambda _: b"", usher_more="1"),
    "a portal's page": other(b"<html>Welcome to our Wi-Fi"),
    "gone": gone,
    "by drops": slow(0.3),
}


def test_answers_that_are_no_good_change_nothing(house: House, join: MakeGate) -> None:
    """Each leaves what is known as it is; the next good one is taken whole."""
    event = house.event(2)
    north, south = join("North"), join("South")
    for each in (north, south):
        each.pull()
        admit(each.gate, house.ref(event), range(1))
        send(each)
    house.service.work()
    with lying(house.service.address) as liar:
        for lie in BAD.values():
            liar.about("/sync/incidents", lie)
            (failed,) = pulled(north, liar.address)
            assert isinstance(failed, (Failure, UsherError)), failed
            assert (states(north), upto(north)) == ([], 0)
        liar.honest()
        assert pulled(north, liar.address) == []
        known = upto(north)
        assert states(north) == ["open"]
        north.gate.stores.incidents.take([], known + 1000)  # as a liar's number makes it
        assert pulled(north, liar.address) == []
        assert (states(north), upto(north)) == (["open"], known)
        liar.honest()
        assert pulled(north, liar.address) == []
        assert not any("/incidents" in each for each in liar.asked), "nothing new, no question"


def send(joined: Joined) -> None:
    """Send what a gate wrote."""
    linked = Linked(joined)
    linked.push()
    linked.close()


def upto(joined: Joined) -> int:
    """Return up to which number a gate was told."""
    return joined.gate.stores.settings.number("incidents")


def pulled(joined: Joined, origin: str) -> list[Exception]:
    """Ask for the notes once, with little patience; return what failed."""

    async def once() -> list[Exception]:
        async with joined.cloud(origin, Limits(patience=2.0, whole=2.0)) as cloud:
            state = await Pull(cloud, joined.gate).state()
            return await Incidents(cloud, joined.gate).pull(state)

    return asyncio.run(once())
