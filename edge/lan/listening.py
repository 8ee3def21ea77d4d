"""Waiting for calls: few at a time before the handshake, so that nobody fills us with halves."""

import asyncio
import logging
import socket
import ssl
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from edge.lan.line import Line, answer
from edge.lan.rules import Budget

LOG: Final = logging.getLogger(__name__)
MOST_SHAKING: Final = 64  # handshakes at one time
MOST_SHAKING_EACH: Final = 8  # from one address
SHAKEN_SECONDS: Final = 0.25  # in which an honest handshake is through
RATE: Final = 10.0  # calls a second from one address
BURST: Final = 100.0
RATE_OF_ALL: Final = 50.0
BURST_OF_ALL: Final = 400.0
MOST_CALLERS: Final = 256  # addresses whose calls are counted
BACKLOG: Final = 64
RETRY_SECONDS: Final = 3.0
BREATH_SECONDS: Final = 0.05


class Listening:
    """`serve` is given every connection whose handshake is done; it says when it is over."""

    def __init__(self, context: ssl.SSLContext, serve: Callable[[Line], Awaitable[None]]) -> None:
        self._context = context
        self._serve = serve
        self._shaking: dict[socket.socket, tuple[str, float]] = {}  # from where, since when
        self._callers: OrderedDict[str, Budget] = OrderedDict()
        self._all = Budget(RATE_OF_ALL, BURST_OF_ALL, asyncio.get_running_loop().time())
        self._tasks: set[asyncio.Task[None]] = set()
        self._socket: socket.socket | None = None

    @property
    def port(self) -> int:
        """The port that is listened on, 0 for none."""
        return int(self._socket.getsockname()[1]) if self._socket else 0

    async def run(self, host: str, port: int, opened: Callable[[], None]) -> None:
        """Listen until cancelled. A port that is taken is tried again."""
        level = logging.WARNING
        while True:
            try:
                with _bound(host, port) as listening:
                    self._socket = listening
                    opened()
                    await self._accept(listening)
            except OSError as error:
                LOG.log(level, "the LAN can't listen on %s:%s: %s", host, port, error)
                level = logging.DEBUG  # told once
            finally:
                self._socket = None
                await self._end()
            await asyncio.sleep(RETRY_SECONDS)

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                caller, address = await loop.sock_accept(listening)
            except OSError as error:  # gone again before we looked, or no file is left to open
                LOG.debug("a call was not taken: %s", error)
                await asyncio.sleep(BREATH_SECONDS)
                continue
            host = str(address[0])
            if not self._may_call(host, loop.time()):
                caller.close()
                continue
            self._shaking[caller] = host, loop.time()
            task = asyncio.create_task(self._answer(caller, host))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _may_call(self, host: str, now: float) -> bool:
        """Whether a call is worth the handshake, which costs more than all else that it asks."""
        budget = self._callers.pop(host, None) or Budget(RATE, BURST, now)
        self._callers[host] = budget  # the newest last
        if len(self._callers) > MOST_CALLERS:
            self._callers.popitem(last=False)
        return budget.spend(1, now) and self._all.spend(1, now) and self._has_room(host, now)

    def _has_room(self, host: str, now: float) -> bool:
        """Whether one more may shake hands. Several gates can have one address: there the oldest
        makes room, once an honest one would have been through."""
        same = [(caller, since) for caller, (its, since) in self._shaking.items() if its == host]
        if len(same) >= MOST_SHAKING_EACH:
            oldest, since = same[0]
            if now - since < SHAKEN_SECONDS:
                return False
            del self._shaking[oldest]
            with suppress(OSError):  # it has hung up itself
                oldest.shutdown(socket.SHUT_RDWR)
        return len(self._shaking) < MOST_SHAKING

    async def _answer(self, caller: socket.socket, host: str) -> None:
        try:
            line = await answer(caller, self._context)
        except (OSError, ssl.SSLError) as error:
            LOG.debug("no handshake with %s: %s", host, error)
            caller.close()
            return
        finally:
            self._shaking.pop(caller, None)
        await self._serve(line)

    async def _end(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    dual = family == socket.AF_INET6 and host == "::" and socket.has_dualstack_ipv6()
    made = socket.create_server((host, port), family=family, backlog=BACKLOG, dualstack_ipv6=dual)
    made.settimeout(0)
    return made
