"""The ledger that a process writes to: its chain, the keys, and the `Ledger` over both."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Final, LiteralString

from msgspec import Struct

from cloud.breakers.breaker import Breakers
from cloud.db.connect import Pool
from cloud.db.tenancy import WORKER, platform_tx
from cloud.http.kernel import Sealer
from cloud.ledger.embedded.chain import EmbeddedChain
from cloud.ledger.embedded.state import nobody
from cloud.ledger.ports import Chain, Ledger
from cloud.ledger.rehearsal.watch import watched
from cloud.ledger.rpc.chain import RpcChain
from cloud.ledger.rpc.cluster import Cluster
from cloud.ledger.rpc.opening import connected
from cloud.ledger.signing import SigningLedger
from cloud.ledger.values import Commitment, Schema
from cloud.ledger.work import keys as key_ring
from cloud.ledger.work.keys import Keys
from cloud.ledger.work.planning import LAMPORTS
from cloud.settings import Settings

PLENTY: Final = 1_000_000 * LAMPORTS  # what the embedded ledger gives its payer: it costs nothing
ENOUGH: Final = PLENTY // 10
CLUSTER: Final[LiteralString] = "SELECT cluster FROM ledger_root"
BEGIN: Final[LiteralString] = "UPDATE ledger_root SET cluster = $1 WHERE cluster IS NULL"


async def _nothing() -> None:
    """A chain that needs nothing."""


class House(Struct, frozen=True):
    """`base`: how others reach us, where metadata is. `approves`: whether a tree's cost is
    spent without a person's word. `booked`: whether what the chain takes is somebody's, so that
    books are kept of it. `schema`: of new trees. `begin` sees to it, before anything is done, that
    there is something to spend, and that the chain is the one that was written to before."""

    chain: Chain
    ledger: Ledger
    keys: Keys
    base: str
    approves: bool = True
    booked: bool = False
    schema: Schema = Schema.V2
    begin: Callable[[], Awaitable[None]] = _nothing


async def keys_of(pool: Pool, sealer: Sealer, now: datetime) -> Keys:
    """Return the keys of this service."""
    async with platform_tx(pool, WORKER, now) as tx:
        return await key_ring.opened(tx, sealer)


def over(
    chain: Chain,
    keys: Keys,
    base: str,
    schema: Schema = Schema.V2,
    *,
    approves: bool = True,
    begin: Callable[[], Awaitable[None]] = _nothing,
) -> House:
    """Return the ledger over a chain that is others'."""
    ledger = SigningLedger(chain, keys, keys.parties, schema, counts=True)
    return House(chain, ledger, keys, base, approves, booked=True, schema=schema, begin=begin)


async def pin(pool: Pool, now: datetime, chain: RpcChain, cluster: Cluster) -> None:
    """Know of which cluster the chain must be: of the one whose nodes were asked first of all.
    Raises as `RpcChain.genesis`."""
    if cluster.genesis is not None:
        return
    async with platform_tx(pool, WORKER, now) as tx:
        cluster.genesis = await tx.conn.fetchval(CLUSTER)
    if cluster.genesis is None:
        found = await chain.genesis()
        async with platform_tx(pool, WORKER, now) as tx:
            await tx.conn.execute(BEGIN, found)
            cluster.genesis = await tx.conn.fetchval(CLUSTER)


@asynccontextmanager
async def solana(
    pool: Pool,
    clock: Callable[[], datetime],
    sealer: Sealer,
    settings: Settings,
    breakers: Breakers,
) -> AsyncIterator[House]:
    """Reach Solana. Trees cost money there: each is approved by a person."""
    keys = await keys_of(pool, sealer, clock())
    nodes, indexes, cluster = settings.ledger_nodes, settings.ledger_indexes, Cluster()
    async with connected(
        nodes, indexes, breakers=breakers, most_price=settings.ledger_price, cluster=cluster
    ) as chain:

        async def begin() -> None:
            await pin(pool, clock(), chain, cluster)

        schema = Schema(settings.ledger_schema)
        yield over(chain, keys, settings.reached_at, schema, approves=False, begin=begin)


@asynccontextmanager
async def reading(
    pool: Pool, clock: Callable[[], datetime], settings: Settings, breakers: Breakers
) -> AsyncIterator[Chain]:
    """Open the chain that the settings name, for who signs nothing."""
    if settings.ledger == "solana":
        nodes, indexes = settings.ledger_nodes, settings.ledger_indexes
        async with platform_tx(pool, WORKER, clock()) as tx:
            cluster = Cluster(await tx.conn.fetchval(CLUSTER))
        async with connected(nodes, indexes, breakers=breakers, cluster=cluster) as reached:
            yield reached
        return
    chain = await EmbeddedChain.open(pool, lambda: clock().timestamp(), secrets.token_bytes(32))
    try:
        yield chain
    finally:
        await chain.aclose()


@asynccontextmanager
async def embedded(
    pool: Pool,
    clock: Callable[[], datetime],
    sealer: Sealer,
    base: str,
    programs: str = "",
    schema: Schema = Schema.V2,
) -> AsyncIterator[House]:
    """Open the ledger inside the service. *programs*: a folder of the chain's own, to be watched
    by; "": none."""
    witness = watched(Path(programs)) if programs else nobody
    chain = await EmbeddedChain.open(
        pool, lambda: clock().timestamp(), secrets.token_bytes(32), witness
    )
    keys = await keys_of(pool, sealer, clock())
    payer = keys.parties.payer

    async def begin() -> None:
        held = await chain.account(payer, Commitment.CONFIRMED)
        if held is None or held.lamports < ENOUGH:
            await chain.fund(payer, PLENTY)

    ledger = SigningLedger(chain, keys, keys.parties, schema)
    try:
        yield House(chain, ledger, keys, base, schema=schema, begin=begin)
    finally:
        await chain.aclose()
