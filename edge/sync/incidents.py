"""The cloud's incidents, as far as they concern this device (spec/sync.md §7).

They are for people to read. No scan goes by them, and nothing but them is lost if they are wrong.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from typing import Any, Final

import msgspec

from edge.gate.gate import Gate
from edge.gate.incidents import unsettled
from edge.store.incidents import UPTO
from edge.sync.client import Cloud
from edge.sync.failures import Garbled
from edge.sync.turns import TROUBLE
from shared.wire import MAX_CONCERNED, MAX_NOTES, IncidentNote, SyncState, unframed

MOST_NOTE: Final = 1024 + 64 * MAX_CONCERNED  # bytes: a device's id has 35 with its marks
MOST: Final = MAX_NOTES * (MOST_NOTE + 4)
TURNS: Final = 32  # answers, one after the other: far more notes than are kept
NOTE: Final = msgspec.json.Decoder(IncidentNote)


class Incidents:
    """One device's notes. Must not run side by side with itself."""

    def __init__(self, cloud: Cloud, gate: Gate, pool: Executor | None = None) -> None:
        self._cloud = cloud
        self._gate = gate
        self._kept = gate.stores.incidents
        self._pool = pool

    async def pull(self, state: SyncState) -> list[Exception]:
        """Take the notes that are not here yet; return what failed."""
        try:
            upto = await self._blocking(partial(self._gate.stores.settings.number, UPTO))
            if upto != state.incidents:
                await self._follow(upto, state.incidents)
        except TROUBLE as error:
            return [error]
        return []

    async def _follow(self, upto: int, newest: int) -> None:
        """Ask from a number on. Where the cloud counts lower than it did, it was brought back from
        a copy, or its number was somebody else's: then from the start."""
        anew = newest < upto
        upto = 0 if anew else upto
        for _ in range(TURNS):
            answer = await self._cloud.get(f"/sync/incidents?after={upto}", MOST)
            notes = notes_of(answer.body, upto)
            more = answer.headers.get("usher-more") == "1"
            upto = notes[-1].number if notes else upto
            if not more:
                upto = max(upto, newest)  # what concerns others has numbers too
            await self._blocking(partial(self._kept.take, notes, upto, anew=anew))
            self._gate.around["incidents"] = await self._blocking(partial(unsettled, self._kept))
            if not more:
                return
            if not notes:
                raise Garbled("incidents")
            anew = False

    async def _blocking(self, call: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._pool, call)


def notes_of(body: bytes, after: int) -> list[IncidentNote]:
    """Return the notes of an answer. Raises `Malformed` for what is cut, and `Garbled` for notes
    that can't be read or whose numbers don't rise from `after`."""
    notes: list[IncidentNote] = []
    for part in unframed(body, MAX_NOTES):
        try:
            note = NOTE.decode(part)
        except (msgspec.DecodeError, ValueError, RecursionError):
            raise Garbled("incidents") from None
        if note.number <= after:
            raise Garbled("incidents")
        after = note.number
        notes.append(note)
    return notes
