"""A served box office whose tickets are minted when a test says so."""

import asyncio
from typing import Any

from cloud.ledger.values import Commitment, Schema
from cloud.ledger.work import house as houses
from cloud.ledger.work.event_rows import Place
from cloud.ledger.work.naming import told_as
from cloud.ledger.work.writer import Writer
from cloud.parts import Parts
from tests.cloud.service import Event, Service

ROUNDS = 40


def mint(service: Service, event: Event, schema: Schema = Schema.V2) -> None:
    """Do what a worker would: hear, and write until nothing is due."""
    service.work()

    async def write() -> None:
        parts = Parts(service.settings)
        url = service.settings.database_url
        async with (
            parts.open(),
            houses.embedded(
                parts.pool, service.clock, parts.sealer, "https://tickets.example", schema=schema
            ) as house,
        ):
            await house.begin()
            assert await house.chain.account(house.keys.parties.payer, Commitment.CONFIRMED)
            writer = Writer(parts.pool, url, house, service.clock)
            place = Place(event.tenant.tenant_id, event.event_id)
            for _ in range(ROUNDS):
                if place not in await writer.due():
                    return
                await writer.work(place)
            raise AssertionError("it never comes to rest")

    asyncio.run(write())


def page_of(service: Service, ticket_id: str) -> str:
    """Return where a ticket's page is."""
    sql = "SELECT ref FROM asset WHERE ticket_id = $1"
    return f"/a/{told_as(service.database.rows(sql, ticket_id)[0]['ref'])}"


def asset_rows(service: Service, event: Event) -> list[Any]:
    """Return the rows of an event's assets."""
    return service.database.rows("SELECT * FROM asset WHERE event_id = $1", event.event_id)
