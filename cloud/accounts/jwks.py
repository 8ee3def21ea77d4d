"""The keys that sign access tokens, and the document that publishes them (RFC 7517, RFC 8037)."""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from cloud.accounts import base64url
from shared import keys as ed25519

ALGORITHM: Final = "Ed25519"
MOST_KEYS: Final = 100
LARGEST_DOCUMENT: Final = 1 << 16  # bytes


class BadKeySet(Exception):
    """A document that is not a set of public keys; its text says what is wrong."""


class SigningKey(msgspec.Struct, frozen=True):
    """A private key and its name. Its representation, which a log may show, keeps the secret."""

    kid: str
    secret: bytes

    @classmethod
    def from_seed(cls, seed: bytes) -> "SigningKey":
        """Return the key of a 32-byte seed, named by its thumbprint."""
        secret = ed25519.secret_key(seed)
        return cls(thumbprint(ed25519.public_key(secret)), secret)

    @property
    def public(self) -> bytes:
        """The 32 bytes that everybody may know."""
        return ed25519.public_key(self.secret)

    def __repr__(self) -> str:
        return f"SigningKey({self.kid!r})"


class _Jwk(msgspec.Struct, frozen=True):
    kty: str
    kid: str = ""
    crv: str = ""
    x: str = ""
    use: str = "sig"
    alg: str = ALGORITHM
    d: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    k: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class _JwkSet(msgspec.Struct, frozen=True):
    keys: list[_Jwk]


def thumbprint(public: bytes) -> str:
    """Return a key's name by RFC 7638: 43 characters that follow from the key."""
    members = f'{{"crv":"Ed25519","kty":"OKP","x":"{base64url.encode(public)}"}}'
    return base64url.encode(hashlib.sha256(members.encode()).digest())


def jwks(keys: Mapping[str, bytes]) -> dict[str, Any]:
    """Return the document that publishes public keys by their names."""
    return {
        "keys": [
            {
                "kty": "OKP",
                "crv": "Ed25519",
                "use": "sig",
                "alg": ALGORITHM,
                "kid": kid,
                "x": base64url.encode(public),
            }
            for kid, public in keys.items()
        ]
    }


def parse_jwks(document: bytes) -> dict[str, bytes]:
    """Return the Ed25519 keys of a document by name.

    Keys of other kinds are passed over, as RFC 7517 §5 asks; an Ed25519 key that is wrong
    spoils the whole document, and so does a private key of any kind.
    """
    found: dict[str, bytes] = {}
    for jwk in _read(document).keys:
        if jwk.d is not msgspec.UNSET or jwk.k is not msgspec.UNSET:
            raise BadKeySet("the document holds a private key")
        if (jwk.kty, jwk.crv, jwk.use, jwk.alg) != ("OKP", "Ed25519", "sig", ALGORITHM):
            continue
        if not jwk.kid or jwk.kid in found:
            raise BadKeySet("a key has no name, or another's")
        found[jwk.kid] = _point(jwk.x)
    return found


def _read(document: bytes) -> _JwkSet:
    if len(document) > LARGEST_DOCUMENT:
        raise BadKeySet("the document is too large")
    try:
        key_set = msgspec.json.decode(document, type=_JwkSet)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadKeySet("the document is not a set of keys") from None
    if len(key_set.keys) > MOST_KEYS:
        raise BadKeySet("the document has too many keys")
    return key_set


def _point(text: str) -> bytes:
    try:
        public = base64url.decode(text)
    except ValueError:
        raise BadKeySet("a key is not base64") from None
    # A key of small order makes one signature fit every message.
    if not ed25519.is_valid_point(public):
        raise BadKeySet("a key is not a safe Ed25519 key")
    return public
