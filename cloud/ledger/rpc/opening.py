"""Solana as the settings name it: connections to nodes and indexes, with a breaker for each."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import httpx

from cloud.breakers.breaker import Breakers
from cloud.ledger.rpc.chain import RpcChain
from cloud.ledger.rpc.cluster import Cluster
from cloud.ledger.rpc.endpoint import RULE, WAIT, Endpoint
from cloud.ledger.rpc.endpoints import PATIENCE, Endpoints

AT_ONCE: Final = 32  # connections
PRICE: Final = 200_000  # micro-lamports a compute unit: about 0.0002 SOL a transaction


@asynccontextmanager
async def connected(
    nodes: Sequence[str],
    indexes: Sequence[str] = (),
    *,
    breakers: Breakers,
    most_price: int = PRICE,
    wait: float = WAIT,
    patience: float = PATIENCE,
    cluster: Cluster | None = None,
) -> AsyncIterator[RpcChain]:
    """Open the chain. Without *indexes* the nodes are also asked for assets.

    `wait`: seconds for an answer; `patience`: after how many nobody is asked again. `cluster`: that
    nodes must be of; an index needn't say, for it is held to the nodes' accounts.
    """
    limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
    async with httpx.AsyncClient(timeout=wait, limits=limits, trust_env=False) as http:

        def several(kind: str, urls: Sequence[str], of: Cluster | None = None) -> Endpoints:
            named = (
                (url, breakers.of(f"ledger:{kind}{place}", RULE)) for place, url in enumerate(urls)
            )
            made = [Endpoint(http, url, breaker, wait=wait, cluster=of) for url, breaker in named]
            return Endpoints(made, patience=patience)

        known = several("node", nodes, cluster)
        yield RpcChain(known, several("index", indexes) if indexes else known, most_price)
