"""A process that mints until it is killed: `python -m tests.cloud.ledger.minter URL START`.

It prints each signature once the ledger has acknowledged it, and sends ten at a time.
"""

import asyncio
import sys
import time

from solders.transaction import Transaction

from cloud.db.connect import open_pool
from cloud.ledger.embedded.chain import EmbeddedChain
from cloud.ledger.values import Schema, Shape
from tests.cloud.ledger.scene import Scene

SHAPE = Shape(14, 64, 8)


async def main(url: str, start: int) -> None:
    """Mint tickets from number *start* on."""
    pool = await open_pool(url)
    scene = Scene(await EmbeddedChain.open(pool, time.time, bytes(32)), Schema.V2, SHAPE)
    if start == 0:
        await scene.build()
    for first in range(start, start + 10_000, 10):
        await asyncio.gather(*(mint(scene, number) for number in range(first, first + 10)))


async def mint(scene: Scene, number: int) -> None:
    """Mint one and say so."""
    raw = await scene.signed(scene.minting(number))
    error = await scene.chain.send(raw)
    print(error or Transaction.from_bytes(raw).signatures[0], flush=True)  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
