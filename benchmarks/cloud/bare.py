"""The least that reading a ticket over HTTP could be, to be measured against: a litestar handler
that checks the same access token, and fetches the same row, as the same role of the database, in
one transaction in the tenant. It remembers no token: it checks the signature each time, which the
service does once (cloud/accounts/jwt.py). No rate limit, no caller's role, no request id, no
security headers, no ETag, no log.
"""

import os
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, LiteralString
from uuid import UUID

import httpx
from litestar import Litestar, Request, get
from litestar.params import FromPath

from cloud.accounts import base64url
from cloud.accounts.gatekeeper import BearerGatekeeper
from cloud.accounts.service import build
from cloud.http.rate_limit import RateLimiter
from cloud.parts import Parts
from cloud.settings import read
from cloud.tickets.controller_paths import TICKET
from cloud.tickets.model import Ticket
from cloud.tickets.repository import READ, ticket
from cloud.working import utc_now
from shared import keys as ed25519

if TYPE_CHECKING:
    from litestar.types import ASGIApp

ENTER: Final[LiteralString] = "SELECT set_config('app.tenant', $1, true)"


def check(token: str, keys: Iterable[bytes]) -> None:
    """Check a token's signature, as if it had never been seen."""
    signed, _, signature = token.rpartition(".")
    proof = base64url.decode(signature)
    if not any(ed25519.verify(key, b"", signed.encode(), proof) for key in keys):
        raise ValueError("not signed")


def factory() -> "ASGIApp":
    """Return the application; its environment is that of `usher-cloud serve`."""
    settings = read(None, os.environ)
    parts = Parts(settings)
    limiter, http = RateLimiter(parts.line), httpx.AsyncClient()
    accounts = build(
        settings, parts.pool, utc_now, parts.sealer, limiter, http, settings.reached_at
    )
    gatekeeper = BearerGatekeeper(accounts.rules, accounts.keys)

    @get(TICKET)
    async def read_ticket(
        request: Request[Any, Any, Any],
        tenant_id: FromPath[UUID],
        event_id: FromPath[UUID],
        ticket_id: FromPath[UUID],
    ) -> Ticket:
        authorization = request.headers["authorization"]
        gatekeeper.principal(authorization, utc_now())
        check(authorization.partition(" ")[2], accounts.keys.public.values())
        async with parts.pool.acquire() as conn, conn.transaction():
            await conn.execute(ENTER, str(tenant_id))
            row = await conn.fetchrow(READ, event_id, ticket_id)
        if row is None:
            raise LookupError
        return ticket(row)

    @asynccontextmanager
    async def life(_: Litestar) -> AsyncIterator[None]:
        async with http, parts.open(), accounts.keys.fresh():
            yield

    return Litestar([read_ticket], lifespan=[life], openapi_config=None, logging_config=None)
