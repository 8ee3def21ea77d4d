"""What a batch asks in one round trip is still asked of everybody, and each time anew."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from cloud.checkins.model import Redeemed
from cloud.errors import Refusal
from cloud.http.access import Principal
from cloud.tickets.lifecycle import Move
from cloud.tickets.moves import name_move
from shared.log.record import Kind
from tests import festival
from tests.cloud.checkins.scene import (
    API_KEY,
    FAN,
    SCANNER,
    STAFF,
    Cloud,
    Scene,
    account,
    refused,
    set_scene,
)
from tests.cloud.database import Database

SIGNED_OUT = account(SCANNER)._replace(epoch=7)


@pytest.fixture
def scene(database: Database) -> Scene:
    return set_scene(database)


def run(scene: Scene, act: Callable[[Cloud], Awaitable[None]]) -> None:
    """Let one process of the cloud act."""

    async def go() -> None:
        async with scene.cloud() as cloud:
            await act(cloud)

    asyncio.run(go())


@pytest.mark.parametrize("beside", [account(STAFF), API_KEY], ids=["accounts alone", "with a key"])
def test_a_stranger_in_a_batch_is_refused_and_nobody_else(scene: Scene, beside: Principal) -> None:
    """Who has no role, who is signed out: their tickets stay, the others' are used."""
    callers = [account(FAN), account(SCANNER), SIGNED_OUT, beside]
    tickets = scene.tickets(len(callers))

    async def act(cloud: Cloud) -> None:
        asked = (cloud.redeem(t, who=who) for t, who in zip(tickets, callers, strict=True))
        first, second, third, fourth = await asyncio.gather(*asked, return_exceptions=True)
        assert isinstance(first, Refusal)
        assert isinstance(third, Refusal)
        assert (refused(first), refused(third)) == ("not_found", "credentials_invalid")
        assert isinstance(second, Redeemed)
        assert isinstance(fourth, Redeemed)
        assert (second.code, fourth.code) == ("admitted", "admitted")

    run(scene, act)
    assert scene.states(tickets) == ["active", "used", "active", "used"]
    actor = "key:door" if beside is API_KEY else beside.actor
    assert scene.moves(tickets[1])[-1] == ("use", f"account:{SCANNER}")
    assert scene.moves(tickets[3])[-1] == ("use", actor)


def test_a_role_that_is_taken_away_is_gone_at_the_next_scan(scene: Scene) -> None:
    """Nothing of a caller is kept between two batches."""
    first, second = scene.tickets(2)

    async def act(cloud: Cloud) -> None:
        assert (await cloud.redeem(first, who=account(SCANNER))).code == "admitted"
        scene.run(f"UPDATE member SET role = 'artist' WHERE account_id = '{SCANNER}'")
        with pytest.raises(Refusal) as error:
            await cloud.redeem(second, who=account(SCANNER))
        assert refused(error.value) == "scope_missing"

    run(scene, act)
    assert scene.states([first, second]) == ["used", "active"]


REVOKE = "UPDATE ticket SET state = 'revoked' WHERE event_id = $1 AND ticket_id = $2"
LOCK = "SELECT FROM ticket WHERE event_id = $1 AND ticket_id = $2 FOR NO KEY UPDATE"
STORES = """
    SELECT count(*) AS waiting FROM pg_stat_activity
     WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%append_scans%'
"""


async def wait_to_store(scene: Scene, many: int) -> None:
    """Return once scans have read and decided, and wait for a ticket's lock to store that."""
    for _ in range(1000):
        if scene.rows(STORES)[0]["waiting"] >= many:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("no scan waits")


def test_a_ticket_that_changes_before_its_scan_is_stored_is_decided_anew(scene: Scene) -> None:
    """It was read as it is before it is revoked, and that is committed meanwhile."""
    warm, ticket = scene.tickets(2)

    async def act(cloud: Cloud) -> None:
        await cloud.redeem(warm)  # opens the log, and makes the event's rules
        async with cloud.tx() as tx:
            await name_move(tx, Move.REVOKE)
            await tx.conn.execute(REVOKE, scene.event, ticket)
            scan = asyncio.create_task(cloud.redeem(ticket))
            await wait_to_store(scene, 1)
        assert (await scan).code == "revoked"

    run(scene, act)
    assert scene.state(ticket) == "revoked"
    assert len(scene.raws(Kind.IN)) == 1


def test_of_two_that_read_the_same_records_one_is_decided_anew(scene: Scene) -> None:
    """Two processes have read that one entry of four is left, and nothing of the ticket's row
    changes when one of them admits."""
    ticket = scene.ticket(festival.FOUR)

    async def go() -> None:
        async with scene.cloud() as one, scene.cloud() as two:
            for cloud in (one, two, one):
                assert (await cloud.redeem(ticket, ticket_class=festival.FOUR)).code == "admitted"
            async with one.tx() as tx:
                await tx.conn.execute(LOCK, scene.event, ticket)
                scans = [asyncio.create_task(each.redeem(ticket, ticket_class=festival.FOUR))
                         for each in (one, two)]  # fmt: skip
                await wait_to_store(scene, 2)
            codes = {answer.code for answer in await asyncio.gather(*scans)}
            assert len(codes) == 2
            assert "admitted" in codes

    asyncio.run(go())
    assert len(scene.raws(Kind.IN)) == 4


def test_what_was_changed_decides_the_next_scan(scene: Scene) -> None:
    """A gate's name, and an event that is taken back: the kept rules are made anew."""
    first, second = scene.tickets(2)

    async def act(cloud: Cloud) -> None:
        await cloud.redeem(first)
        scene.run(f"UPDATE gate SET name = 'Other' WHERE gate_id = {festival.NORTH}")
        again = await cloud.redeem(first)
        assert again.prior is not None
        assert (again.code, again.prior.gate_name) == ("already_admitted", "Other")
        scene.run(f"UPDATE event SET state = 'draft' WHERE event_id = '{scene.event}'")
        with pytest.raises(Refusal) as error:
            await cloud.redeem(second)
        assert refused(error.value) == "not_found"

    run(scene, act)
    assert scene.state(second) == "active"
