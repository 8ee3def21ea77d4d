"""A process of the kill test: `python -m tests.cloud.broker.serving ROLE`, told by its input.

    {"database": "postgresql://…", "addresses": {"relay": ["amqps://…", ca, cert, key], …},
     "parent": 123}

ROLE is `relay`, or `worker` for the consumers and the collector of dead letters.
"""

import asyncio
import signal
import sys
from typing import Final

import msgspec

from cloud.broker.burying import Burying
from cloud.broker.connection import Address
from cloud.broker.consuming import Consuming
from cloud.broker.relay import Relay
from cloud.db.connect import open_pool
from cloud.db.tenancy import TenantTx
from cloud.embedded.parent import end_with
from cloud.messages.consumer import Consumer, Handler, Message
from tests.cloud.broker.post import Part, now, persist

TOPIC: Final = "order.paid"
NAMES: Final = ("orders", "tickets")


class Told(msgspec.Struct, frozen=True):
    """What a process is told."""

    database: str
    addresses: dict[str, Address]
    parent: int


def leaves(name: str) -> Handler:
    """Return a handler whose every effect is a row; a few milliseconds pass before it ends."""

    async def handle(tx: TenantTx, message: Message) -> None:
        await tx.audit(f"effect.{name}", message.key, n=message.payload["n"])
        await asyncio.sleep(0.002)  # to be killed in

    return handle


CONSUMERS: Final = tuple(Consumer(name, {TOPIC: leaves(name)}) for name in NAMES)


async def serve(role: str, told: Told) -> None:
    """Run until told to stop."""
    pool = await open_pool(told.database, size=8)
    url = told.database
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    parts: list[Part]
    if role == "relay":
        parts = [Relay(told.addresses["relay"], pool, url, CONSUMERS, now).run]
    else:
        parts = [
            *(Consuming(told.addresses[c.name], pool, url, [c], now).run for c in CONSUMERS),
            Burying(told.addresses["collector"], pool, CONSUMERS, now).run,
        ]
    await asyncio.gather(*(persist(each, stop, []) for each in parts))
    await pool.close()


if __name__ == "__main__":
    told = msgspec.json.decode(sys.stdin.buffer.read(), type=Told)
    end_with(told.parent, 5.0)
    asyncio.run(serve(sys.argv[1], told))
