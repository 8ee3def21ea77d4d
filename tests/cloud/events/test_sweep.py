"""Events that are over: ended at once, their tickets expired a week later, batch by batch."""

from datetime import timedelta
from uuid import UUID

from cloud.events.jobs import EXPIRY_GRACE, sweep_ended, tenants
from cloud.tickets.lifecycle import Move
from cloud.tickets.moves import move_all
from cloud.tickets.signing import sign
from tests.cloud.database import awaited
from tests.cloud.events.house import TENANT, House
from tests.cloud.events.house import house as house


async def sell(house: House, event_id: UUID) -> None:
    """Sell and sign all tickets of an event."""
    async with house.tx() as tx:
        rows = await tx.conn.fetch("SELECT ticket_id FROM ticket WHERE event_id = $1", event_id)
        ids = [row["ticket_id"] for row in rows]
        await move_all(tx, event_id, ids, Move.PAY)
        await sign(tx, await house.issuers.of(tx, event_id), event_id, ids)
        await move_all(tx, event_id, ids, Move.ACTIVATE)
        await move_all(tx, event_id, ids[:1], Move.USE)


async def sweep(house: House) -> list[int]:
    """Sweep until there is nothing to do; return what each transaction did."""
    done: list[int] = []
    while not done or done[-1]:
        async with house.tx() as tx:
            done.append(await sweep_ended(tx, batch=2))
    return done


async def due(house: House) -> bool:
    """Whether the worker is told of the tenant."""
    async with house.tx() as tx:
        return TENANT in await tenants(tx.conn, house.now)


def states(house: House, event_id: str) -> set[tuple[str, int]]:
    """Return how many tickets of an event are in which state."""
    sql = "SELECT state, count(*) AS n FROM ticket WHERE event_id = $1 GROUP BY state"
    return {(row["state"], row["n"]) for row in house.database.rows(sql, event_id)}


def test_tickets_expire_a_week_after_the_end(house: House) -> None:
    """An event ends when it is over; its tickets expire a week later, in batches, once."""
    event = house.published()
    event_id = event["event_id"]
    awaited(sell(house, UUID(event_id)))
    assert not awaited(due(house))
    house.now += timedelta(days=10, hours=6, seconds=1)
    assert awaited(due(house))
    assert awaited(sweep(house)) == [1, 0]
    assert house.read(event_id)["state"] == "ended"
    assert states(house, event_id) == {("active", 2), ("used", 1)}
    assert not awaited(due(house))
    house.now += EXPIRY_GRACE
    assert awaited(due(house))
    assert awaited(sweep(house)) == [2, 1, 0]
    assert states(house, event_id) == {("expired", 3)}
    assert not awaited(due(house))
    assert house.messages(event_id) == ["event.published", "event.ended"]
