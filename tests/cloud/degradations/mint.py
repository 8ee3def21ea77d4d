"""A service whose tickets are minted by a node of Solana, and what becomes of it without that."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import UUID

import redis
from solders.pubkey import Pubkey

from cloud.db.connect import Pool, open_pool
from cloud.db.tenancy import WORKER, tenant_tx
from cloud.keys.sealing import MasterKey
from cloud.ledger.work import acts
from cloud.ledger.work.house import keys_of
from tests.cloud.background import background
from tests.cloud.database import Database
from tests.cloud.degradations.load import Load
from tests.cloud.ledger.rpc.facade.running import Facade, serving_facade
from tests.cloud.notify.conftest import working
from tests.cloud.service import MASTER_KEY, Clock, Person, Service, Tenant, running

LONG: Final = 120.0  # seconds; a loaded machine
LAMPORTS: Final = 10**12
ALL: Final = 1_000_000  # calls
PLANNED: Final = "SELECT FROM asset_tree WHERE event_id = $1 AND state = 'planned'"
MINTED: Final = """
    SELECT count(ticket_id) AS tickets, count(DISTINCT asset_id) AS assets
      FROM asset WHERE event_id = $1 AND asset_id IS NOT NULL
"""


class Mint(NamedTuple):
    """A service with a worker, and the node that it is told of."""

    service: Service
    node: Facade
    ahead: Clock
    owner: Person
    tenant: Tenant

    def state(self) -> str:
        """Return what /readyz says of the ledger."""
        told: Any = self.service.client().get("/readyz").json()
        assert told["ready"]
        return str(told["dependencies"]["ledger"]["state"])

    def forget_calls(self) -> None:
        """Have the node's breaker know of none: those that went well would keep it closed for half
        a minute."""
        with redis.Redis.from_url(self.service.settings.redis_url) as client:
            assert client.delete("usher:breaker:ledger:node0") == 1

    def pay_for(self, work: Load) -> None:
        """Have lamports, and approve what the event's tree costs, once it is planned."""
        event = work.event.event_id
        payer = str(asyncio.run(self._payer()))
        assert "error" not in self.node.ask("requestAirdrop", [payer, LAMPORTS])
        until(lambda: bool(self.service.database.rows(PLANNED, event)))
        assert asyncio.run(self._approve(event)) == 1

    async def _payer(self) -> Pubkey:
        async with self._pool() as pool:
            key = MasterKey(bytes.fromhex(MASTER_KEY))
            return (await keys_of(pool, key, self.service.clock())).parties.payer

    async def _approve(self, event: UUID) -> int:
        async with (
            self._pool() as pool,
            tenant_tx(pool, self.tenant.tenant_id, WORKER, self.service.clock()) as tx,
        ):
            return await acts.approve(tx, event)

    @asynccontextmanager
    async def _pool(self) -> AsyncIterator[Pool]:
        pool = await open_pool(self.service.settings.database_url, size=1)
        try:
            yield pool
        finally:
            await pool.close()

    def until_minted(self, work: Load, tickets: int) -> None:
        """Wait until so many tickets have an asset; each has one of its own."""

        def look() -> bool:
            (found,) = self.service.database.rows(MINTED, work.event.event_id)
            assert found["assets"] == found["tickets"]
            return int(found["tickets"]) >= tickets

        until(look, LONG + tickets)


def until(told: Callable[[], bool], seconds: float = LONG) -> None:
    """Wait for something that the database tells."""
    end = time.monotonic() + seconds
    while not told():
        assert time.monotonic() < end
        time.sleep(0.1)


@contextmanager
def open_mint(database: Database, redis_url: str, folder: Path, **more: Any) -> Iterator[Mint]:
    """Run it. `more`: settings."""
    ahead = Clock()
    with serving_facade(database.app_url, time.time) as node:
        told = {"ledger": "solana", "ledger_nodes": (node.address,)}
        with (
            running(database, redis_url, folder, **told, **more) as service,
            background(working(service, ahead)),
        ):
            owner = service.person()
            yield Mint(service, node, ahead, owner, service.tenant(owner))


def solana_gone(mint: Mint, work: Load) -> None:
    """The node answers 503; what is bought meanwhile is minted afterwards."""
    work.until(5)
    mint.pay_for(work)
    mint.until_minted(work, 1)
    with work.without():
        mint.forget_calls()
        mint.node.fault("*", "status", times=ALL, status=503)
        mint.service.until(mint.state, lambda state: state == "away", LONG)
        work.until(10)
        mint.node.tell(clear=True)
        mint.service.until(mint.state, lambda state: state == "well", LONG)
    work.until(5)
