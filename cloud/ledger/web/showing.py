"""What public pages read: a few connections of their own, and the ledger once one is asked for."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from typing import Final
from uuid import UUID

from solders.pubkey import Pubkey
from solders.signature import Signature

from cloud.breakers.breaker import Breakers
from cloud.db.connect import LENT, Pool, Row, open_up
from cloud.db.tenancy import Origin, TenantTx, tenant_tx
from cloud.ledger.bubblegum.building import Parties
from cloud.ledger.bubblegum.programs import SYSTEM
from cloud.ledger.faults import LedgerRefused
from cloud.ledger.ports import Ledger
from cloud.ledger.signing import SigningLedger
from cloud.ledger.values import Schema
from cloud.ledger.web import reading
from cloud.ledger.web.asking import Asking, Evidence, evidence
from cloud.ledger.web.verifying import Report, judged
from cloud.ledger.work.house import reading as reading_chain
from cloud.settings import Settings

PUBLIC: Final = Origin("anonymous")
CONNECTIONS: Final = 2


class Nobody:
    """A `Signer` without keys: whoever only reads."""

    def create(self) -> Pubkey:
        """Refuse."""
        raise LedgerRefused("no_key", "nothing is signed here")

    def sign(self, key: Pubkey, message: bytes) -> Signature:  # noqa: ARG002
        """Refuse."""
        raise LedgerRefused("no_key", "nothing is signed here")


class Showing:
    """`pool`: of its own, so that no request waits for another while it holds a connection."""

    def __init__(
        self, pool: Pool, clock: Callable[[], datetime], settings: Settings, breakers: Breakers
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._settings = settings
        self._breakers = breakers
        self.base = settings.reached_at  # how others reach us
        self.explorer = settings.ledger_explorer if settings.ledger == "solana" else None
        self._ledger: Ledger | None = None
        self._asking = Asking(self._ask)
        self._opening = asyncio.Lock()
        self._open = AsyncExitStack()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Open the connections; close all at the end."""
        await open_up(self._pool)
        try:
            yield
        finally:
            await self._open.aclose()
            await self._pool.close()

    async def ledger(self) -> Ledger:
        """Return the ledger, to read."""
        async with self._opening:
            if self._ledger is None:
                chain = await self._open.enter_async_context(
                    reading_chain(self._pool, self._clock, self._settings, self._breakers)
                )
                nobody = Parties(SYSTEM, SYSTEM)
                self._ledger = SigningLedger(chain, Nobody(), nobody, Schema.V2)
        return self._ledger

    async def report(self, row: Row) -> Report:
        """Return what can be proved of an asset, from its row (reading.py: ASSET)."""
        if row["asset_id"] is None:
            return judged(row, Evidence())
        version = row["changed_at"]
        return judged(row, await self._asking.of(Pubkey.from_bytes(row["asset_id"]), version))

    async def _ask(self, asset: Pubkey) -> Evidence:
        return await evidence(await self.ledger(), asset)

    async def named(self, ref: bytes) -> tuple[UUID, UUID, UUID] | None:
        """Return the tenant, event and ticket of a public name."""
        async with self._pool.acquire(timeout=LENT) as conn:
            return await reading.named(conn, ref)

    @asynccontextmanager
    async def tx(self, tenant: UUID) -> AsyncIterator[TenantTx]:
        """Open a transaction in a tenant, suspended or not: what was told for good stays told."""
        async with tenant_tx(self._pool, tenant, PUBLIC, self._clock(), suspended_too=True) as tx:
            yield tx
