"""One connection to Redis or Valkey that carries many commands at a time.

Every request counts against its limit and waits for the count, so this stands in the way of all.
redis-py lends a connection for each command and passes through a dozen layers, which was an eighth
of reading a ticket; here a command is written at once and its reply found by its place in line.
"""

import asyncio
from collections import deque
from typing import Any, Final

import hiredis
from redis.asyncio import ConnectionPool, SSLConnection

WAIT: Final = 2.0  # seconds for a connection, and for a reply
Word = str | bytes | int


class Wire(asyncio.Protocol):
    """A connection. Replies come in the order of the commands.

    What is asked in one round of the loop is sent in one piece, and one timer looks after all who
    wait.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._reader = hiredis.Reader()
        self._asked: deque[tuple[float, asyncio.Future[Any]]] = deque()  # due, and the reply
        self._out: asyncio.WriteTransport | None = None
        self._unsent: list[bytes] = []
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_open(self) -> bool:
        """Whether commands can be sent."""
        return self._out is not None and not self._out.is_closing()

    async def ask(self, *words: Word) -> Any:
        """Send a command and return its reply. One that doesn't come ends the connection."""
        if self._out is None:
            raise ConnectionError("not connected")
        answer: asyncio.Future[Any] = self._loop.create_future()
        self._asked.append((self._loop.time() + WAIT, answer))
        if not self._unsent:
            self._loop.call_soon(self._send)
        self._unsent.append(hiredis.pack_command(words))  # type: ignore[arg-type]  # of any length
        if self._timer is None:
            self._timer = self._loop.call_later(WAIT, self._look)
        reply = await answer
        if isinstance(reply, hiredis.ReplyError):
            raise reply
        return reply

    def hang_up(self) -> None:
        """End the connection; whoever waits is told."""
        if self._out is not None:
            self._out.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way out."""
        self._out = transport  # type: ignore[assignment]  # a stream's can be written to

    def data_received(self, data: bytes) -> None:
        """Hand each reply that is whole to whom it is for."""
        try:
            self._reader.feed(data)
            while (reply := self._reader.gets()) is not False:
                _, answer = self._asked.popleft()
                if not answer.done():  # else nobody waits any more
                    answer.set_result(reply)
        except (hiredis.ProtocolError, IndexError):  # not what was asked: nothing can be trusted
            self.hang_up()

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 - all are the same
        """Tell everybody who waits."""
        self._out = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._fail(ConnectionError("Redis hung up"))

    def _send(self) -> None:
        if self._out is not None:
            self._out.write(b"".join(self._unsent))
        self._unsent.clear()

    def _look(self) -> None:
        """End the connection if a reply is overdue, else look again when the next one would be."""
        self._timer = None
        if not self._asked:
            return
        due, _ = self._asked[0]
        if due > self._loop.time():
            self._timer = self._loop.call_at(due, self._look)
            return
        self.hang_up()
        self._fail(TimeoutError("Redis says nothing"))

    def _fail(self, error: Exception) -> None:
        while self._asked:
            _, answer = self._asked.popleft()
            if not answer.done():
                answer.set_exception(error)


async def dial(redis: ConnectionPool) -> Wire:
    """Connect to where `redis` points, as it would: with its TLS, its password, its database."""
    told: dict[str, Any] = redis.connection_kwargs
    where = told.get("host", "localhost"), told.get("port", 6379)
    made = redis.connection_class(**told)
    tls = made.ssl_context.get() if isinstance(made, SSLConnection) else None
    async with asyncio.timeout(WAIT):
        loop = asyncio.get_running_loop()
        _, wire = await loop.create_connection(Wire, *where, ssl=tls)
    try:
        if password := told.get("password"):
            await wire.ask("AUTH", told.get("username") or "default", password)
        if database := told.get("db"):
            await wire.ask("SELECT", database)
    except BaseException:
        wire.hang_up()
        raise
    return wire
