"""A worker's part in a process of its own, which a message on the topic `poison` kills.

python -m tests.cloud.messages.dying URL SECONDS    # how far ahead its clock is
"""

import asyncio
import os
import signal
import sys
from functools import partial

from cloud.db.connect import open_pool
from cloud.db.tenancy import TenantTx
from cloud.messages.consumer import Message
from cloud.messages.turning import Dispatch
from tests.cloud.messages.post import consumer, later, note


async def die(_tx: TenantTx, _message: Message) -> None:
    """Take the process along."""
    os.kill(os.getpid(), signal.SIGKILL)


async def main(url: str, seconds: float) -> None:
    """Handle all that is due."""
    pool = await open_pool(url)
    told = consumer(a=note, poison=die)
    await Dispatch(pool, url, [told], partial(later, seconds)).all()
    await pool.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], float(sys.argv[2])))
