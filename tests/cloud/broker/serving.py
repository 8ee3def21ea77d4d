"""A process of the kill tests: `python -m tests.cloud.broker.serving ROLE`, told by its input.

    {"database": "postgresql://…", "addresses": {"relay": ["amqps://…", ca, cert, key], …},
     "parent": 123}

ROLE is `relay`, `worker` for the consumers and the collector of dead letters, or `dispatch` for
all in process, without a broker. The consumers are the service's own.
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
from cloud.db.connect import Pool, open_pool
from cloud.db.tenancy import TenantTx
from cloud.embedded.parent import end_with
from cloud.hooks import jobs as hook_jobs
from cloud.messages.consumer import Consumer, Handler, Message
from cloud.messages.turning import Dispatch
from cloud.notify import putting
from tests.cloud.broker.post import Part, now, persist


class Told(msgspec.Struct, frozen=True):
    """What a process is told."""

    database: str
    addresses: dict[str, Address]
    parent: int


def slowly(handler: Handler) -> Handler:
    """Let a moment pass between an effect and its commit, to be killed in."""

    async def handle(tx: TenantTx, message: Message) -> None:
        await handler(tx, message)
        await asyncio.sleep(0.002)

    return handle


CONSUMERS: Final = tuple(
    Consumer(each.name, {topic: slowly(handler) for topic, handler in each.handlers.items()})
    for each in (hook_jobs.consumer(), putting.CONSUMER)
)
NAMES: Final = tuple(each.name for each in CONSUMERS)


def parts_of(role: str, told: Told, pool: Pool) -> list[Part]:
    """Return what a role does."""
    url, addresses = told.database, told.addresses
    match role:
        case "dispatch":
            return [Dispatch(pool, url, CONSUMERS, now).run]
        case "relay":
            return [Relay(addresses["relay"], pool, url, CONSUMERS, now).run]
    return [
        *(Consuming(addresses[each.name], pool, url, [each], now).run for each in CONSUMERS),
        Burying(addresses["collector"], pool, CONSUMERS, now).run,
    ]


async def serve(role: str, told: Told) -> None:
    """Run until told to stop."""
    pool = await open_pool(told.database, size=8)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})  # which was held until here
    await asyncio.gather(*(persist(each, stop, []) for each in parts_of(role, told, pool)))
    await pool.close()


if __name__ == "__main__":
    told = msgspec.json.decode(sys.stdin.buffer.read(), type=Told)
    end_with(told.parent, 5.0)
    asyncio.run(serve(sys.argv[1], told))
