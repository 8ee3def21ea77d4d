"""Search lists from the cloud: the head, and the parts of it that are not here.

Beside the tickets and never before them: a list of megabytes is in no sale's way. What came
stays on the disk, so that a download goes on wherever it broke off, also under a newer head.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from functools import partial
from typing import Final, TypeVar

from edge.gate.gate import Gate
from edge.gate.gathering import Gathering
from edge.sync.backoff import unmoved
from edge.sync.client import Cloud
from edge.sync.failures import Garbled
from edge.sync.turns import Turns, nothing_newer
from shared.errors import Untrusted
from shared.manifest.search import MAX_PART, SearchHead, check_part
from shared.signed import CAPS, Kind
from shared.wire import EventState, SyncState, unframed

AT_ONCE: Final = 2  # parts in one answer: most have half a megabyte
TURNS: Final = 8  # heads that may follow one another during one download
T = TypeVar("T")


class Searches:
    """One device's search lists. Must not run side by side with itself."""

    def __init__(
        self,
        cloud: Cloud,
        gate: Gate,
        pool: Executor | None = None,
        moved: Callable[[], None] = unmoved,
    ) -> None:
        self._cloud = cloud
        self._moved = moved  # called where parts that were lacking were kept
        self._gathering = Gathering(gate)
        self._pool = pool
        self._turns = Turns(self._event)

    async def pull(
        self, state: SyncState, newer: Callable[[], bool] = nothing_newer
    ) -> list[Exception]:
        """Bring every event's list up to date; return what failed. `newer`: see `Turns.take`."""
        return await self._turns.take(state, newer)

    async def _event(self, named: EventState) -> None:
        """Bring one event's list to the version that is named, or a newer one."""
        event = bytes.fromhex(named.event)
        if not await self._blocking(partial(self._gathering.is_behind, event, named.search)):
            return
        for _ in range(TURNS):
            path = f"/sync/events/{event.hex()}/search"
            raw = (await self._cloud.get(path, CAPS[Kind.SEARCH])).body
            head = await self._blocking(partial(self._gathering.begin, event, raw))
            if head is None:
                return
            await self._parts(path, head)
            if await self._blocking(partial(self._gathering.finish, event)):
                return
        raise Garbled("search_incomplete")

    async def _parts(self, path: str, head: SearchHead) -> None:
        """Fetch what is lacking, up to what is of another head already."""
        places = await self._blocking(partial(self._gathering.lacking, head))
        for start in range(0, len(places), AT_ONCE):
            some = places[start : start + AT_ONCE]
            want = ",".join(map(str, some))
            answer = await self._cloud.get(f"{path}/parts?want={want}", AT_ONCE * (MAX_PART + 4))
            came = _checked(head, some, unframed(answer.body, len(some)))
            await self._blocking(partial(self._gathering.keep, came))
            if came:
                self._moved()
            if len(came) < len(some):
                return

    async def _blocking(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, call)


def _checked(
    head: SearchHead, places: Sequence[int], parts: Sequence[bytes]
) -> Mapping[bytes, bytes]:
    """Return those parts by digest that are the head's at their places."""
    came: dict[bytes, bytes] = {}
    for place, part in zip(places, parts, strict=False):
        with suppress(Untrusted):
            came[check_part(head, place, part)] = part
    return came
