"""Asking one peer for what we lack: one question at a time, until it has no more.

A vector is a question, and the log that answers it brings at most so much: the next question
is asked once that is on our disk. So a slow disk slows the sender, and nothing piles up.
"""

import asyncio
from typing import Final

from edge.lan.home import Home
from edge.lan.line import Hangup, Line
from shared.lan import Reason, Rest, Type
from shared.wire import encode_vector

ANSWER_SECONDS: Final = 15.0
AGAIN_SECONDS: Final = 0.5  # until a question is asked again that could not be answered in full


class Pull:
    """Used by the event loop alone."""

    def __init__(self, line: Line, home: Home) -> None:
        self._line = line
        self._home = home
        self._wanted = asyncio.Event()
        self._waiting: list[asyncio.Future[bool]] = []
        self._over = False
        self._answer: asyncio.Future[Rest] | None = None

    @property
    def asked(self) -> bool:
        """Whether a log is due to come."""
        return self._answer is not None and not self._answer.done()

    def want(self) -> None:
        """Ask soon."""
        self._wanted.set()

    async def caught_up(self) -> bool:
        """Ask, and wait until all is on our disk that the peer had when it was asked; False if
        the connection ends before."""
        if self._over:
            return False
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append(done)
        self._wanted.set()
        return await done

    def answered(self, rest: Rest) -> None:
        """A log has come, and is on the disk."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(rest)

    async def run(self) -> None:
        """Ask whenever it is wanted, until cancelled."""
        try:
            while True:
                await self._wanted.wait()
                self._wanted.clear()
                asking = list(self._waiting)
                while (rest := await self._ask()) is Rest.MORE:
                    pass
                for each in asking if rest is Rest.NOTHING else ():
                    self._waiting.remove(each)
                    if not each.done():
                        each.set_result(True)
                if self._waiting:
                    asyncio.get_running_loop().call_later(AGAIN_SECONDS, self._wanted.set)
        finally:
            self._over = True
            for each in self._waiting:
                if not each.done():
                    each.set_result(False)

    async def _ask(self) -> Rest:
        vector = await self._home.off_loop(self._home.replica.vector)
        self._answer = asyncio.get_running_loop().create_future()
        self._line.send(Type.VECTOR, encode_vector(vector))
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self._answer
        except TimeoutError:
            raise Hangup(Reason.TOO_SLOW, "a vector was not answered") from None
