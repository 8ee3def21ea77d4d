"""Tokens for services, and what everybody may know of the issuer (RFC 6749, 7517, 8414).

The token endpoint is the one place that refuses by OAuth's error objects: that is what the
libraries that call it read.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.exceptions import HTTPException, ValidationException
from litestar.openapi import ResponseSpec
from litestar.params import URLEncodedBody

from cloud.accounts import client_credentials, credentials_repository, jwks
from cloud.accounts.client_credentials import Claimed, OAuthRefusal, TokenForm
from cloud.accounts.permissions import Scope, format_scopes
from cloud.accounts.secrets_at_rest import matches
from cloud.accounts.service import Accounts
from cloud.errors import Refusal
from cloud.http.access import anyone
from cloud.http.unit import Unit

TOKEN: Final = "/v1/oauth/token"  # noqa: S105 - an address
JWKS: Final = "/.well-known/jwks.json"
# Below the notice that a new key is given before it signs (key_times.py).
CACHED: Final = {
    "Cache-Control": "public, max-age=300",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
OPEN: Final[Mapping[str, Any]] = {**anyone(), "streams": True}  # without a transaction
SCOPES: Final = tuple(sorted(scope.value for scope in Scope if scope != Scope.PLATFORM_ADMIN))
REFUSALS: Final = (OAuthRefusal, Refusal, ValidationException, HTTPException)
Asked = Request[Any, Any, Any]


class ClientToken(msgspec.Struct, frozen=True):
    """An access token of a service (RFC 6749 §5.1)."""

    access_token: str
    expires_in: int
    scope: str
    token_type: str = "Bearer"  # noqa: S105 - RFC 6750


class OAuthError(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why there is no token (RFC 6749 §5.2)."""

    error: client_credentials.Code
    error_description: str = ""


class Metadata(msgspec.Struct, frozen=True):
    """What the issuer says of itself (RFC 8414)."""

    issuer: str
    token_endpoint: str
    jwks_uri: str
    scopes_supported: tuple[str, ...] = SCOPES
    response_types_supported: tuple[str, ...] = ()
    grant_types_supported: tuple[str, ...] = (client_credentials.GRANT,)
    token_endpoint_auth_methods_supported: tuple[str, ...] = (
        "client_secret_basic",
        "client_secret_post",
    )


OAUTH_ERRORS: Final = {
    status: ResponseSpec(OAuthError, generate_examples=False, description=text)
    for status, text in {
        400: "The request, the grant, a scope or the target is wrong.",
        401: "The client is not known, or its secret is wrong.",
        503: "Try again in a moment.",
    }.items()
}


def on_oauth(_: Asked, error: Exception) -> Response[OAuthError]:
    """Answer a refusal as RFC 6749 §5.2 says."""
    if not isinstance(error, OAuthRefusal):
        error = _translated(error)
    status = {"invalid_client": 401, "temporarily_unavailable": 503}.get(error.code, 400)
    challenge = {"WWW-Authenticate": 'Basic realm="usher"'} if status == 401 else {}
    said = OAuthError(error.code, error.sentence)
    return Response(said, status_code=status, media_type="application/json", headers=challenge)


def _translated(error: Exception) -> OAuthRefusal:
    if isinstance(error, Refusal) and error.code in ("not_found", "credentials_invalid"):
        return OAuthRefusal("invalid_client")
    if isinstance(error, Refusal) and error.code in ("busy", "unavailable"):
        return OAuthRefusal("temporarily_unavailable")
    return OAuthRefusal("invalid_request")


@post(
    TOKEN,
    status_code=200,
    opt={
        **anyone(),
        "own_credentials": True,
        "body_limit": 8192,
        "own_refusals": tuple(OAUTH_ERRORS),  # cloud/http/description.py leaves them as they are
    },
    responses=OAUTH_ERRORS,
    exception_handlers=dict.fromkeys(REFUSALS, on_oauth),
    tags=["services"],
    operation_id="issueClientToken",
    summary="Get a service's token",
)
async def token(
    data: URLEncodedBody[TokenForm], request: Asked, accounts: NamedDependency[Accounts]
) -> ClientToken:
    """Return an access token for a service, by client credentials.

    Refusals are OAuth error objects. There is no refresh token: ask again.
    """
    asked = client_credentials.claimed(request.headers.get("authorization", ""), data)
    client_credentials.check_target(data, accounts.rules.issuer, accounts.rules.audience)
    scopes = client_credentials.granted(data, await _held(request, asked))
    access = accounts.client_token(asked.tenant, asked.client, scopes, accounts.clock())
    return ClientToken(access.access_token, access.expires_in, format_scopes(scopes))


async def _held(request: Asked, asked: Claimed) -> frozenset[Scope]:
    """Return the scopes of the client that asks, once its secret is right."""
    unit: Unit = request.scope["state"]["unit"]
    tx, _ = await unit.tenant(request, asked.tenant)
    stored = await credentials_repository.client(tx, asked.client)
    if stored is None or not matches(asked.secret, stored.hash):
        raise OAuthRefusal("invalid_client")
    return stored.scopes


@get(JWKS, opt=OPEN, tags=["services"], operation_id="readJwks", summary="Read the token keys")
async def read_jwks(accounts: NamedDependency[Accounts]) -> Response[dict[str, Any]]:
    """Return the public keys that access tokens are verified by, also those that sign next."""
    return Response(jwks.jwks(accounts.keys.public), headers=CACHED)


@get(
    "/.well-known/oauth-authorization-server",
    opt=OPEN,
    tags=["services"],
    operation_id="readIssuer",
    summary="Read about the issuer",
)
async def read_issuer(accounts: NamedDependency[Accounts]) -> Response[Metadata]:
    """Return where tokens are to be had, and how (RFC 8414)."""
    issuer = accounts.rules.issuer
    return Response(Metadata(issuer, f"{issuer}{TOKEN}", f"{issuer}{JWKS}"), headers=CACHED)


ROUTES: Final = (token, read_jwks, read_issuer)
