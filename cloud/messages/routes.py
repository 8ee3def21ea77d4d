"""Messages that were given up, over HTTP; and the document of what is told."""

from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, PathParameter
from msgspec import Meta

from cloud.db.tenancy import TenantTx
from cloud.errors import Refusal
from cloud.http.access import needs
from cloud.http.health import HIDDEN
from cloud.http.paging import DEFAULT_LIMIT, Cursor, Limit, Page, decode, page
from cloud.messages import dead
from cloud.topics import document

MESSAGES: Final = "/v1/tenants/{tenant_id:uuid}/messages/dead"
ONE: Final = f"{MESSAGES}/{{message_id:int}}/{{consumer:str}}"
Consumer = Annotated[str, PathParameter(pattern=r"\A[a-z]{1,32}\Z", max_length=32)]
LARGEST: Final = 2**63


class DeadMessage(msgspec.Struct, frozen=True):
    """A message that a part of the service was not able to handle. `fault`: why, as a code."""

    message_id: int
    consumer: str
    topic: str
    key: str
    fault: str
    attempts: int
    published_at: datetime
    dead_at: datetime


class DeadContent(DeadMessage, frozen=True):
    """A message that a part of the service was not able to handle, with what it says.

    What is for the service's own eyes, or of a form that this build doesn't know, is not shown.
    """

    version: int
    request_id: Annotated[str, Meta(description="Of the request that it was published by.")]
    payload: dict[str, Any]


@get(MESSAGES, opt=needs("tenant:write"), tags=["messages"], operation_id="listDeadMessages",
     summary="What was given up")  # fmt: skip
async def list_dead(
    tx: NamedDependency[TenantTx], cursor: Cursor = "", limit: Limit = DEFAULT_LIMIT
) -> Page[DeadMessage]:
    """Return messages that nobody tries to handle any more, oldest first, each with its cause."""
    after = decode(cursor, tuple[int, str])
    found = [DeadMessage(*each) for each in await dead.dead(tx, after, limit + 1)]
    return page(found, limit, lambda each: (each.message_id, each.consumer))


@get(ONE, opt=needs("tenant:write"), tags=["messages"], operation_id="readDeadMessage",
     summary="Look at what was given up")  # fmt: skip
async def read_dead(
    message_id: FromPath[int], consumer: Consumer, tx: NamedDependency[TenantTx]
) -> DeadContent:
    """Return what a message says, for whoever decides what becomes of it; the audit notes that."""
    if not _stored(message_id) or (found := await dead.show(tx, message_id, consumer)) is None:
        raise Refusal("not_found")
    return DeadContent(*found.dead, found.version, found.request_id, found.payload)


@post(f"{ONE}/replay", opt=needs("tenant:write"), tags=["messages"], status_code=204,
      operation_id="replayDeadMessage", summary="Have it handled again")  # fmt: skip
async def replay_dead(
    message_id: FromPath[int], consumer: Consumer, tx: NamedDependency[TenantTx]
) -> None:
    """Have a message handled again, with all its attempts before it."""
    if not _stored(message_id) or not await dead.replay(tx, message_id, consumer):
        raise Refusal("not_found")


@post(f"{ONE}/drop", opt=needs("tenant:write"), tags=["messages"], status_code=204,
      operation_id="dropDeadMessage", summary="Let it be")  # fmt: skip
async def drop_dead(
    message_id: FromPath[int], consumer: Consumer, tx: NamedDependency[TenantTx]
) -> None:
    """Let a message be: what it would have led to doesn't happen."""
    if not _stored(message_id) or not await dead.drop(tx, message_id, consumer):
        raise Refusal("not_found")


@get(document.PATH, opt=HIDDEN, tags=["messages"], operation_id="describeMessages",
     sync_to_thread=False, summary="What is told")  # fmt: skip
def describe(page_release: NamedDependency[str]) -> Response[dict[str, Any]]:
    """Return the AsyncAPI document of every topic that webhooks may be told."""
    return Response(document.document(page_release))


def _stored(number: int) -> bool:
    return -LARGEST <= number < LARGEST


ROUTES: Final = (list_dead, read_dead, replay_dead, drop_dead, describe)
