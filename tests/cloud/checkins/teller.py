"""A process of the cloud of its own, which redeems what it reads and says what it answered.

    python -m tests.cloud.checkins.teller DATABASE SUPERUSER TENANT EVENT < tickets

Killed at any moment, as a process may be.
"""

import asyncio
import sys
from uuid import UUID

from cloud.errors import Refusal
from tests.cloud.checkins.scene import Scene
from tests.cloud.database import Database


async def main() -> None:
    """Redeem eight at a time."""
    superuser, name, tenant, event = sys.argv[1:]
    scene = Scene(Database(superuser, name), UUID(tenant), UUID(event))
    tickets = iter([UUID(line.strip()) for line in sys.stdin])
    async with scene.cloud() as cloud:

        async def lane() -> None:
            for ticket in tickets:
                try:
                    answer = (await cloud.redeem(ticket)).code
                except Refusal as refusal:
                    answer = refusal.code
                sys.stdout.write(f"{ticket} {answer}\n")
                sys.stdout.flush()

        await asyncio.gather(*(lane() for _ in range(8)))


if __name__ == "__main__":
    asyncio.run(main())
