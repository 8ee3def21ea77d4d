"""A process or a connection that dies between writing and answering loses nobody."""

import asyncio
import subprocess
import sys
from uuid import UUID

import pytest

from cloud.errors import Refusal
from shared.log.record import Kind
from tests.cloud.checkins.scene import Cloud, Scene, set_scene
from tests.cloud.checkins.test_redeem import check_logs
from tests.cloud.database import Database


@pytest.fixture
def scene(database: Database) -> Scene:
    return set_scene(database)


def test_a_killed_process_has_admitted_whomever_it_answered(scene: Scene) -> None:
    """kill -9 in the middle of its work: all that it answered is written; the next process goes
    on in a new incarnation that follows the old one; asked again, each ticket is admitted once."""
    tickets = scene.tickets(40)
    command = [sys.executable, "-m", "tests.cloud.checkins.teller", scene.database.superuser,
               scene.database.name, str(scene.tenant), str(scene.event)]  # fmt: skip
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    assert process.stdin
    assert process.stdout
    process.stdin.write("\n".join(map(str, tickets)))
    process.stdin.close()
    answered = [process.stdout.readline().split() for _ in range(10)]
    process.kill()
    answered += [line.split() for line in process.stdout if line.endswith("\n")]
    process.stdout.close()
    process.wait()
    assert {code for _, code in answered} == {"admitted"}
    assert set(scene.states([UUID(ticket) for ticket, _ in answered])) == {"used"}

    async def go() -> None:
        async with scene.cloud() as cloud:
            again = await asyncio.gather(*(cloud.redeem(ticket) for ticket in tickets))
            codes = [answer.code for answer in again]
            known = dict(answered)
            for ticket, code in zip(tickets, codes, strict=True):
                assert code == "already_admitted" or str(ticket) not in known
            assert set(codes) <= {"admitted", "already_admitted"}

    asyncio.run(go())
    assert set(scene.states(tickets)) == {"used"}
    assert len({raw[96:112] for raw in scene.raws(Kind.IN)}) == len(scene.raws(Kind.IN)) == 40
    assert [int.from_bytes(raw[20:24], "big") for raw in scene.raws(Kind.BOOT)] == [1, 2]
    check_logs(scene)


def test_a_connection_that_is_cut_costs_an_answer_and_no_guest(scene: Scene) -> None:
    """The database hangs up again and again, on the slot's connection too: whoever is not
    answered asks again; each ticket has one entry, and no log has two records at one place."""
    tickets = scene.tickets(80)
    cut = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
              WHERE usename = 'usher_app' AND datname = $1"""

    async def until_answered(cloud: Cloud, ticket: UUID) -> str:
        for _ in range(50):
            try:
                return (await cloud.redeem(ticket)).code
            except Refusal as refusal:
                assert refusal.code in ("unavailable", "busy")  # noqa: PT017 - more may come
                await asyncio.sleep(0.05)
        raise AssertionError("never answered")

    async def cutting() -> None:
        for _ in range(4):
            await asyncio.sleep(0.1)
            await asyncio.to_thread(
                scene.database.rows, f"{cut} AND datname = $1", scene.database.name
            )

    async def go() -> None:
        async with scene.cloud() as one, scene.cloud() as two:
            codes = await asyncio.gather(
                *(until_answered(cloud, t) for t in tickets for cloud in (one, two)), cutting()
            )
            assert set(codes) - {None} <= {"admitted", "already_admitted"}
            for ticket in tickets:
                assert (await one.redeem(ticket)).code == "already_admitted"

    asyncio.run(go())
    assert len({raw[96:112] for raw in scene.raws(Kind.IN)}) == len(scene.raws(Kind.IN)) == 80
    check_logs(scene)


def test_a_log_that_another_process_took_over_is_not_gone_on_with(scene: Scene) -> None:
    """Two processes whose locks keep nobody apart hold one slot: each append of the one that
    isn't last is refused by the database, and it goes on in an incarnation after the other's."""
    tickets = scene.tickets(8)

    async def go() -> None:
        elsewhere = scene.database.superuser  # a lock in another database
        async with scene.cloud() as one, scene.cloud(lock_url=elsewhere) as two:
            for ticket in tickets:
                first, second = (one, two) if ticket in tickets[::2] else (two, one)
                assert (await first.redeem(ticket)).code == "admitted"
                assert (await second.redeem(ticket)).code == "already_admitted"
            assert await one.slot() == await two.slot() == 0

    asyncio.run(go())
    assert len(scene.raws(Kind.BOOT)) > 2
    assert len({raw[4:20] for raw in scene.raws()}) == 1
    check_logs(scene)


def test_two_that_boot_one_worker_at_once_both_go_on(scene: Scene) -> None:
    """Neither finds the other's key there yet: one of them begins again."""
    tickets = scene.tickets(2)

    async def go() -> None:
        async with scene.cloud() as one, scene.cloud(lock_url=scene.database.superuser) as two:
            answers = await asyncio.gather(one.redeem(tickets[0]), two.redeem(tickets[1]))
            assert [answer.code for answer in answers] == ["admitted", "admitted"]

    asyncio.run(go())
    check_logs(scene)
