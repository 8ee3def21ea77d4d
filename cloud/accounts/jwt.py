"""Access tokens: JWTs by RFC 9068, signed with Ed25519 (RFC 8037, RFC 9864).

- One spelling: a token is accepted only as `issue` would spell it, byte for byte. That
  refuses repeated and unknown members, `crit`, `jku`, `jwk`, `x5c` and `x5u`, padding and loose
  base64 at once. The price: a new claim is first read by all workers, and issued afterwards.
- `kid` picks a key from those at hand; nothing in a token can bring one.
- What is remembered of a token is what can't change: that these bytes are signed with this key,
  and what they say. Whether the key is at hand, issuer, audience and times are judged each time:
  a memory of those would outlive an expiry or a withdrawn key.
- A token says who and how. Whether its `epoch` and `sid` are still in force, the caller asks.

This runs at every request, and joserfc takes more than twice as long for it. So joserfc is the
second opinion: in the tests, in both directions.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Final, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from cloud.accounts import base64url
from cloud.accounts.jwks import ALGORITHM, SigningKey
from shared import keys as ed25519

TYPE: Final = "at+jwt"
LIFETIME: Final = 600  # seconds
LONGEST_LIFETIME: Final = 3600  # seconds; one that lasts longer is an error of the issuer's
LEEWAY: Final = 30  # seconds by which the clocks of two workers may differ
LARGEST_TOKEN: Final = 4096  # characters
REMEMBERED: Final = 4096  # tokens whose signature was checked
KINDS: Final = 64  # headers that were read: every key's tokens begin with the same
# RFC 7515 fixes the bytes that are signed, so the domain that every other signature of ours
# begins with is missing here. These begin with `eyJ`, as no domain does.
_NO_DOMAIN: Final = b""

Text = Annotated[str, Meta(min_length=1, max_length=512)]
Scopes = Annotated[str, Meta(max_length=1024, pattern=r"\A[!#-\[\]-~ ]*\Z")]  # RFC 6749 §3.3
Seconds = Annotated[int, Meta(ge=0, lt=1 << 40)]


class TokenRefused(Exception):
    """An access token that proves nothing. Its code is API."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
        self.sentence = SENTENCES[code]


SENTENCES: Final[Mapping[str, str]] = {
    "token_malformed": "This is not an access token in its declared form.",
    "token_algorithm": "The access token is not signed with Ed25519.",
    "token_type": "This is another kind of token than an access token.",
    "token_unknown_key": "The access token is signed with a key that is not in use.",
    "token_signature": "The access token's signature is wrong.",
    "token_claims": "The access token's content is not in its declared form.",
    "token_issuer": "The access token was made by another issuer.",
    "token_audience": "The access token is meant for another service.",
    "token_expired": "The access token has expired: refresh it.",
    "token_not_yet": "The access token is from the future.",
}


class Grant(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a token is to say, before it has a time.

    An account's token belongs to a session, `sid`, and has no scopes: its role decides. A
    client's has scopes and no session, and its `client_id` is its `sub`.
    """

    iss: Text
    aud: Text
    sub: UUID
    client_id: Text  # RFC 9068 §2.2 demands it
    jti: UUID
    kind: Literal["account", "client"]
    epoch: Annotated[int, Meta(ge=0, lt=1 << 53)]  # raised to sign out everywhere
    sid: UUID | None = None
    scope: Scopes = ""
    tenant: UUID | None = None


class AccessClaims(
    Grant, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """What a token says."""

    iat: Seconds
    exp: Seconds


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    alg: str = ""
    kid: str = ""
    typ: str = ""


_HEADER: Final = msgspec.json.Decoder(_Header)
_CLAIMS: Final = msgspec.json.Decoder(AccessClaims)
_JSON: Final = msgspec.json.Encoder()


def issue(grant: Grant, key: SigningKey, now: int, lifetime: int = LIFETIME) -> str:
    """Return a token that says `grant` from `now` on, for `lifetime` seconds.

    A grant that `verify` would refuse is an error of the caller's, and a ValueError.
    """
    said = {name: getattr(grant, name) for name in Grant.__struct_fields__}
    claims = AccessClaims(**said, iat=now, exp=now + lifetime)
    header = _spelled(_Header(ALGORITHM, key.kid, TYPE))
    payload = _spelled(claims)
    if _claims(payload) != claims or not _agrees(claims):
        raise ValueError("a grant contradicts itself or is out of its limits")
    signed = f"{header}.{payload}"
    signature = ed25519.sign(key.secret, _NO_DOMAIN, signed.encode())
    token = f"{signed}.{base64url.encode(signature)}"
    if len(token) > LARGEST_TOKEN:
        raise ValueError("a grant is too long for a token")
    return token


def verify(
    token: str,
    keys: Mapping[str, bytes],
    *,
    issuer: str,
    audience: str,
    now: int,
    leeway: int = LEEWAY,
) -> AccessClaims:
    """Return what a token says, or raise TokenRefused. `keys` are public keys by `kid`."""
    header, payload, signature = _parts(token)
    public = keys.get(_kid(header))
    if public is None:
        raise TokenRefused("token_unknown_key")
    claims = _signed(header, payload, signature, public)
    if claims.iss != issuer:
        raise TokenRefused("token_issuer")
    if claims.aud != audience:
        raise TokenRefused("token_audience")
    if now >= claims.exp + leeway:
        raise TokenRefused("token_expired")
    if now < claims.iat - leeway:
        raise TokenRefused("token_not_yet")
    return claims


@lru_cache(REMEMBERED)  # which keeps no refusal: nobody fills it with what is not signed
def _signed(header: str, payload: str, signature: str, public: bytes) -> AccessClaims:
    """Return what a token says, whose signature holds."""
    signed = f"{header}.{payload}".encode()
    try:
        proof = base64url.decode(signature)
    except ValueError:
        raise TokenRefused("token_malformed") from None
    if not ed25519.verify(public, _NO_DOMAIN, signed, proof):
        raise TokenRefused("token_signature")
    claims = _claims(payload)
    if claims is None or not _agrees(claims):
        raise TokenRefused("token_claims")
    return claims


def _parts(token: str) -> tuple[str, str, str]:
    # Five parts would be an encrypted token, JWE; none of ours is.
    parts = token.split(".") if len(token) <= LARGEST_TOKEN and token.isascii() else []
    if len(parts) != 3:
        raise TokenRefused("token_malformed")
    return parts[0], parts[1], parts[2]


@lru_cache(KINDS)
def _kid(segment: str) -> str:
    try:
        header = _HEADER.decode(base64url.decode(segment))
    except (ValueError, RecursionError):
        raise TokenRefused("token_malformed") from None
    if header.alg != ALGORITHM:
        raise TokenRefused("token_algorithm")
    if header.typ != TYPE:
        raise TokenRefused("token_type")
    if _spelled(header) != segment:
        raise TokenRefused("token_malformed")
    return header.kid


def _claims(segment: str) -> AccessClaims | None:
    try:
        claims = _CLAIMS.decode(base64url.decode(segment))
    except (ValueError, RecursionError):
        return None
    return claims if _spelled(claims) == segment else None


def _spelled(value: msgspec.Struct) -> str:
    return base64url.encode(_JSON.encode(value))


def _agrees(claims: AccessClaims) -> bool:
    """Say whether the claims of a token fit one another."""
    if not 0 < claims.exp - claims.iat <= LONGEST_LIFETIME:
        return False
    if claims.kind == "account":
        return claims.sid is not None and not claims.scope
    return claims.sid is None and claims.client_id == str(claims.sub)
