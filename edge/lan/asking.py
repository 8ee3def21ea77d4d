"""Requests and answers on one connection (spec/claims.md says what they are about).

An answer counts only on the connection on which its request was sent: behind another one may
be another boot of the same device, which knows nothing of what this one granted.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeVar

from edge.lan.line import Hangup, Line
from shared.errors import Malformed
from shared.lan import Reason, Type, decode_correlated, encode_correlated

LOG: Final = logging.getLogger(__name__)
MOST_REQUESTS: Final = 64  # of the other side at one time
NUMBERS: Final = 1 << 32

Answering = Callable[[bytes], Awaitable[bytes | None]]
T = TypeVar("T")


class Asking:
    """`answering`: by type, what a request is given to. Used by the event loop alone."""

    def __init__(self, line: Line, answering: Callable[[int], Answering | None]) -> None:
        self._line = line
        self._answering = answering
        self._number = 0
        self._asked: dict[int, asyncio.Future[bytes | None]] = {}
        self._requests: set[asyncio.Task[None]] = set()
        self._over = False

    async def ask(self, kind: int, content: bytes, within: float) -> bytes | None:
        """Return the answer, None where none comes in time or the connection ends."""
        self._number = number = (self._number + 1) % NUMBERS
        if self._over or not self._line.send(kind, encode_correlated(number, content)):
            return None
        answer: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
        self._asked[number] = answer
        try:
            async with asyncio.timeout(within):
                return await answer
        except TimeoutError:
            return None
        finally:
            del self._asked[number]

    def answered(self, body: bytes) -> None:
        """Hand an answer to whoever asked; one that nobody waits for any more is dropped."""
        number, content = decode_correlated(body)
        answer = self._asked.get(number)
        if answer is not None and not answer.done():
            answer.set_result(content)

    def requested(self, kind: int, body: bytes) -> None:
        """Have a request answered, while other messages go on."""
        number, content = decode_correlated(body)
        if len(self._requests) >= MOST_REQUESTS:
            raise Hangup(Reason.FLOOD, "more requests at once than a peer may have")
        answering = self._answering(kind)
        if answering is not None:
            task = asyncio.create_task(self._answer(kind, number, answering(content)))
            self._requests.add(task)
            task.add_done_callback(self._requests.discard)

    async def end(self) -> None:
        """The connection is over: whoever waits for an answer gets none."""
        self._over = True
        for answer in self._asked.values():
            if not answer.done():
                answer.set_result(None)
        requests = list(self._requests)
        for each in requests:
            each.cancel()
        await asyncio.gather(*requests, return_exceptions=True)

    async def _answer(self, kind: int, number: int, answering: Awaitable[bytes | None]) -> None:
        try:
            answer = await answering
        except Malformed as error:
            LOG.warning("a peer's request of type %#x is malformed: %s", kind, error)
            self._line.close(Reason.MALFORMED)
        except Exception:  # one request stays without an answer, and never the connection
            LOG.exception("a peer's request of type %#x was not answered", kind)
        else:
            if answer is not None:
                self._line.send(Type.ANSWER, encode_correlated(number, answer))


def bound(
    handlers: Mapping[int, Callable[[T, bytes], Awaitable[bytes | None]]], peer: T
) -> Callable[[int], Answering | None]:
    """Return, by type, the handler with the peer that asks already given to it."""

    def answering(kind: int) -> Answering | None:
        handler = handlers.get(kind)
        return None if handler is None else lambda content: handler(peer, content)

    return answering
