"""A worker's part of the ledger, as a process that dies by SIGKILL at some step.

The step is counted over all that is asked of the ledger, before and after each: so it may die
with a transaction signed and not stored, stored and not sent, sent and not looked for, or looked
for and not written down.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from multiprocessing import get_context
from typing import Any, Final

from msgspec.structs import replace

from cloud.breakers.breaker import Breakers
from cloud.db.connect import Pool, open_pool
from cloud.keys.sealing import MasterKey
from cloud.ledger.rpc.opening import connected
from cloud.ledger.values import Schema
from cloud.ledger.work import house as houses
from cloud.ledger.work.house import House
from cloud.ledger.work.told import CONSUMER
from cloud.ledger.work.writer import Writer
from tests.cloud.ledger.work.mint import BASE
from tests.cloud.messages.post import dispatch
from tests.cloud.orders.shop import MASTER, TENANT

CONTEXT: Final = get_context("forkserver")
CONTEXT.set_forkserver_preload([__name__])
WAIT: Final = 2.0  # seconds for a node's answer, which may never come
PATIENCE: Final = 120  # seconds for a process that does all that is left
ROUNDS: Final = 200


class Doomed:
    """A ledger at whose *steps*th step the process dies."""

    def __init__(self, ledger: Any, steps: int) -> None:
        self._ledger = ledger
        self._left = steps

    def __getattr__(self, name: str) -> Any:
        asked = getattr(self._ledger, name)

        async def act(*args: Any) -> Any:
            self._step()
            answer = await asked(*args)
            self._step()
            return answer

        return act

    def _step(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


@asynccontextmanager
async def reached(pool: Pool, node: str, schema: Schema) -> AsyncIterator[House]:
    """Open the ledger inside the service, or the one at a node."""
    if not node:
        async with houses.embedded(pool, now, MasterKey(MASTER), BASE, schema=schema) as house:
            yield house
        return
    keys = await houses.keys_of(pool, MasterKey(MASTER), now())
    async with connected([node], breakers=Breakers(None), wait=WAIT, patience=WAIT) as chain:
        yield houses.over(chain, keys, BASE, schema)


async def _work(url: str, steps: int, node: str, schema: Schema) -> None:
    pool = await open_pool(url, size=8)
    async with reached(pool, node, schema) as house:
        doomed: Any = Doomed(house.ledger, steps)
        writer = Writer(pool, url, replace(house, ledger=doomed), now)
        for _ in range(ROUNDS):
            await dispatch(pool, TENANT, CONSUMER, now())
            if not (due := await writer.due()):
                break
            for place in due:
                await writer.work(place)
    await pool.close()


def _main(url: str, steps: int, node: str, schema: Schema) -> None:
    asyncio.run(_work(url, steps, node, schema))


def run(url: str, steps: int, node: str = "", schema: Schema = Schema.V2) -> bool:
    """Work until nothing is due, or until *steps*; return whether it came to its end."""
    process = CONTEXT.Process(target=_main, args=(url, steps, node, schema))
    process.start()
    process.join(PATIENCE)
    code = process.exitcode
    if code is None:
        process.kill()
        process.join()
    assert code in (0, -signal.SIGKILL), code
    return code == 0
