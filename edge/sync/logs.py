"""What others wrote and the cloud has: asked for by vector, taken in file by file.

gossip = Gossip(cloud, gate, pushing.heard)
await gossip.step()
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor
from functools import partial
from typing import Final, NamedTuple, TypeVar

from edge.gate.gate import Gate
from edge.sync.backoff import unmoved
from edge.sync.client import Cloud
from edge.sync.failures import Away, Garbled
from shared.errors import Malformed
from shared.log.gossip import Key, Mark
from shared.wire import ENTRY, MAX_ENTRIES, MAX_EVENTS, decode_vector, encode_vector, unframed

MOST_FILE: Final = 2 << 20  # by spec/sync.md §4
MOST_ANSWERS: Final = 4096  # in a step: the next one goes on from what is here by then
MOST: Final = MOST_FILE + MAX_ENTRIES * ENTRY.size + 8
NEXT: Final = re.compile(r"([0-9a-f]{32})\.(\d{1,10})\.(\d{1,18})\.([0-9a-f]{32})")
T = TypeVar("T")
Place = tuple[str, int, int, str]  # device, incarnation, seq, record


class Got(NamedTuple):
    """What a step brought."""

    new: int = 0


class Gossip:
    """One device's questions for others' records. Steps must not run side by side."""

    def __init__(
        self,
        cloud: Cloud,
        gate: Gate,
        heard: Callable[[Mapping[Key, Mark]], Awaitable[None]],
        pool: Executor | None = None,
        moved: Callable[[], None] = unmoved,
    ) -> None:
        self._cloud = cloud
        self._moved = moved  # called for each answer that brought something
        self._gate = gate
        self._heard = heard
        self._pool = pool

    async def step(self) -> Got:
        """Take in what the cloud has and we lack of our events, until there is no more. What
        fails is raised: `Failure`, `UsherError` or `StorageFailed`; what came before it stays.
        Answers that bring nothing and promise more are `Garbled`, and no step lasts longer than
        `Limits.step`."""
        events = sorted(self._gate.held.trust.books)[:MAX_EVENTS]
        if not events:
            return Got()
        path = f"/sync/gossip?events={','.join(event.hex() for event in events)}"
        try:
            async with asyncio.timeout(self._cloud.limits.step):
                return Got(await self._asked(path))
        except TimeoutError:
            raise Away("slow") from None

    async def _asked(self, path: str) -> int:
        """Ask until there is no more; return how many records were new."""
        new, place = await self._question(path, None)
        for _ in range(MOST_ANSWERS):
            if place is None:
                break
            more, place = await self._question(path, place)
            new += more
        return new

    async def _question(self, path: str, place: Place | None) -> tuple[int, Place | None]:
        """Ask once; return how many records were new, and where the next answer begins."""
        vector = await self._blocking(self._gate.replica.vector)
        begin = f"&from={'.'.join(map(str, place))}" if place else ""
        body = encode_vector(vector)
        answer = await self._cloud.post(path + begin, body, MOST)
        theirs, file = _answered(answer.body)
        taken = await self._blocking(partial(self._gate.replica.take, file))
        if taken.new:
            self._moved()
        if answer.headers.get("usher-more") != "1":
            await self._heard(theirs)
            return taken.new, None
        if not taken.batches:
            raise Garbled("gossip")  # nothing, and more of it: that would never end
        return taken.new, _after(place, answer.headers.get("usher-next", ""))

    async def _blocking(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, call)


def _answered(body: bytes) -> tuple[dict[Key, Mark], bytes]:
    """Return the cloud's vector, and the log file."""
    try:
        vector, file = unframed(body, 2)
        theirs = decode_vector(vector)
    except (Malformed, ValueError):
        raise Garbled("gossip") from None
    if len(file) > MOST_FILE:
        raise Garbled("gossip")
    return theirs, file


def _after(place: Place | None, text: str) -> Place:
    """Return where the next answer begins: further on, or a question would never end."""
    named = NEXT.fullmatch(text)
    if named is None:
        raise Garbled("gossip")
    after = named[1], int(named[2]), int(named[3]), named[4]
    if place is not None and after <= place:
        raise Garbled("gossip")
    return after
