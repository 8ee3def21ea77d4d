"""Access tokens signed by a service's own key: Argon2 for hundreds of people takes too long."""

import asyncio
from collections.abc import Mapping
from typing import Final
from uuid import UUID, uuid4

import asyncpg

from cloud.accounts import jwt
from cloud.accounts.jwks import SigningKey
from cloud.accounts.key_repository import keys
from cloud.accounts.key_times import signing
from cloud.accounts.signing_keys import context
from cloud.db.connect import connect
from cloud.db.tenancy import Origin, PlatformTx
from cloud.keys.sealing import MasterKey
from cloud.working import utc_now

ACCOUNTS: Final = """
    WITH made AS (
        INSERT INTO account (account_id, email, email_verified_at)
        SELECT a, a || '@example.org', now() FROM unnest($1::uuid[]) AS a)
    INSERT INTO session (session_id, account_id, expires_at)
    SELECT s, a, now() + interval '1 day' FROM unnest($1::uuid[], $2::uuid[]) AS n (a, s)
"""


def people(url: str, count: int) -> dict[UUID, UUID]:
    """Make accounts, each with a session; return them. `url`: of a superuser."""
    made = {uuid4(): uuid4() for _ in range(count)}

    async def insert() -> None:
        conn = await asyncpg.connect(url)
        try:
            await conn.execute(ACCOUNTS, list(made), list(made.values()))
        finally:
            await conn.close()

    asyncio.run(insert())
    return made


def signing_key(url: str, master: MasterKey) -> SigningKey:
    """Return the key that signs access tokens."""

    async def find() -> SigningKey:
        conn = await connect(url)
        try:
            now = utc_now()
            key = signing(await keys(PlatformTx(conn, Origin("test"), now), now), now)
        finally:
            await conn.close()
        assert key is not None
        return SigningKey.from_seed(master.unseal(key.sealed, context(key.kid)))

    return asyncio.run(find())


def tokens(
    made: Mapping[UUID, UUID], key: SigningKey, issuer: str, now: int, lifetime: int = jwt.LIFETIME
) -> dict[UUID, str]:
    """Return an access token for each account."""
    return {
        account: jwt.issue(grant(account, session, issuer), key, now, lifetime)
        for account, session in made.items()
    }


def grant(account: UUID, session: UUID, issuer: str) -> jwt.Grant:
    """Return what a person's token says."""
    return jwt.Grant(
        iss=issuer, aud="usher-api", sub=account, client_id="usher", jti=uuid4(),
        kind="account", epoch=0, sid=session,
    )  # fmt: skip
