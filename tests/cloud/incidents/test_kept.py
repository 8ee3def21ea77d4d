"""A worker goes on from the view that it made, and sees what one sees that reads all anew."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from cloud.checkins.view import Merged, view_of
from cloud.db.connect import open_pool
from cloud.db.tenancy import WORKER, TenantTx, tenant_tx
from cloud.incidents.kept import Kept
from cloud.incidents.merging import merge
from shared import keys
from shared.log.record import Kind
from tests.cloud.service import Service, good
from tests.cloud.sync.appliance import Appliance, Venue, about, file_of, sections_of
from tests.scribe import EVENT

BADGE = keys.secret_key(b"b" * 32)


@pytest.fixture
def venue(service: Service) -> Venue:
    """A venue of a test's own."""
    return Venue(service)


@pytest.fixture
def gate(venue: Venue) -> Appliance:
    """A gate that has let somebody in, and sent it."""
    gate = venue.gate("North")
    gate.boot()
    gate.scan(venue.scene.ticket())
    gate.send(file_of(gate))
    return gate


def within(venue: Venue, act: Callable[[TenantTx], Awaitable[None]]) -> None:
    """Act in a transaction of the venue's tenant."""

    async def go() -> None:
        pool = await open_pool(venue.service.database.app_url, size=1)
        try:
            now = venue.service.clock()
            async with tenant_tx(pool, venue.scene.tenant, WORKER, now) as tx:
                await act(tx)
        finally:
            await pool.close()

    asyncio.run(go())


def merged(venue: Venue, kept: Kept, *, due: bool = True) -> Merged:
    """Merge what came in; return what is kept then. It is the view of whoever reads all."""
    found: list[Merged] = []

    async def act(tx: TenantTx) -> None:
        assert (await merge(tx, EVENT, kept) is not None) == due
        known = kept.take((tx.tenant, EVENT))
        assert known is not None
        kept.keep((tx.tenant, EVENT), known)
        assert known.whole.view.summary() == (await view_of(tx, EVENT)).summary()
        found.append(known.whole)

    within(venue, act)
    return found[0]


def test_what_comes_in_is_added_to_what_is_kept(venue: Venue, gate: Appliance) -> None:
    """More records, of a gate's next log and of another gate, too; each is read once."""
    kept = Kept()
    first = merged(venue, kept)
    gate.scan(venue.scene.ticket())
    other = venue.gate("South")
    other.boot()
    other.scan(venue.scene.ticket())
    gate.send(file_of(gate, other))
    assert merged(venue, kept) is first
    gate.boot()
    gate.scan(venue.scene.ticket())
    gate.send(file_of(gate))
    assert merged(venue, kept) is first
    assert sorted(first.raws) == sorted([*gate.log, *other.log])


def test_a_second_history_at_a_place_that_was_read_is_found(venue: Venue, gate: Appliance) -> None:
    """It ends where the first one does, or before."""
    kept, twin = Kept(), gate.twin()
    gate.scan(venue.scene.ticket())
    gate.scan(venue.scene.ticket())
    gate.send(file_of(gate))
    first = merged(venue, kept)
    twin.scan(venue.scene.ticket())
    gate.send(file_of(sections_of(twin)))
    assert merged(venue, kept) is first
    assert len(first.view.findings()) == 1


def test_what_is_said_of_devices_and_tickets_is_learnt(venue: Venue, gate: Appliance) -> None:
    """A ticket that was withdrawn, and a device whose word was, in part and then less so."""
    kept, ticket = Kept(), venue.scene.ticket()
    gate.scan(ticket)
    gate.send(file_of(gate))
    first = merged(venue, kept)
    venue.scene.run(
        f"""
        SELECT set_config('app.tenant', '{venue.scene.tenant}', false),
               set_config('app.actor', 'test', false), set_config('app.move', 'revoke', false);
        UPDATE ticket SET state = 'revoked' WHERE ticket_id = '{ticket}';
        """
    )
    assert merged(venue, kept) is first
    assert len(first.view.findings()) == 1
    path = f"{venue.path}/devices/{gate.device.hex()}/revoke"
    for seq, aside in ((1, 2), (2, 1)):
        good(venue.owner.post(path, json={"incarnation": 1, "seq": seq}))
        assert merged(venue, kept) is first
        assert len(first.view.quarantined()) == aside


def test_a_proof_of_a_record_that_was_read_has_all_read_anew(venue: Venue, gate: Appliance) -> None:
    """By this worker, and by each other one that has merged the event before; once."""
    venue.badge(BADGE)
    mine, others = Kept(), Kept()
    first = merged(venue, mine)
    gate.put(about(venue.scene.ticket(), Kind.OVERRIDE, reason=1), badge=BADGE)
    gate.send(file_of(gate))
    second = merged(venue, others)
    assert len(second.view.findings()) == 1
    gate.send(file_of(blobs=gate.blobs))
    again = merged(venue, others)
    assert again is not second
    assert again.view.findings() == []
    gate.scan(venue.scene.ticket())
    gate.send(file_of(gate))
    assert merged(venue, mine) is not first
    gate.scan(venue.scene.ticket())
    gate.send(file_of(gate))
    assert merged(venue, others) is again


def test_a_proof_that_comes_with_its_record_is_no_reason_to(venue: Venue, gate: Appliance) -> None:
    """Whoever reads the one reads the other."""
    venue.badge(BADGE)
    kept = Kept()
    first = merged(venue, kept)
    gate.put(about(venue.scene.ticket(), Kind.OVERRIDE, reason=1), badge=BADGE)
    gate.send(file_of(gate, blobs=gate.blobs))
    assert merged(venue, kept) is first
    assert first.view.findings() == []


def test_a_database_that_has_less_than_is_kept_is_read_anew(venue: Venue, gate: Appliance) -> None:
    """As one has that was brought back from an older copy."""
    kept = Kept()
    first = merged(venue, kept)
    venue.scene.run(
        f"""
        ALTER TABLE record DISABLE TRIGGER only_grows;
        DELETE FROM record WHERE device_id = '\\x{gate.device.hex()}' AND seq = 2;
        ALTER TABLE record ENABLE TRIGGER only_grows;
        UPDATE log_head SET seq = 1 WHERE device_id = '\\x{gate.device.hex()}';
        INSERT INTO merge_due (tenant_id, event_ref, anew)
        VALUES ('{venue.scene.tenant}', '\\x{EVENT.hex()}', false);
        """
    )
    assert merged(venue, kept) is not first


def test_so_many_records_are_kept_and_no_more(venue: Venue, gate: Appliance) -> None:
    """What was not used for longest is let go of; an event that is too large is not kept."""
    (tenant, whole), few = (venue.scene.tenant, merged(venue, Kept())), Kept(most=4)
    known = []

    async def act(tx: TenantTx) -> None:
        full = Kept()
        await tx.conn.execute("INSERT INTO merge_due (event_ref) VALUES ($1)", EVENT)
        assert await merge(tx, EVENT, full) is not None
        known.append(full.take((tenant, EVENT)))

    within(venue, act)
    assert known[0] is not None
    assert len(whole.raws) == len(gate.log) == 2
    for name in (b"one", b"two", b"three"):
        few.keep((tenant, name), known[0])
    assert [few.take((tenant, name)) for name in (b"one", b"two")] == [None, known[0]]
    tiny = Kept(most=1)
    tiny.keep((tenant, b"one"), known[0])
    assert tiny.take((tenant, b"one")) is None
