"""A gate's list over the real cloud: preloaded, and followed."""

from tests.cloud.service import good
from tests.together.conftest import MakeGate
from tests.together.organizer import House


def test_a_cold_preload_brings_every_ticket_and_name(house: House, join: MakeGate) -> None:
    """What the gate holds is what the tickets' rows say, also after a restart."""
    event = house.event()
    sold = house.sell(event, 40)
    house.name(sold[0], "Zoë Ávila")
    house.service.work()
    gate = join()
    gate.pull()
    gate.check(event)
    gate.reopen()
    gate.check(event)


def test_a_delta_brings_what_changed_and_keeps_the_rest(house: House, join: MakeGate) -> None:
    """Sold, named, revoked: on the disk as well, and nothing stays that no head names."""
    event = house.event()
    sold = house.sell(event, 30)
    house.service.work()
    gate = join()
    gate.pull()
    held = gate.book(event)
    house.name(sold[1], "Ada")
    house.revoke(sold[2])
    house.sell(event, 2)
    house.service.work()
    gate.pull()
    gate.check(event)
    assert gate.book(event).manifest.head.version > held.manifest.head.version
    documents = gate.gate.stores.documents
    assert documents.sweep(gate.gate.held.trust.chunks()) == 0
    gate.reopen()
    gate.check(event)


def test_several_events_of_one_venue(house: House, join: MakeGate) -> None:
    """Each has its list."""
    events = [house.event(5), house.event(3)]
    gate = join()
    gate.pull()
    for each in events:
        gate.check(each)
    house.revoke(house.sell(events[1])[0])
    good(house.owner.get(events[0].path))
    house.service.work()
    gate.pull()
    for each in events:
        gate.check(each)


def test_a_gate_follows_the_root_over_changes_that_it_missed(house: House, join: MakeGate) -> None:
    """The newest keyset of each root announces the next one."""
    event = house.event(3)
    gate = join()
    gate.pull()
    before = gate.gate.held.trust.keys.root
    clock = house.service.clock
    try:
        for _ in range(2):
            good(house.owner.post(f"{house.tenant.path}/root/successor"), 201)
            clock.move(8 * 86_400)
            house.owner.headers.update(house.service.person(house.owner.email).headers)
        house.service.work()
        gate.gate.clock.learn(int(clock().timestamp() * 1000))
        gate.pull()
    finally:
        clock.move(-16 * 86_400)
    assert gate.gate.held.trust.keys.root == house.root != before
    gate.check(event)
