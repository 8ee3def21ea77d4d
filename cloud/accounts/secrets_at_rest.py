"""API keys and client secrets: how they look, and what of them is stored.

    kind _ id _ body checksum
    usk   8     43   6          characters: the id in base32, the others in base 62

- A prefix and a fixed shape, so that scanners of code and logs find one that got loose. All
  is letters, digits and `_`: a double click takes the whole.
- `id` is public: rows, lists and logs name a secret by it.
- The checksum, a CRC-32 of all before it, tells a typing error from a wrong secret, without a
  query. It proves nothing.
- SHA-256 is what is stored. A slow hash slows down guessing a password; 256 random bits can't
  be guessed, and this is checked at every request.
"""

import hashlib
import re
import zlib
from base64 import b32encode
from collections.abc import Mapping
from enum import StrEnum
from hmac import compare_digest
from typing import Final, NamedTuple

ID_RANDOM: Final = 5  # bytes, 8 characters of base32
KEY_RANDOM: Final = 32
_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BODY, _CHECK = 43, 6  # characters that 256 and 32 bits take in base 62
_SHAPE: Final = re.compile(r"(us[kc])_([a-z2-7]{8})_[0-9A-Za-z]{49}", re.ASCII)
# Also one that was cut off or mistyped, and our other secrets (refresh.py, jwt.py).
_LOOSE: Final = re.compile(
    r"(us[kc]_[a-z2-7]{8}_)\w+|(us[kc]_)\w+|(urt_)[\w-]+|(eyJ)[\w-]+(?:\.[\w-]*)+", re.ASCII
)


class Kind(StrEnum):
    """What a secret opens, by its prefix."""

    API_KEY = "usk"
    CLIENT = "usc"


class SecretRefused(Exception):
    """A text that can't be one of our secrets, whatever is stored; `code` is API."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
        self.sentence = SENTENCES[code]


SENTENCES: Final[Mapping[str, str]] = {
    "secret_malformed": "This is not an API key or a client secret of ours.",
    "secret_mistyped": "A character of the key is wrong: copy it again.",
}


class Named(NamedTuple):
    """What a secret says of itself. It proves nothing until `matches` does."""

    kind: Kind
    id: str


def make_secret(kind: Kind, random: bytes) -> str:
    """Return the secret of 37 random bytes, five for its id. It is shown once."""
    if len(random) != ID_RANDOM + KEY_RANDOM:
        raise ValueError("a secret is made of 37 random bytes")
    name = b32encode(random[:ID_RANDOM]).decode().lower()
    body = _base62(int.from_bytes(random[ID_RANDOM:], "big"), _BODY)
    text = f"{kind}_{name}_{body}"
    return text + _checksum(text)


def parse_secret(text: str) -> Named:
    """Return whose secret a text claims to be, or raise SecretRefused."""
    shape = _SHAPE.fullmatch(text)
    if shape is None:
        raise SecretRefused("secret_malformed")
    if _checksum(text[:-_CHECK]) != text[-_CHECK:]:
        raise SecretRefused("secret_mistyped")
    return Named(Kind(shape[1]), shape[2])


def secret_hash(text: str) -> bytes:
    """Return what is stored of a secret."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).digest()


def matches(text: str, stored: bytes) -> bool:
    """Say whether `stored` is the hash of a secret, in a time that tells nothing."""
    return compare_digest(secret_hash(text), stored)


def redact(text: str) -> str:
    """Return a text with every secret of ours in it cut off after its public part."""
    return _LOOSE.sub(lambda found: f"{next(filter(None, found.groups()))}…", text)


def _checksum(text: str) -> str:
    return _base62(zlib.crc32(text.encode()), _CHECK)


def _base62(number: int, width: int) -> str:
    digits = ""
    for _ in range(width):
        number, digit = divmod(number, 62)
        digits = _DIGITS[digit] + digits
    return digits
