"""What the cloud refuses for good, and answers that are old or unsigned: nobody else waits for it,
nothing is lost, and the gate's health says so."""

import msgspec
import pytest

from edge.gate.receipts import Receipts
from edge.health.report import Health
from edge.health.result import Result
from edge.sync.failures import Denied, Garbled
from edge.sync.push import AGAIN, MOST_REFUSED
from shared.wire import FileTaken, frames, unframed
from tests.together.conftest import Link, MakeGate
from tests.together.gates import Joined
from tests.together.liar import Liar, Lie, Said, changed, other
from tests.together.logs import admit, cloud_records
from tests.together.organizer import House

LONG = 600  # records: more than one file of the smallest size holds


def refusing(device: bytes, status: int = 422) -> Lie:
    """Refuse files with records of a device, whatever else is in them."""
    problem = other(b'{"code":"file_damaged"}', status, "application/problem+json")
    return lambda said: problem(said) if device.hex().encode() in said.body else said


def queue(joined: Joined) -> Result:
    """Return what the gate's health says of its queue."""
    results = Health(joined.gate, dict).results()
    return next(each for each in results if each.name == "queue")


def heard_of(north: Joined, *others: Joined) -> None:
    """Let a gate hear on the LAN what others wrote."""
    for each in others:
        north.gate.replica.take(each.gate.replica.lacking({})[0])


@pytest.mark.parametrize("status", [422, 413, 500])
def test_a_log_that_is_refused_is_in_no_others_way(
    house: House, join: MakeGate, link: Link, liar: Liar, status: int
) -> None:
    """Bad's records are passed over for a while, South's arrive; afterwards Bad's do, too."""
    event = house.event(1)
    north, south, bad = join("North"), join("South"), join("Bad")
    for each in (north, south, bad):
        each.pull()
        admit(each.gate, house.ref(event), range(LONG if each is bad else 5))
    heard_of(north, south, bad)
    sending = link(north, liar.address)
    sending.ask()
    sending.now += 60
    sending.ask()
    liar.about("/logs", refusing(bad.me.device, status))
    liar.asked.clear()
    with pytest.raises(Denied, match="file_damaged"):
        sending.push()
    assert len(liar.asked) < 20, "it ends"
    assert sending.waiting() == 0
    said = queue(north)
    assert (said.state, said.code, said.value) == ("warn", "queue_refused", "Bad")
    receipts = [Receipts(south.gate).take(raw) for raw in sending.relayed]
    assert receipts
    assert link(south).waiting() == 0, "South learnt so by its neighbour"
    liar.honest()
    sending.now += AGAIN + 1
    sending.ask()
    sending.now += 60
    sending.ask()
    sending.push()
    assert queue(north).code == "queue_ok"
    assert bad.gate.stores.log.last(bad.me.device) in cloud_records(bad)
    assert len(cloud_records(bad)) == LONG + 1


def test_an_own_record_that_is_refused_keeps_back_neither_the_others_nor_the_neighbours(
    house: House, join: MakeGate, link: Link, liar: Liar
) -> None:
    """The gate goes on behind it, a few files at a time."""
    event = house.event(1)
    north, south = join("North"), join("South")
    for each in (north, south):
        each.pull()
        admit(each.gate, house.ref(event), range(5))
    heard_of(north, south)
    sending = link(north, liar.address)
    for _ in range(2):
        sending.ask()
        sending.now += 60
    liar.about("/logs", refusing(north.me.device))
    with pytest.raises(Denied):
        sending.push()
    assert len(liar.asked) < MOST_REFUSED + 12
    assert cloud_records(south) == list(south.gate.stores.log.records())
    assert sending.waiting() == 6
    assert queue(north).value == "North"
    admit(north.gate, house.ref(event), range(5, 9))
    liar.honest()
    sending.push()
    assert len(cloud_records(north)) == 10, "the liar let them through to the cloud"
    sending.now += AGAIN + 1
    sending.push()
    assert sending.waiting() == 0
    assert queue(north).code == "queue_ok"


def test_an_old_receipt_in_place_of_the_new_one_only_delays(
    house: House, join: MakeGate, link: Link, liar: Liar
) -> None:
    """It is genuine, and says nothing of what was sent: that is offered again, and signed for."""
    event = house.event(1)
    north = join()
    north.pull()
    sending = link(north, liar.address)
    admit(north.gate, house.ref(event), range(3))
    sending.push()
    (old,) = sending.relayed
    admit(north.gate, house.ref(event), range(3, 7))
    liar.about("/logs", changed(lambda body: frames([old, unframed(body, 2)[1]])))
    sending.push()
    assert sending.waiting() == 4, "an old receipt confirms nothing that is new"
    liar.honest()
    assert sending.push().records == 0, "not at once: the cloud may have a reason"
    sending.now += AGAIN + 1
    assert sending.push().records == 4
    assert sending.waiting() == 0


def test_nobody_is_left_out_for_good_because_an_answer_says_so(
    house: House, join: MakeGate, link: Link, liar: Liar
) -> None:
    """`listed` is not signed: whoever is said not to be listed is offered again later."""
    event = house.event(1)
    north, south = join("North"), join("South")
    for each in (north, south):
        each.pull()
        admit(each.gate, house.ref(event), range(5))
    heard_of(north, south)
    sending = link(north, liar.address)
    sending.push()

    def unlisted(said: Said) -> Said:
        _, told = unframed(said.body, 2)
        taken = msgspec.json.decode(told, type=FileTaken)
        devices = tuple(msgspec.structs.replace(each, listed=False) for each in taken.devices)
        empty = msgspec.json.encode(msgspec.structs.replace(taken, devices=devices))
        said.body = frames([sending.relayed[0], empty])
        return said

    sending.ask()
    sending.now += 60
    sending.ask()
    liar.about("/logs", unlisted)
    assert sending.push().records == 6
    liar.honest()
    admit(south.gate, house.ref(event), range(5, 8))
    heard_of(north, south)
    sending.now += AGAIN + 1
    sending.ask()
    sending.now += 60
    sending.ask()
    assert sending.push().records == 3
    assert len(cloud_records(south)) == 9


def test_a_question_for_more_ends(house: House, join: MakeGate, link: Link, liar: Liar) -> None:
    """Always more, always further on, and never anything in it."""
    event = house.event(1)
    north = join()
    north.pull()
    asking = link(north, liar.address)
    turn = iter(range(1, 1 << 20))

    def more(said: Said) -> Said:
        place = f"{north.me.device.hex()}.1.{next(turn)}.{'00' * 16}"
        said.headers |= {"usher-more": "1", "usher-next": place}
        return said

    liar.about("/gossip", more)
    with pytest.raises(Garbled):
        asking.ask()
    assert len([each for each in liar.asked if "/gossip" in each]) == 1
    liar.honest()
    assert asking.ask().new == 0
    assert house.ref(event)
