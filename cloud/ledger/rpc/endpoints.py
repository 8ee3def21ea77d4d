"""Several nodes of one kind: any that answers, or all that do."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar

from cloud.ledger.agreeing import enough
from cloud.ledger.faults import LedgerAway, LedgerFault
from cloud.ledger.rpc.endpoint import Endpoint, Said
from cloud.pacing import doubling

T = TypeVar("T")
Told = tuple[list[T], list[LedgerFault]]
PATIENCE: Final = 10.0  # seconds after which no further round begins
FIRST_WAIT: Final = 0.25
LONGEST_WAIT: Final = 2.0


def whatever(_: object) -> bool:
    """Take any answer."""
    return True


class Endpoints:
    """Those of one kind, the preferred first. Who answered last is asked first."""

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        *,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._endpoints = list(endpoints)
        self._patience = patience
        self._clock = clock
        self._sleep = sleep

    async def first(
        self,
        method: str,
        params: Any,
        read: Callable[[bytes], T],
        enough: Callable[[T], bool] = whatever,
    ) -> T:
        """Return the first answer that is *enough*; else the first answer.

        Where nobody answers they are asked again, in rounds, until patience ends or one says that
        it can't be: it is for questions that may be asked twice. Raises that refusal, or what the
        last round's first node failed with.
        """
        found = await self._patiently(lambda: self._round(method, params, read, enough))
        return found[0]

    @property
    def agreeing(self) -> int:
        """How many make a word that nobody has to take from one node: the only one alone."""
        return enough(len(self._endpoints))

    async def all(
        self, method: str, params: Any, read: Callable[[bytes], T], least: int = 1
    ) -> list[T]:
        """Return every answer that there is, at least so many. Asks and raises as `first` does."""
        return await self._patiently(lambda: self._at_once(method, params, read), least)

    async def _patiently(self, ask: Callable[[], Awaitable[Told[T]]], least: int = 1) -> list[T]:
        until, tries = self._clock() + self._patience, 0
        while True:
            found, faults = await ask()
            if len(found) >= least:
                return found
            tries += 1
            rest = rest_of(faults, doubling(FIRST_WAIT, LONGEST_WAIT, tries))
            if rest is None or self._clock() + rest >= until:
                raise next((each for each in faults if isinstance(each, Said)), faults[0])
            await self._sleep(rest)

    async def _round(
        self, method: str, params: Any, read: Callable[[bytes], T], enough: Callable[[T], bool]
    ) -> Told[T]:
        poor: list[T] = []
        faults: list[LedgerFault] = []
        for endpoint in list(self._endpoints):
            try:
                found = await endpoint.ask(method, params, read)
            except LedgerFault as fault:  # whoever lies or refuses holds up no other
                faults.append(fault)
                continue
            if enough(found):
                self._endpoints.sort(key=lambda each: each is not endpoint)
                return [found], []
            poor.append(found)
        return poor, faults

    async def _at_once(self, method: str, params: Any, read: Callable[[bytes], T]) -> Told[T]:
        faults: list[LedgerFault] = []

        async def one(endpoint: Endpoint) -> list[T]:
            try:
                return [await endpoint.ask(method, params, read)]
            except LedgerFault as fault:
                faults.append(fault)
                return []

        told = await asyncio.gather(*map(one, self._endpoints))
        return [each for found in told for each in found], faults


def rest_of(faults: Sequence[LedgerFault], pause: float) -> float | None:
    """Return how long to wait, as short as somebody lets us; None: it would change nothing."""
    if any(isinstance(fault, Said) for fault in faults):
        return None
    waits = [fault.wait for fault in faults if isinstance(fault, LedgerAway)]
    return max(pause, min(waits)) if waits else None
