"""Events brought up to date one after another: one that fails is in no other's way."""

from collections.abc import Awaitable, Callable
from typing import Final

from edge.gate.gate import NotSetUp
from edge.store.database import StorageFailed
from edge.sync.failures import Failure
from shared.errors import UsherError
from shared.wire import EventState, SyncState

TROUBLE: Final = (Failure, UsherError, StorageFailed, NotSetUp)  # the last: wiped meanwhile


def nothing_newer() -> bool:
    """Say that the state that is worked by is the newest."""
    return False


class Turns:
    """`one` brings an event up to date. Those that failed last time come after the others.

    `failing`: what failed last time, by event.
    """

    def __init__(self, one: Callable[[EventState], Awaitable[None]]) -> None:
        self._one = one
        self.failing: dict[str, Exception] = {}

    async def take(
        self, state: SyncState, newer: Callable[[], bool] = nothing_newer
    ) -> list[Exception]:
        """Take each event once, and return what failed. Once something has failed, and `newer`
        says that a newer state is here, what is left is left to that: false news would else hold
        up true ones."""
        failed: list[Exception] = []
        named = {each.event: each for each in state.events}
        self.failing = {event: self.failing[event] for event in self.failing.keys() & named.keys()}
        for event in sorted(named, key=self.failing.__contains__):
            if failed and newer():
                break
            try:
                await self._one(named[event])
                self.failing.pop(event, None)
            except TROUBLE as error:
                self.failing[event] = error
                failed.append(error)
        return failed
