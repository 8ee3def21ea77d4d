"""The chain over the façade, for a test: with a clock to turn and lamports to be had."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from solders.pubkey import Pubkey

from cloud.breakers.breaker import Breakers
from cloud.ledger.faults import LedgerRefused
from cloud.ledger.rpc.chain import RpcChain
from cloud.ledger.rpc.opening import connected
from tests.cloud.database import Database
from tests.cloud.ledger.rpc.facade.running import Facade, serving_facade
from tests.cloud.ledger.scene import Clock
from tests.cloud.ledger.test_chain import WIPE

WAIT: Final = 30.0  # seconds for an answer: no test waits for it
SHORT: Final = 2.0  # where the answer never comes
PATIENCE: Final = 20.0


class Reached:
    """A chain at a façade, whose lamports are a test network's."""

    def __init__(self, chain: RpcChain, facade: Facade) -> None:
        self._chain = chain
        self._facade = facade

    def __getattr__(self, name: str) -> Any:
        """Return what the chain has."""
        return getattr(self._chain, name)

    async def fund(self, address: Pubkey, lamports: int) -> None:
        """Ask for lamports."""
        answer = await asyncio.to_thread(
            self._facade.ask, "requestAirdrop", [str(address), lamports]
        )
        if "error" in answer:
            raise LedgerRefused("ledger_fund")


Act = Callable[[Any, Clock, Facade], Awaitable[None]]


def on(
    database: Database, act: Act, *, wait: float = WAIT, patience: float = PATIENCE, nodes: int = 1
) -> None:
    """Run *act* with a chain at one façade that is named *nodes* times."""
    database.run(WIPE)
    clock = Clock()
    with serving_facade(database.app_url, clock) as facade:

        async def go() -> None:
            urls = [f"{facade.address}/{number}" for number in range(nodes)]
            async with connected(
                urls, breakers=Breakers(None), wait=wait, patience=patience
            ) as chain:
                await act(Reached(chain, facade), clock, facade)

        asyncio.run(go())
