"""Endpoints have their turns: whoever takes all, but slowly, keeps no sender's place."""

import ssl
from datetime import UTC, datetime
from typing import Final
from uuid import UUID, uuid4

from cloud.breakers.breaker import Breakers
from cloud.hooks.jobs import Sender
from cloud.hooks.reaching import Caller, Vetted, is_public_or_loopback
from cloud.hooks.repository import Due
from cloud.keys.sealing import MasterKey
from tests.cloud.database import Database, awaited
from tests.cloud.hooks.receiver import Receiver, receiving
from tests.cloud.messages.post import opened
from tests.cloud.messages.post import tenant as tenant

SEALER: Final = MasterKey(bytes(32))
WAITING: Final = 5


def waiting(database: Database, tenant: UUID, receiver: Receiver) -> Due:
    """Have some deliveries wait for an endpoint."""
    endpoint = uuid4()
    sealed = SEALER.seal(bytes(32), f"hook/{endpoint}").hex()
    database.run(
        f"""
        SELECT set_config('app.tenant', '{tenant}', false);
        INSERT INTO hook_endpoint (endpoint_id, url, name, topics, sealed, created_at)
        VALUES ('{endpoint}', '{receiver.url}', 'CRM', '{{}}', '\\x{sealed}', now());
        INSERT INTO hook_delivery (endpoint_id, topic, body, created_at, due_at)
        SELECT '{endpoint}', 'hook.test', '{{"type": "hook.test", "data": {{}}}}', now(), now()
          FROM generate_series(1, {WAITING});
        """
    )
    return Due(tenant, endpoint)


def sent(database: Database, to: Due, longest: float) -> None:
    """Give an endpoint one turn."""

    async def run() -> None:
        caller = Caller(Vetted(is_public_or_loopback), ssl.create_default_context())
        async with opened(database) as pool:
            sender = Sender(
                pool, SEALER, caller, lambda: datetime.now(UTC), Breakers(None), longest
            )
            try:
                assert await sender.send(to)
            finally:
                await caller.aclose()

    awaited(run())


def test_a_turn_ends_with_its_time(database: Database, tenant: UUID) -> None:
    """The call that is over the time is the last one; the next turn goes on behind it."""
    with receiving() as receiver:
        to = waiting(database, tenant, receiver)
        sent(database, to, longest=0.0)
        assert len(receiver.calls) == 1
        sent(database, to, longest=60.0)
        assert len({call.id for call in receiver.calls}) == len(receiver.calls) == WAITING
