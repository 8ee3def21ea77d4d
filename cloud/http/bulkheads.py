"""Places for requests, as cloud/http/shedding.py gives them out, and the middleware that asks."""

import asyncio
import statistics
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from litestar import Request
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware

from cloud.errors import Refusal
from cloud.http.front import has_body
from cloud.http.problems import answer
from cloud.http.shedding import FIRST, Bounds, Group, Load, Verdict, group_of, has_place, judge

if TYPE_CHECKING:
    from litestar.types import ASGIApp, Receive, Scope, Send

Shed = Callable[[str, str], None]  # whose request was refused, and why
LOOK: Final = 0.1  # seconds between two looks at the loop
LOOKS: Final = 5  # the middle one of them counts: one long step of somebody says nothing
AGAIN: Final = 2  # seconds, after which whoever was refused may come again
WAITED: Final = "waited"  # too long


class Places:
    """Those of one process. Used in one event loop."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._in_work: Counter[Group] = Counter()
        self._queues: dict[Group, deque[asyncio.Future[None]]] = {each: deque() for each in FIRST}
        self._looks: deque[float] = deque([0.0] * LOOKS, LOOKS)
        self._late = 0.0

    async def enter(self, group: Group) -> str:
        """Take a place, perhaps after a while; "" if there was one, else why not."""
        verdict = judge(group, self._load(group), self._bounds)
        if verdict is Verdict.WAIT:
            return "" if await self._wait(group) else WAITED
        if verdict is not Verdict.GO:
            return verdict
        self._in_work[group] += 1
        return ""

    def leave(self, group: Group) -> None:
        """Give a place back, to whoever waits."""
        self._in_work[group] -= 1
        for each in FIRST:
            queue = self._queues[each]
            while queue and has_place(each, self._load(each), self._bounds):
                turn = queue.popleft()
                if not turn.done():
                    self._in_work[each] += 1
                    turn.set_result(None)

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Look meanwhile how late the event loop is."""
        task = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _wait(self, group: Group) -> bool:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queues[group].append(turn)
        try:
            async with asyncio.timeout(self._bounds.waits[group]):
                await turn
        except TimeoutError:
            return not self._gave_up(group, turn)  # it may have come at the last moment
        except BaseException:
            if not self._gave_up(group, turn):
                self.leave(group)
            raise
        return True

    def _gave_up(self, group: Group, turn: asyncio.Future[None]) -> bool:
        """Whether who no longer waits had no place yet; he leaves the queue then."""
        if turn.cancelled():
            with suppress(ValueError):
                self._queues[group].remove(turn)
        return turn.cancelled()

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LOOK
            await asyncio.sleep(LOOK)
            self._looks.append(loop.time() - due)
            self._late = statistics.median(self._looks)

    def _load(self, group: Group) -> Load:
        return Load(
            self._in_work[Group.SALES],
            self._in_work[Group.BROWSING],
            len(self._queues.get(group, ())),
            self._late,
        )


class Bulkheads(ASGIMiddleware):
    """Gives each request a place, or tells it to come again."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, places: Places, shed: Shed | None = None) -> None:
        self._places = places
        self._shed = shed

    async def handle(
        self, scope: "Scope", receive: "Receive", send: "Send", next_app: "ASGIApp"
    ) -> None:
        """Let the request in when it has a place. Streams last for hours, and take none."""
        handler = scope["route_handler"]
        if handler.opt.get("streams"):
            await next_app(scope, receive, send)
            return
        tags = frozenset(getattr(handler, "tags", None) or ())
        group = group_of(handler.opt.get("access", ""), tags, str(scope.get("method")))
        if group in FIRST and has_body(dict(scope["headers"])):
            receive = await _arrived(receive)
        if why := await self._places.enter(group):
            if self._shed is not None:
                self._shed(group, why)
            said = answer(Refusal("overloaded", retry_after=AGAIN), scope["state"]["request_id"])
            await said.to_asgi_response(None, Request(scope))(scope, receive, send)
            return
        try:
            await next_app(scope, receive, send)
        finally:
            self._places.leave(group)


async def _arrived(receive: "Receive") -> "Receive":
    """Return `receive` once the body is here: whoever sends half of one holds no place. It is as
    long and comes as late as Front lets it."""
    messages: deque[Any] = deque([await receive()])
    while messages[-1]["type"] == "http.request" and messages[-1].get("more_body"):
        messages.append(await receive())

    async def again() -> Any:
        return messages.popleft() if messages else await receive()

    return again
