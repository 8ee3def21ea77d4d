"""Sign-in, refresh and sign-out over HTTP.

Signing in needs no verified address; `email_verified` says whether it is. What is sent to an
address (an invitation, a transfer) and new tenants need it.

An ended session's access token is refused under /v1/accounts and /v1/sessions at once, and in
the tenants until it expires, ten minutes at most; signing out everywhere, a change of password
and a copied refresh token void it everywhere at once.
"""

import asyncio
from typing import Any, Final
from uuid import UUID

import structlog
from litestar import Request, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from cloud.accounts import outside, repository, session_repository, sessions
from cloud.accounts.joining_controller import DOOR
from cloud.accounts.model import (
    OidcSignIn,
    Refresh,
    SessionOut,
    SessionTokens,
    SignedIn,
    SignIn,
    canonical,
)
from cloud.accounts.service import Accounts
from cloud.accounts.sessions import MOST_LISTED, Why, signed_in
from cloud.db.tenancy import PlatformTx, platform_tx
from cloud.errors import Refusal
from cloud.http.access import Principal, anyone, fan
from cloud.http.dependencies import provide_ptx
from cloud.http.unit import WAIT

LOG = structlog.get_logger("usher.accounts")
Asked = Request[Any, Any, Any]


@post("/v1/sessions", opt=DOOR, tags=["sessions"], operation_id="signIn", summary="Sign in")
async def sign_in(
    data: JSONBody[SignIn], request: Asked, accounts: NamedDependency[Accounts]
) -> SignedIn:
    """Begin a session by address and password.

    Tries are counted by account and by where they come from, together: nobody locks out the
    owner, who comes from elsewhere.
    """
    email = canonical(data.email)
    address = request.scope["state"]["origin"].address
    await accounts.count("sign-in", f"{email} {address}", accounts.rules.tries)
    async with accounts.hashing.slot():
        ptx = await provide_ptx(request)
        account = await repository.by_email(ptx, email)
        stored = account.password if account else None
        checked = await accounts.hashing.check(data.password, stored)
        if account is None or not checked.ok:
            LOG.info("sign_in_refused", account=str(account.account_id) if account else "")
            raise Refusal("sign_in_refused")
        if checked.rehash:
            anew = await accounts.hashing.hash(data.password)
            await repository.set_password(ptx, account.account_id, anew)
    return await sessions.begin(ptx, accounts, account, "password")


@post(
    "/v1/sessions/oidc",
    opt=DOOR,
    tags=["sessions"],
    operation_id="signInOutside",
    summary="Sign in by another issuer",
)
async def sign_in_outside(
    data: JSONBody[OidcSignIn], request: Asked, accounts: NamedDependency[Accounts]
) -> SignedIn:
    """Begin a session by an ID token of an issuer that is known here. It is good once."""
    now = int(accounts.clock().timestamp())
    identity = await outside.identify(accounts, data, now)
    ptx = await provide_ptx(request)
    account = await outside.found_or_made(ptx, identity, data.id_token)
    return await sessions.begin(ptx, accounts, account, "oidc")


@post(
    "/v1/sessions/refresh",
    status_code=200,
    opt={**anyone(), "own_credentials": True},
    tags=["sessions"],
    operation_id="refreshSession",
    summary="Refresh a session",
)
async def refresh(
    data: JSONBody[Refresh], request: Asked, accounts: NamedDependency[Accounts]
) -> SessionTokens:
    """Exchange a refresh token for the next one, and a new access token.

    If the answer is lost, the same token may be sent again for ten seconds. A token that comes
    later than that was copied, and the session ends.
    """
    # Not the request's transaction: that the session ended must last, though this is refused.
    origin = request.scope["state"]["origin"]
    async with (
        asyncio.timeout(WAIT),
        platform_tx(accounts.pool, origin, accounts.clock()) as ptx,
    ):
        tokens = await sessions.renew(ptx, accounts, data.refresh_token)
    if tokens is None:
        raise Refusal("refresh_refused")
    return tokens


@get("/v1/sessions", opt=fan(), tags=["sessions"], operation_id="listSessions",
     summary="List your sessions")  # fmt: skip
async def list_sessions(
    ptx: NamedDependency[PlatformTx], principal: NamedDependency[Principal]
) -> list[SessionOut]:
    """Return your sessions that have not ended, the last used first."""
    account = await signed_in(ptx, principal)
    found = await session_repository.open_sessions(ptx, account.account_id, MOST_LISTED)
    return [SessionOut(*each, each.session_id == principal.session) for each in found]


@delete(
    "/v1/sessions/current",
    opt=fan(),
    tags=["sessions"],
    operation_id="signOut",
    summary="Sign out",
)
async def sign_out(ptx: NamedDependency[PlatformTx], principal: NamedDependency[Principal]) -> None:
    """End the session that this request belongs to."""
    account = await signed_in(ptx, principal)
    if principal.session is not None:
        await _end(ptx, principal.session, account.account_id)


@delete(
    "/v1/sessions/{session_id:uuid}",
    opt=fan(),
    tags=["sessions"],
    operation_id="endSession",
    summary="End a session",
)
async def end_session(
    session_id: FromPath[UUID],
    ptx: NamedDependency[PlatformTx],
    principal: NamedDependency[Principal],
) -> None:
    """End one of your sessions."""
    account = await signed_in(ptx, principal)
    await _end(ptx, session_id, account.account_id)


async def _end(ptx: PlatformTx, session: UUID, account: UUID) -> None:
    if not await session_repository.end(ptx, session, account, Why.SIGNED_OUT):
        raise Refusal("not_found")
    await ptx.audit("session.ended", f"session:{session}")


ROUTES: Final = (sign_in, sign_in_outside, refresh, list_sessions, sign_out, end_session)
