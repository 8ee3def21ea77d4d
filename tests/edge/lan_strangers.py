"""Somebody at the other end of a gate's TLS who is no gate: says what a test has them say.

async with called_by(mallory, member) as line:         # dials the gate
    await hello(line)
    ...
async with calling(mallory, member) as lines:          # is dialled by the gate
    line = await lines.get()
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from edge.lan.line import Hangup, Line, answer, dial
from edge.lan.tls import contexts
from edge.store.identity import Identity
from shared.lan import Hello, Message, News, Reason, Type, decode_reason, encode_hello
from tests.edge.lans import Member


@asynccontextmanager
async def called_by(
    who: Identity, member: Member, context: ssl.SSLContext | None = None
) -> AsyncIterator[Line]:
    """Dial a gate as `who`; nothing is said yet."""
    line = await dial("127.0.0.1", member.lan.port, context or contexts(who)[1], 5)
    try:
        yield line
    finally:
        line.close(Reason.LEAVING)
        await line.closed()


@asynccontextmanager
async def calling(
    who: Identity, member: Member, context: ssl.SSLContext | None = None
) -> AsyncIterator["asyncio.Queue[Line]"]:
    """Have a gate dial `who`; give the connections as they come."""
    lines: asyncio.Queue[Line] = asyncio.Queue()
    server = socket.create_server(("127.0.0.1", 0))
    server.setblocking(False)

    async def accept() -> None:
        while True:
            caller, _ = await asyncio.get_running_loop().sock_accept(server)
            with suppress(OSError):
                lines.put_nowait(await answer(caller, context or contexts(who)[0]))

    task = asyncio.create_task(accept())
    member.lan.aim("127.0.0.1", server.getsockname()[1])
    try:
        yield lines
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        server.close()
        while not lines.empty():
            lines.get_nowait().close(Reason.LEAVING)


def hello(
    line: Line, roster: int = 1, incarnation: int = 1, number: int = 1, session: str = "5e" * 8
) -> None:
    """Introduce oneself."""
    news = News(roster, 1, ())
    line.send(Type.HELLO, encode_hello(Hello(1, incarnation, number, session, news)))


async def until_type(line: Line, kind: int) -> Message:
    """Return the next message of a type; all others are passed over."""
    while True:
        message = await line.receive(10)
        if message.type == kind:
            return message


async def parted(line: Line) -> Reason | None:
    """Return the reason with which the gate hangs up, None where it gave none."""
    while True:
        header = await line._reader.readexactly(5) if not line._reader.at_eof() else b""
        if len(header) < 5:
            return None
        body = await line._reader.readexactly(int.from_bytes(header[:4], "big"))
        if header[4] == Type.BYE:
            return decode_reason(body)


async def farewell(line: Line, within: float = 15) -> Reason | None:
    """Return the reason with which the gate hangs up in time."""
    try:
        async with asyncio.timeout(within):
            return await parted(line)
    except (asyncio.IncompleteReadError, OSError, Hangup) as error:
        if isinstance(error, TimeoutError):
            raise
        return None
