"""A worker's part in a process of its own, which a message on the topic `poison` kills.

python -m tests.cloud.messages.dying URL TIME    # at which its clock stands, as ISO 8601
"""

import asyncio
import os
import signal
import sys
from datetime import datetime

from cloud.db.connect import open_pool
from cloud.db.tenancy import TenantTx
from cloud.messages.consumer import Message
from cloud.messages.turning import Dispatch
from tests.cloud.messages.post import consumer, note


async def die(_tx: TenantTx, _message: Message) -> None:
    """Take the process along."""
    os.kill(os.getpid(), signal.SIGKILL)


async def main(url: str, now: datetime) -> None:
    """Handle all that is due."""
    pool = await open_pool(url)
    told = consumer(a=note, poison=die)
    await Dispatch(pool, url, [told], lambda: now).all()
    await pool.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], datetime.fromisoformat(sys.argv[2])))
