"""A connection to Redis that many use at a time, beside a server that says what a test wants."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from cloud.http import counts
from cloud.http.counts import Wire

Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


@asynccontextmanager
async def wire(handle: Handle) -> AsyncIterator[Wire]:
    """Connect to a server that `handle`s its connection, and says nothing more afterwards."""
    ended = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await handle(reader, writer)
        with suppress(ConnectionError):
            await reader.read()
            writer.close()
            await writer.wait_closed()
        ended.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    _, made = await asyncio.get_running_loop().create_connection(Wire, "127.0.0.1", port)
    try:
        yield made
    finally:
        made.hang_up()
        await ended.wait()
        server.close()


def test_what_is_asked_together_is_sent_together_and_answered_in_order() -> None:
    read: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        read.append(await reader.read(1 << 16))
        writer.write(b":1\r\n:2\r\n:3\r\n")

    async def go() -> list[Any]:
        async with wire(handle) as line:
            return await asyncio.gather(*(line.ask("INCR", name) for name in "abc"))

    assert asyncio.run(go()) == [1, 2, 3]
    assert [each.count(b"INCR") for each in read] == [3]


def test_a_reply_that_does_not_come_ends_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """For all who wait, each of whom would be given another's reply otherwise."""
    monkeypatch.setattr(counts, "WAIT", 0.2)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"a\r\n")
        writer.write(b":1\r\n")

    async def go() -> tuple[Any, list[Any], bool]:
        async with wire(handle) as line:
            first = await line.ask("INCR", "a")
            await asyncio.sleep(0.15)  # the first one's timer is not the second one's
            waited = [line.ask("INCR", "b"), line.ask("INCR", "c")]
            began = asyncio.get_running_loop().time()
            failed = await asyncio.gather(*waited, return_exceptions=True)
            assert asyncio.get_running_loop().time() - began >= 0.19
            return first, failed, line.is_open

    first, failed, is_open = asyncio.run(go())
    assert first == 1
    assert [type(each) for each in failed] == [TimeoutError, TimeoutError]
    assert not is_open
