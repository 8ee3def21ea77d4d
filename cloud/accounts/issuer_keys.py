"""The keys that an outside issuer publishes, as far as an ID token may be signed with them."""

import json
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, Key, OKPKey, RSAKey

from cloud.accounts import base64url

MOST_KEYS: Final = 100
RSA_BITS: Final = range(2048, 8193)
LARGEST_EXPONENT: Final = 1 << 33
# Every algorithm that is accepted, and the one kind of key that it goes with. No HMAC: a public
# key can't serve as its secret.
ALGORITHMS: Final[Mapping[str, str]] = {
    "RS256": "RSA",
    "PS256": "RSA",
    "ES256": "P-256",
    "Ed25519": "Ed25519",
    "EdDSA": "Ed25519",  # the name before RFC 9864, and of most issuers
}
_MEMBERS: Final = frozenset({"kty", "n", "e", "crv", "x", "y"})


class PublicKey(msgspec.Struct, frozen=True):
    """One key of an issuer; `alg` is empty where the issuer leaves it open."""

    kid: str
    kind: str  # a value of ALGORITHMS
    alg: str
    key: Key


def read_keys(document: bytes) -> list[PublicKey]:
    """Return the keys of a JWK set that can sign ID tokens; ValueError for no JWK set."""
    listed = json_object(document).get("keys")
    if not isinstance(listed, list) or len(listed) > MOST_KEYS:
        raise ValueError("not a set of keys, or too many")
    found = [_public_key(jwk) for jwk in listed if isinstance(jwk, dict)]
    return [key for key in found if key is not None]


def modern(algorithm: str) -> str:
    """Return an algorithm's name by RFC 9864."""
    return "Ed25519" if algorithm == "EdDSA" else algorithm


def json_object(document: bytes) -> dict[str, Any]:
    """Return a JSON object in which nothing is said twice; ValueError otherwise."""
    try:
        value = json.loads(document, object_pairs_hook=_once, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return msgspec.convert(value, dict[str, Any])


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is repeated")
    return members


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")  # an `exp` of NaN would never pass


def _public_key(jwk: dict[str, Any]) -> PublicKey | None:
    """Return a key that can sign ID tokens, or None: issuers list others beside them."""
    kid, alg = jwk.get("kid", ""), jwk.get("alg", "")
    if jwk.get("use", "sig") != "sig" or "d" in jwk or not isinstance(kid, str):
        return None
    key = _imported({name: jwk[name] for name in jwk if name in _MEMBERS})
    if key is None or not isinstance(alg, str):
        return None
    kind = key.curve_name if isinstance(key, ECKey | OKPKey) else key.key_type
    return PublicKey(kid, kind, modern(alg), key) if kind in ALGORITHMS.values() else None


def _imported(jwk: dict[str, Any]) -> Key | None:
    try:
        return JWKRegistry.import_key(jwk) if _strong(jwk) else None
    except (JoseError, ValueError, TypeError, KeyError):
        return None


def _strong(jwk: dict[str, Any]) -> bool:
    """Say whether an RSA key is neither weak nor so large that checking it is an attack."""
    if jwk.get("kty") != RSAKey.key_type:
        return True
    modulus, exponent = (int.from_bytes(base64url.decode(jwk[n]), "big") for n in ("n", "e"))
    return modulus.bit_length() in RSA_BITS and 2 < exponent < LARGEST_EXPONENT
