"""What can be proved of assets, asked on behalf of anybody: of few at once, and of one no more than
once in a moment. Each costs a chain's nodes several questions, which the worker has to share."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

from msgspec import Struct
from solders.pubkey import Pubkey

from cloud.ledger.faults import LedgerAway, LedgerFault
from cloud.ledger.ports import Ledger
from cloud.ledger.values import Asset, Proof

MOMENT: Final = 5.0  # seconds
AT_ONCE: Final = 4
PATIENCE: Final = 5.0  # seconds in which it must be somebody's turn
MOST: Final = 256  # answers that are kept


class Evidence(Struct, frozen=True):
    """What was proved of an asset: both, or neither, and then why, if there is a reason."""

    asset: Asset | None = None
    proof: Proof | None = None
    fault: LedgerFault | None = None


async def evidence(ledger: Ledger, asset: Pubkey) -> Evidence:
    """Ask."""
    try:
        found = await ledger.proved(asset)
    except LedgerFault as fault:
        return Evidence(fault=fault)
    return Evidence() if found is None else Evidence(*found)


class Asking:
    """`ask` is `evidence` of a ledger."""

    def __init__(
        self,
        ask: Callable[[Pubkey], Awaitable[Evidence]],
        *,
        clock: Callable[[], float] = time.monotonic,
        patience: float = PATIENCE,
    ) -> None:
        self._ask = ask
        self._clock = clock
        self._patience = patience
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._asked: dict[tuple[Pubkey, object], tuple[float, asyncio.Task[Evidence]]] = {}

    async def of(self, asset: Pubkey, version: object) -> Evidence:
        """Return what is proved of an asset. *version*: what we know of it, so that after a change
        of ours it is asked for anew."""
        key, now = (asset, version), self._clock()
        at, task = self._asked.get(key, (0.0, None))
        if task is None or (task.done() and now - at > MOMENT):
            task = asyncio.create_task(self._in_turn(asset))
            self._asked.pop(key, None)
            self._asked[key] = now, task
            self._forget()
        return await asyncio.shield(task)

    async def _in_turn(self, asset: Pubkey) -> Evidence:
        try:
            await asyncio.wait_for(self._turns.acquire(), self._patience)
        except TimeoutError:
            return Evidence(fault=LedgerAway("ledger_busy", "too many ask at once", MOMENT))
        try:
            return await self._ask(asset)
        finally:
            self._turns.release()

    def _forget(self) -> None:
        """Forget the oldest answers. Who is still being asked is kept by whoever waits for it."""
        while len(self._asked) > MOST:
            del self._asked[next(iter(self._asked))]
