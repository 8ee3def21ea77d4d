"""Tells who calls: the `Gatekeeper` of cloud/http/kernel.py.

Bearer eyJ…   an access token of a person or of a service
Bearer usk_…  an organizer's API key, looked up in the tenant that is entered
Usher1 …      a device, whose signature is checked where the route asks for one
"""

from datetime import datetime

from cloud.accounts import credentials_repository, jwt
from cloud.accounts.jwt import AccessClaims, TokenRefused
from cloud.accounts.permissions import Role, allowed
from cloud.accounts.secrets_at_rest import (
    Kind,
    SecretRefused,
    matches,
    parse_secret,
    secret_hash,
)
from cloud.accounts.service import Rules
from cloud.accounts.signing_keys import TokenKeys
from cloud.db.tenancy import TenantTx
from cloud.errors import Refusal
from cloud.http.access import NO_SCOPES, Principal


class BearerGatekeeper:
    """Knows people and services by the tokens that we issue, and organizers by API keys."""

    def __init__(self, rules: Rules, keys: TokenKeys) -> None:
        self._rules = rules
        self._keys = keys

    def principal(self, authorization: str, now: datetime) -> Principal:
        """Return what the header proves by itself, or refuse it."""
        scheme, _, credential = authorization.partition(" ")
        if scheme == "Usher1":
            return Principal("device", "device")
        if scheme.lower() != "bearer" or not credential:
            raise Refusal("credentials_malformed", accepted="Bearer, and a token or an API key")
        if credential.startswith(f"{Kind.API_KEY}_"):
            return _key(credential)
        return _holder(self._claims(credential, int(now.timestamp())))

    async def key_scopes(self, tx: TenantTx, secret: str) -> tuple[str, frozenset[str]]:
        """Return an API key's actor and scopes in the tenant entered, or refuse it."""
        key_id = parse_secret(secret).id
        stored = await credentials_repository.api_key(tx, key_id)
        if stored is None or not matches(secret, stored.hash):
            # A key of another tenant is told the same as a key of nobody.
            raise Refusal("credentials_invalid")
        return f"key:{key_id}", stored.scopes

    def role_scopes(self, role: str | None) -> frozenset[str]:
        """Return what a role may do in its tenant."""
        return NO_SCOPES if role is None else frozenset(allowed(Role(role)))

    def _claims(self, token: str, now: int) -> AccessClaims:
        rules = self._rules
        try:
            return jwt.verify(
                token, self._keys.public, issuer=rules.issuer, audience=rules.audience, now=now
            )
        except TokenRefused as refused:
            if refused.code == "token_unknown_key":
                self._keys.ask()
            expired = refused.code == "token_expired"
            raise Refusal("token_expired" if expired else "credentials_invalid") from None


def _key(credential: str) -> Principal:
    try:
        named = parse_secret(credential)
    except SecretRefused:
        raise Refusal("credentials_invalid") from None
    # Requests are counted by the whole key: nobody uses up another's by naming its id.
    counted = f"key:{named.id}:{secret_hash(credential).hex()[:16]}"
    return Principal("key", counted, secret=credential)


def _holder(claims: AccessClaims) -> Principal:
    if claims.kind == "client":
        scopes = frozenset(claims.scope.split())
        actor = f"client:{claims.sub}"
        if claims.tenant is None:  # it would be good in every one
            raise Refusal("credentials_invalid")
        return Principal("client", actor, tenant=claims.tenant, scopes=scopes)
    actor = f"account:{claims.sub}"
    return Principal("account", actor, claims.sub, claims.epoch, claims.sid)
