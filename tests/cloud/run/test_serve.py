"""`usher-cloud serve` itself: how it starts, ends, and what becomes of it when parts are killed."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import asyncpg
import httpx
import pytest

from cloud.commands.supervisor import ANSWERS_WITHIN
from tests.cloud.run.served import Served, alive, children, descendants, served, until

LOCKED: Final = "LOCK TABLE tenant IN ACCESS EXCLUSIVE MODE"
NOT_THERE: Final = "/v1/tenants/00000000-0000-4000-8000-000000000000/events"


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service that tests end and start again."""
    with served(tmp_path_factory.mktemp("one"), USHER_WORKERS="2") as service:
        yield service


@pytest.fixture
def running(one: Served) -> Iterator[Served]:
    """The same, running. What it has said is shown with a test that fails."""
    assert one.process is not None
    if one.process.poll() is not None:
        one.start()
    yield one
    print(one.said()[-8000:])  # noqa: T201


def command(service: Served, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run another command of ours on the same folder."""
    return subprocess.run(
        [sys.executable, "-m", "cloud", *arguments],
        env=service.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def ready(service: Served) -> bool:
    """Whether every part answers."""
    try:
        return httpx.get(f"{service.address}/readyz", trust_env=False, timeout=30).is_success
    except httpx.TransportError:
        return False


def test_without_settings_everything_is_there(running: Served) -> None:
    """It says where it is, all its parts answer, and a worker and a provider run beside it."""
    assert ready(running)
    with running.client() as http:
        assert http.get("/v1/openapi.json").json()["openapi"].startswith("3.1")
    assert len(running.workers()) == 2
    assert running.one("cloud work")
    assert running.one("cloud.payments.fake")
    with running.fake() as fake:
        assert fake.get("/_test/sums").json() == {"sums": []}


def test_a_second_one_on_the_same_folder_is_told_so(running: Served) -> None:
    """It ends at once, with a sentence that says where the first one is and what to do."""
    second = command(running, "serve")
    assert second.returncode == 2
    assert f"serves at {running.address}" in second.stderr
    assert "USHER_DATA=" in second.stderr
    assert ready(running)


def test_commands_beside_it_use_its_servers(running: Served) -> None:
    """`admin grant` changes what the running service knows."""
    (account, token), = running.tokens(1).items()  # fmt: skip
    granted = command(running, "admin", "grant", f"{account}@example.org")
    assert granted.returncode == 0, granted.stderr
    with running.client(token) as http:
        assert http.get("/v1/accounts/me").json()["admin"] is True
    nobody = command(running, "admin", "grant", "nobody@example.org")
    assert nobody.returncode != 0
    assert "sign up first" in nobody.stderr


def test_a_killed_process_of_the_api_is_replaced(running: Served) -> None:
    """The others answer meanwhile, and there are as many again."""
    before = running.workers()
    os.kill(before[0], signal.SIGKILL)
    until(lambda: len(set(running.workers()) - set(before)) == 1)
    assert before[1] in running.workers()
    until(lambda: ready(running))


def test_one_that_ends_while_it_is_asked_is_replaced_at_once(running: Served) -> None:
    """Nobody waits for the answer of a process that is gone: much else waits with him."""
    before = running.workers()
    os.kill(before[0], signal.SIGSTOP)
    time.sleep(2)  # it is asked twice a second
    os.kill(before[0], signal.SIGKILL)
    until(lambda: len(set(running.workers()) - set(before)) == 1, ANSWERS_WITHIN / 2)
    until(lambda: ready(running))


def test_killed_neighbours_are_replaced(running: Served) -> None:
    """The worker and the provider are started again, the provider where it was."""
    before = {words: running.one(words) for words in ("cloud work", "cloud.payments.fake")}
    address = running.told["payments_url"]
    for pid in before.values():
        os.kill(pid, signal.SIGKILL)

    def back() -> bool:
        return all(running.one(words) not in (0, pid) for words, pid in before.items())

    until(back)
    until(lambda: _listens(address))


def _listens(address: str) -> bool:
    try:
        return httpx.get(address, trust_env=False, timeout=30).status_code > 0
    except httpx.TransportError:
        return False


def test_a_killed_database_is_started_again(running: Served) -> None:
    """PostgreSQL is back at the address that all know, with what was committed."""
    (account,) = running.tokens(1)
    before = running.postmaster()
    os.kill(before, signal.SIGKILL)
    until(lambda: ready(running) and running.postmaster() != before)
    assert running.one_row("SELECT count(*) AS n FROM account WHERE account_id = $1", account)["n"]
    assert "server_ended" in running.said()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_what_was_begun_is_finished(running: Served, how: int) -> None:
    """Told to stop, it answers the request that it is working on, and then ends all of it."""
    family = descendants(running.pid) | {running.pid}
    answers: list[int] = []

    def ask() -> None:
        with running.client() as http:
            answers.append(http.get(NOT_THERE).status_code)

    asking = threading.Thread(target=ask)

    async def hold() -> None:
        conn = await asyncpg.connect(running.root_url)
        async with conn.transaction():
            await conn.execute(LOCKED)
            asking.start()
            await _waited_for(conn)
            assert running.process is not None
            running.process.send_signal(how)
            await asyncio.sleep(1.5)
            assert answers == []
        await conn.close()

    asyncio.run(hold())
    asking.join()
    assert answers == [404]
    assert running.process is not None
    assert running.process.wait(90) == 0
    until(lambda: not alive(family))
    assert not (running.folder / "running.json").exists()
    assert "Traceback" not in running.said()


def test_a_start_that_fails_does_not_end_the_service(running: Served) -> None:
    """A process of the API that can't start is started again, and no reason to end in disorder."""
    before = running.workers()
    said = running.said().count("start_failed")
    postmaster = running.postmaster()
    os.kill(postmaster, signal.SIGSTOP)  # it takes connections, and never answers
    try:
        os.kill(before[0], signal.SIGKILL)
        until(lambda: running.said().count("start_failed") > said)
        until(lambda: len(running.workers()) == 2)
        assert before[1] in running.workers()
        os.kill(running.pid, signal.SIGTERM)
        until(lambda: not running.workers())
    finally:
        os.kill(postmaster, signal.SIGCONT)
    assert running.process is not None
    assert running.process.wait(90) == 0


async def _waited_for(conn: asyncpg.Connection) -> None:
    while True:
        if await conn.fetchval(WAITING):
            return
        await asyncio.sleep(0.02)


WAITING: Final = "SELECT count(*) FROM pg_locks WHERE NOT granted"


def test_killed_itself_it_leaves_nothing_behind(running: Served) -> None:
    """Without its parent each process ends by itself, and the next start finds all in order."""
    (account,) = running.tokens(1)
    family = descendants(running.pid)
    assert len(family) > 8
    os.kill(running.pid, signal.SIGKILL)
    assert running.process is not None
    running.process.wait()
    until(lambda: not alive(family))
    running.start()
    assert ready(running)
    assert running.one_row("SELECT count(*) AS n FROM account WHERE account_id = $1", account)["n"]


def test_a_taken_address_is_a_sentence(running: Served, tmp_path: Path) -> None:
    """Nothing is started where nobody could reach it."""
    place = running.address.removeprefix("http://")
    environment = running.environment | {"USHER_LISTEN": place, "USHER_DATA": str(tmp_path / "new")}
    done = subprocess.run(
        [sys.executable, "-m", "cloud", "serve"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert f"Nothing can listen at {place}: Address already in use." in done.stderr
    assert not (tmp_path / "new").exists()
    assert children(os.getpid())
