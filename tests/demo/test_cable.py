"""A cable carries bytes both ways, and nothing once it is cut: over real sockets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from demo.cable import HOST, Cable
from demo.service import free_port

SOON = 5.0


@asynccontextmanager
async def cable_to_an_echo() -> AsyncIterator[Cable]:
    """Give a cable to something that says everything again, and ends when it is told all."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1000):
            writer.write(data)
        writer.close()

    server = await asyncio.start_server(echo, HOST, 0)
    cable = Cable("test", server.sockets[0].getsockname()[1])
    await cable.lay()
    try:
        async with asyncio.timeout(SOON):
            yield cable
    finally:
        await cable.take_up()
        server.close()


async def told(cable: Cable, data: bytes) -> bytes:
    """Say something through a cable, to the end; return what comes back until the end."""
    reader, writer = await asyncio.open_connection(HOST, cable.port)
    writer.write(data)
    writer.write_eof()
    try:
        return await reader.read()
    finally:
        writer.close()


def test_it_carries_both_ways_and_passes_the_end_on() -> None:
    """Everything comes through, in order, and so does the end of a half."""

    async def carried() -> tuple[bytes, int]:
        async with cable_to_an_echo() as cable:
            return await told(cable, bytes(range(256)) * 4000), cable.carried

    data, count = asyncio.run(carried())
    assert data == bytes(range(256)) * 4000
    assert count == 2 * len(data)


def test_a_cut_ends_what_is_on_it() -> None:
    """Whoever was connected hears nothing more, whoever dials is hung up on."""

    async def cut() -> None:
        async with cable_to_an_echo() as cable:
            reader, writer = await asyncio.open_connection(HOST, cable.port)
            writer.write(b"before")
            assert await reader.readexactly(6) == b"before"
            cable.cut()
            assert await heard(reader, writer) == b""
            assert await dialled(cable) == b""

    asyncio.run(cut())


async def heard(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """Say something where nothing may come back; return what does."""
    try:
        writer.write(b"after")
        await writer.drain()
        return await reader.read(1)
    except ConnectionError:
        return b""


async def dialled(cable: Cable) -> bytes:
    """Dial a cable that is cut; return what comes."""
    try:
        return await told(cable, b"anybody?")
    except ConnectionError:
        return b""


def test_a_healed_cable_carries_again() -> None:
    """What dials anew gets through."""

    async def healed() -> bytes:
        async with cable_to_an_echo() as cable:
            cable.cut()
            assert await dialled(cable) == b""
            cable.heal()
            return await told(cable, b"here again")

    assert asyncio.run(healed()) == b"here again"


def test_a_cable_that_leads_nowhere_hangs_up() -> None:
    """Nobody listens at the far end: the near one is told by the end, and the cable lives on."""

    async def nowhere() -> bytes:
        cable = Cable("nowhere", free_port())
        await cable.lay()
        try:
            async with asyncio.timeout(SOON):
                return await dialled(cable) + await dialled(cable)
        finally:
            await cable.take_up()

    assert asyncio.run(nowhere()) == b""
