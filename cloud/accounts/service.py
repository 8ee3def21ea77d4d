"""What the routes of accounts stand on, made once by the composition root.

Routes ask for it as `accounts: NamedDependency[Accounts]`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Final
from uuid import UUID, uuid4

import httpx

from cloud.accounts import jwt
from cloud.accounts.hashing import Hashing
from cloud.accounts.model import Access
from cloud.accounts.oidc import Issuer
from cloud.accounts.permissions import Scope, format_scopes
from cloud.accounts.refresh import Lifetimes
from cloud.accounts.signing_keys import TokenKeys
from cloud.db.connect import Pool
from cloud.errors import Refusal
from cloud.http.kernel import Clock, Limiter
from cloud.keys.sealing import Sealer
from cloud.settings import Settings

DAY: Final = 86_400
APP: Final = "usher"  # the client_id of a person's token


@dataclass(frozen=True)
class Rules:
    """Names and times."""

    issuer: str  # our address, without a slash at its end
    audience: str
    access_seconds: int = 600
    client_seconds: int = 300  # a revoked client's last token is good for as long
    refresh: Lifetimes = field(default_factory=Lifetimes)
    tries: int = 10  # sign-ins a minute at one account from one address
    mails: int = 3  # a minute to one account
    invitations: int = 20  # a minute by one tenant


@dataclass(frozen=True)
class Outside:
    """An outside issuer, and what we are called there."""

    issuer: Issuer
    audience: str


@dataclass(frozen=True)
class Accounts:
    """The built-in issuer, and what it needs."""

    rules: Rules
    pool: Pool
    clock: Clock
    sealer: Sealer
    limiter: Limiter
    keys: TokenKeys
    hashing: Hashing
    outside: Mapping[str, Outside] = field(default_factory=dict)

    def account_token(self, account: UUID, epoch: int, session: UUID, now: datetime) -> Access:
        """Return an access token of a person's session."""
        grant = jwt.Grant(
            iss=self.rules.issuer, aud=self.rules.audience, sub=account, client_id=APP,
            jti=uuid4(), kind="account", epoch=epoch, sid=session,
        )  # fmt: skip
        return self._issue(grant, self.rules.access_seconds, now)

    def client_token(
        self, tenant: UUID, client: UUID, scopes: frozenset[Scope], now: datetime
    ) -> Access:
        """Return an access token of a service in its tenant."""
        grant = jwt.Grant(
            iss=self.rules.issuer, aud=self.rules.audience, sub=client, client_id=str(client),
            jti=uuid4(), kind="client", epoch=0, scope=format_scopes(scopes), tenant=tenant,
        )  # fmt: skip
        return self._issue(grant, self.rules.client_seconds, now)

    def _issue(self, grant: jwt.Grant, lifetime: int, now: datetime) -> Access:
        token = jwt.issue(grant, self.keys.signer(), int(now.timestamp()), lifetime)
        return Access(token, lifetime)

    async def count(self, what: str, whom: str, per_minute: int) -> None:
        """Refuse what is done to somebody too often. Counted whether they exist or not."""
        if wait := await self.within(what, whom, per_minute):
            raise Refusal("rate_limited", retry_after=wait)

    async def within(self, what: str, whom: str, per_minute: int) -> int:
        """Count once more; return how many seconds to wait, 0 for none."""
        # No address stands in Redis.
        digest = sha256(whom.encode(errors="surrogatepass")).hexdigest()
        return await self.limiter.hit(f"{what}:{digest}", per_minute)


def build(
    settings: Settings,
    pool: Pool,
    clock: Clock,
    sealer: Sealer,
    limiter: Limiter,
    http: httpx.AsyncClient,
    public_url: str,
) -> Accounts:
    """Return the accounts of these settings. `public_url`: how others reach us."""
    absolute = settings.refresh_days * DAY
    lifetimes = Lifetimes(idle=min(Lifetimes().idle, absolute), absolute=absolute)
    rules = Rules(
        public_url.rstrip("/"), settings.audience, settings.access_seconds, refresh=lifetimes
    )
    outside = {
        each.issuer: Outside(
            Issuer(http, each.issuer, loopback=settings.oidc_insecure_loopback), each.audience
        )
        for each in settings.oidc
    }
    keys = TokenKeys(pool, sealer, clock)
    return Accounts(rules, pool, clock, sealer, limiter, keys, Hashing(), outside)
