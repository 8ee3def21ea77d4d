"""What an outside issuer's ID token proves (OpenID Connect Core §3.1.3.7). Pure.

- The algorithm is one of four, and must fit the kind of the key: a public key can't serve as
  the secret of an HMAC, because there is no HMAC.
- Keys come from the issuer's own document alone. A header that brings or names others (`jku`,
  `jwk`, `x5u`, `x5c`) or asks for what we don't know (`crit`) is refused.
- `iss` and `nonce` match exactly; we are in `aud`, and where others are too, `azp` is us.
- Only a token that was just made counts: it signs somebody in, once.
"""

from collections.abc import Mapping, Sequence
from hmac import compare_digest
from typing import Annotated, Any, Final

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from msgspec import Meta

from cloud.accounts import base64url
from cloud.accounts.issuer_keys import ALGORITHMS, PublicKey, json_object, modern

LARGEST_TOKEN: Final = 16_384  # characters; some issuers list a person's groups
LEEWAY: Final = 60  # seconds by which an issuer's clock may differ from ours
OLDEST: Final = 600  # seconds since it was made
_FORBIDDEN: Final = frozenset({"crit", "jku", "jwk", "x5u", "x5c", "b64", "cty"})


class IdTokenRefused(Exception):
    """An ID token that proves nothing; `code` is API."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
        self.sentence = SENTENCES[code]


SENTENCES: Final[Mapping[str, str]] = {
    "id_token_malformed": "This is not a signed ID token.",
    "id_token_algorithm": "The ID token is signed in a way that is not accepted here.",
    "id_token_unknown_key": "The ID token is signed with a key that its issuer does not publish.",
    "id_token_signature": "The ID token's signature is wrong.",
    "id_token_claims": "The ID token lacks something, or says it in another form.",
    "id_token_issuer": "The ID token was made by another issuer.",
    "id_token_audience": "The ID token is meant for another service.",
    "id_token_nonce": "The ID token belongs to another sign-in.",
    "id_token_expired": "The ID token has expired: sign in again.",
    "id_token_not_yet": "The ID token is from the future.",
}


class ExternalIdentity(msgspec.Struct, frozen=True):
    """Who somebody is by an outside issuer. `issuer` and `subject` name them, never `email`."""

    issuer: str
    subject: str
    email: str | None
    email_verified: bool


class Expected(msgspec.Struct, frozen=True):
    """What a token must say to be meant for this sign-in."""

    issuer: str
    client_id: str
    nonce: str


class _Header(msgspec.Struct, frozen=True):
    alg: str
    kid: str = ""
    typ: str = "JWT"


class _Claims(msgspec.Struct, frozen=True):
    iss: str
    sub: Annotated[str, Meta(min_length=1, max_length=255)]
    aud: str | list[str]
    exp: int | float
    iat: int | float
    nonce: str
    nbf: int | float = 0
    azp: str | None = None
    email: Annotated[str, Meta(min_length=3, max_length=320)] | None = None
    email_verified: bool | str = False


class _Registry(jws.JWSRegistry):
    max_header_length = 2048

    def get_alg(self, name: str) -> Any:
        # joserfc warns of the old name, and would let it stand for another curve.
        return super().get_alg(modern(name))


_REGISTRY: Final = _Registry(algorithms=list(ALGORITHMS), strict_check_header=False)


def verify(token: str, keys: Sequence[PublicKey], expected: Expected, now: int) -> ExternalIdentity:
    """Return who a token proves somebody to be, or raise IdTokenRefused."""
    header = _header(token)
    key = _chosen(header, keys)
    try:
        signed = jws.deserialize_compact(token, key.key, registry=_REGISTRY)
    except (JoseError, ValueError):
        raise IdTokenRefused("id_token_signature") from None
    claims = _claims(signed.payload)
    _meant(claims, expected)
    _in_time(claims, now)
    verified = claims.email_verified in (True, "true")  # some issuers send it as a text
    return ExternalIdentity(claims.iss, claims.sub, claims.email, verified and bool(claims.email))


def _header(token: str) -> _Header:
    parts = token.split(".") if len(token) <= LARGEST_TOKEN and token.isascii() else []
    if len(parts) != 3:
        raise IdTokenRefused("id_token_malformed")
    try:
        members = json_object(base64url.decode(parts[0]))
        header = msgspec.convert(members, _Header)
    except ValueError:
        raise IdTokenRefused("id_token_malformed") from None
    if not _FORBIDDEN.isdisjoint(members) or header.typ.upper() != "JWT":
        raise IdTokenRefused("id_token_malformed")
    if header.alg not in ALGORITHMS:
        raise IdTokenRefused("id_token_algorithm")
    return header


def _chosen(header: _Header, keys: Sequence[PublicKey]) -> PublicKey:
    named = [key for key in keys if key.kid == header.kid or not header.kid]
    fitting = [
        key
        for key in named
        if key.kind == ALGORITHMS[header.alg] and key.alg in ("", modern(header.alg))
    ]
    if named and not fitting:
        raise IdTokenRefused("id_token_algorithm")
    if len(fitting) != 1:  # without a name, there must be no choice
        raise IdTokenRefused("id_token_unknown_key")
    return fitting[0]


def _claims(payload: bytes | None) -> _Claims:
    try:
        return msgspec.convert(json_object(payload or b""), _Claims)
    except ValueError:
        raise IdTokenRefused("id_token_claims") from None


def _meant(claims: _Claims, expected: Expected) -> None:
    if claims.iss != expected.issuer:
        raise IdTokenRefused("id_token_issuer")
    audience = [claims.aud] if isinstance(claims.aud, str) else claims.aud
    party = claims.azp or (expected.client_id if len(audience) == 1 else "")
    if expected.client_id not in audience or party != expected.client_id:
        raise IdTokenRefused("id_token_audience")
    if not compare_digest(claims.nonce.encode(), expected.nonce.encode()):
        raise IdTokenRefused("id_token_nonce")


def _in_time(claims: _Claims, now: int) -> None:
    if now >= claims.exp + LEEWAY or now >= claims.iat + OLDEST + LEEWAY:
        raise IdTokenRefused("id_token_expired")
    if now < max(claims.iat, claims.nbf) - LEEWAY:
        raise IdTokenRefused("id_token_not_yet")
