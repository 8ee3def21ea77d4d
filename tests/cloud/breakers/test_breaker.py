"""Breakers of several processes on a real Valkey, and of one without it."""

import asyncio
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from redis.asyncio import ConnectionPool

from cloud.breakers.breaker import Breaker, Breakers, Resting
from cloud.breakers.model import Outcome, Rule
from cloud.embedded.ports import free_port
from cloud.http.line import Line
from tests.cloud.broker.proxy import wire

RULE = Rule(window=600_000, least=4, percent=50, rest=400, probe=600_000)
PATIENT = 60.0  # seconds; a loaded machine


@asynccontextmanager
async def breakers(url: str, count: int = 1) -> AsyncIterator[list[Breakers]]:
    """As many processes have them: each with a line of its own."""
    pool = ConnectionPool.from_url(url)
    lines = [Line(pool) for _ in range(count)]
    try:
        yield [Breakers(line) for line in lines]
    finally:
        for each in lines:
            await each.close()
        await pool.aclose()


async def call(breaker: Breaker, outcome: Outcome = Outcome.GOOD) -> bool:
    """Make a call; return whether it went."""
    try:
        async with breaker.guarding() as made:
            await asyncio.sleep(0)
            made.outcome = outcome
    except Resting:
        return False
    return True


async def fail(breaker: Breaker, times: int = 4) -> None:
    for _ in range(times):
        assert await call(breaker, Outcome.BAD)


async def until(works: Callable[[], Awaitable[Any]]) -> Any:
    async with asyncio.timeout(PATIENT):
        while not (done := await works()):  # noqa: ASYNC110 - another process tells
            await asyncio.sleep(0.02)
    return done


def test_what_one_process_hears_all_go_by(redis_url: str) -> None:
    """Two calls that fail in each of two processes stop a third; one probe frees them all."""
    name = f"kind:{secrets.token_hex(8)}"

    async def go() -> None:
        async with breakers(redis_url, 3) as several:
            one, two, three = (each.of(name, RULE) for each in several)
            await fail(one, 2)
            await fail(two, 2)
            assert not await call(three)
            assert (await several[2].open())["kind"] == 1

            async def probes() -> list[bool]:
                went = await asyncio.gather(*(held(each) for each in (one, two, three) * 10))
                return went if any(went) else []

            async def held(breaker: Breaker) -> bool:
                try:
                    async with breaker.guarding():
                        await asyncio.sleep(1)  # the others ask meanwhile
                except Resting:
                    return False
                return True

            assert sum(await until(probes)) == 1
            assert [await call(each) for each in (one, two, three)] == [True] * 3
            assert "kind" not in await several[0].open()

    asyncio.run(go())


def test_without_redis_each_process_goes_by_itself() -> None:
    """One opens by its own calls, the other knows nothing of that, and nobody waits for Redis."""

    async def go() -> None:
        async with breakers(f"redis://127.0.0.1:{free_port()}", 2) as (ours, theirs):
            one, two = ours.of("kind:x", RULE), theirs.of("kind:x", RULE)
            await fail(one)
            assert not await call(one)
            assert (await ours.open())["kind"] == 1
            assert await call(two)
            assert "kind" not in await theirs.open()
            await until(lambda: call(one))
            assert "kind" not in await ours.open()

    asyncio.run(go())


def test_redis_that_goes_silent_takes_nothing_along(redis_url: str) -> None:
    """What a process heard while Redis was there, it goes by when Redis says nothing any more."""
    host, _, database = redis_url.rpartition("/")
    prefix, _, port = host.rpartition(":")

    async def go() -> float:
        async with (
            wire(int(port)) as through,
            breakers(f"{prefix}:{through.port}/{database}") as (ours,),
        ):
            breaker = ours.of(f"kind:{secrets.token_hex(8)}", RULE._replace(rest=600_000))
            await fail(breaker)
            through.silent = True
            began = time.monotonic()
            assert [await call(breaker) for _ in range(50)] == [False] * 50
            return time.monotonic() - began

    assert asyncio.run(go()) < PATIENT / 2  # one waits, and not each of fifty


DIES = """
import asyncio, os, sys
from redis.asyncio import ConnectionPool
from cloud.breakers.breaker import Breakers
from cloud.breakers.model import Rule
from cloud.http.line import Line

async def go():
    url, name, *rule = sys.argv[1:]
    breaker = Breakers(Line(ConnectionPool.from_url(url))).of(name, Rule(*map(int, rule)))
    async with breaker.guarding():
        print("under way", flush=True)
        await asyncio.sleep(600)

asyncio.run(go())
"""


def test_a_probe_whose_process_is_killed_is_given_up(redis_url: str) -> None:
    name, rule = f"kind:{secrets.token_hex(8)}", RULE._replace(rest=1, probe=3000)

    async def go() -> None:
        async with breakers(redis_url) as (ours,):
            breaker = ours.of(name, rule)
            await fail(breaker)
            await asyncio.sleep(0.01)
            said = [sys.executable, "-c", DIES, redis_url, name, *map(str, rule)]
            process = await asyncio.create_subprocess_exec(*said, stdout=subprocess.PIPE)
            assert process.stdout is not None
            assert await process.stdout.readline() == b"under way\n"
            os.kill(process.pid, signal.SIGKILL)
            await process.wait()
            await until(lambda: call(breaker))
            assert await call(breaker)

    asyncio.run(go())


def test_an_exception_counts_and_a_cancelled_call_does_not() -> None:
    async def go() -> None:
        alone = Breakers(None)
        breaker = alone.of("kind", RULE)

        async def breaks() -> None:
            async with breaker.guarding():
                raise LookupError

        async def hangs() -> None:
            async with breaker.guarding():
                await asyncio.sleep(600)

        for _ in range(8):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(hangs(), 0.001)
        assert "kind" not in await alone.open()
        for _ in range(4):
            with pytest.raises(LookupError):
                await breaks()
        with pytest.raises(Resting):
            await breaks()

    asyncio.run(go())
