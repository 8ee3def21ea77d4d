"""The embedded ledger on PostgreSQL: tickets minted durably, and proofs of any of them."""

import asyncio
import os
import time
from random import Random
from typing import Final

import uvloop

from benchmarks.cloud.minting import minted_rows
from benchmarks.cloud.place import Place, tell
from benchmarks.report import Row, percentile
from cloud.db.connect import Pool
from cloud.ledger.bubblegum.leaf import leaf_hash
from cloud.ledger.bubblegum.programs import asset_of
from cloud.ledger.embedded.chain import EmbeddedChain
from cloud.ledger.tree.hashing import root_of
from cloud.ledger.values import Commitment, Schema, Shape
from tests.cloud.ledger.scene import OURS, Scene, signed

TICKETS: Final = 100_000
EACH: Final = 5  # in one transaction
TOGETHER: Final = 64  # transactions on their way at once
OVER_RPC: Final = 3_000
PROOFS: Final = 2_000
SHAPE: Final = Shape(17, 64, 8)


def rows_of(
    place: Place, tickets: int = TICKETS, proofs: int = PROOFS, over_rpc: int = OVER_RPC
) -> list[Row]:
    """Mint, and prove; then mint what was sold, as a worker does."""
    return [*uvloop.run(_rows(place, tickets, proofs)), *minted_rows(place, tickets, over_rpc)]


async def _rows(place: Place, tickets: int, proofs: int) -> list[Row]:
    pool = await place.database.pool()
    try:
        chain = await EmbeddedChain.open(pool, time.time, os.urandom(32))
        scene = Scene(chain, Schema.V2, SHAPE)
        await scene.build()
        begun, worked = time.perf_counter(), time.process_time()
        await _mint(scene, tickets)
        taken, worked = time.perf_counter() - begun, time.process_time() - worked
        other = await EmbeddedChain.open(pool, time.time, os.urandom(32))
        begun = time.perf_counter()
        await other.proof(asset_of(scene.tree.pubkey(), 0))
        cold = time.perf_counter() - begun
        spent, bare = await _prove(pool, scene, other, tickets, proofs)
    finally:
        await pool.close()
    return [
        Row(f"mint {tickets:,} tickets durably, {EACH} a transaction", tickets / taken, "/s", 500,
            "at least", f"signing them too; {worked / taken:.0%} of the time is this process's"),
        Row(f"proof of any of {tickets:,} assets, 99 of 100", percentile(spent, 0.99) * 1000,
            "ms", 5, "at most", f"median {percentile(spent, 0.5) * 1000:.2f} ms; in turn with it "
            f"SELECT 1 {percentile(bare, 0.99) * 1000:.2f} and {percentile(bare, 0.5) * 1000:.2f} "
            f"ms; the first after a start {cold:.2f} s, for it builds the tree"),
    ]  # fmt: skip


async def _mint(scene: Scene, tickets: int) -> None:
    free = asyncio.Semaphore(TOGETHER)

    async def one(first: int) -> None:
        async with free:
            built = [scene.minting(number) for number in range(first, first + EACH)]
            newest = await scene.chain.blockhash(Commitment.CONFIRMED)
            refused = await scene.chain.send(signed(built, newest.value, OURS))
            if refused is not None:
                raise SystemExit(refused)

    await asyncio.gather(*(one(first) for first in range(0, tickets, EACH)))
    newest = await scene.chain.asset(asset_of(scene.tree.pubkey(), tickets - 1))
    if newest is None:
        raise SystemExit("not all are there")


async def _prove(
    pool: Pool, scene: Scene, chain: EmbeddedChain, tickets: int, proofs: int
) -> tuple[list[float], list[float]]:
    """Return how long each proof took, and each bare query, in seconds; proofs are checked."""
    random = Random(1)
    spent, bare = [], []
    for _ in range(proofs):
        wanted = asset_of(scene.tree.pubkey(), random.randrange(tickets))
        begun = time.perf_counter()
        proof = await chain.proof(wanted)
        spent.append(time.perf_counter() - begun)
        asset = await chain.asset(wanted)
        if proof is None or asset is None or proof.leaf != leaf_hash(asset.leaf):
            raise SystemExit("no proof")
        if root_of(proof.leaf, proof.index, proof.nodes) != proof.root:
            raise SystemExit("a wrong proof")
        async with pool.acquire() as conn:
            begun = time.perf_counter()
            await conn.execute("SELECT 1")
            bare.append(time.perf_counter() - begun)
    return sorted(spent), sorted(bare)


def main() -> None:
    """Print rows as JSON."""
    tell(rows_of)


if __name__ == "__main__":
    main()
