"""A message, who handles it, and how."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from cloud.db.tenancy import TenantTx


class Message(msgspec.Struct, frozen=True):
    """What was published. `attempt` counts from 1."""

    id: int
    topic: str
    version: int  # of the topic's schema (cloud/topics)
    key: str  # messages of one key are handled in order
    payload: Mapping[str, Any]
    at: datetime  # when it was published
    request_id: str
    trace: str  # "", or a W3C traceparent
    attempt: int


# It writes to the database alone, in the transaction that is given: that also marks the message
# done. Whom it must ask outside it asks with an idempotency key, and raises `Away` where they
# give no answer (cloud/db/outbox.py).
Handler = Callable[[TenantTx, Message], Awaitable[None]]


class Consumer(NamedTuple):
    """Who is told of messages. `name` is stored: renaming one is a migration.

    `together`: how many messages it handles in one transaction, where it only writes and is quick.
    If one of them fails, none was handled, and each is handled by itself.
    """

    name: str
    handlers: Mapping[str, Handler]  # by topic
    together: int = 1
