"""What opens a lane: a browser's cookie, a kiosk's key, a third party's key.

Each is a secret of 256 random bits. This process keeps and compares their SHA-256 alone, so a
look into its memory or a timing tells nobody a secret.
"""

import hashlib
import re
import secrets
from collections.abc import Callable, Mapping
from typing import Final

from litestar.datastructures import Cookie

LANE: Final = "__Host-lane"
LANGUAGE: Final = "__Host-lang"
REMEMBERED: Final = 400 * 86_400  # seconds: the most that browsers keep a cookie
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}")  # 32 bytes

# Lane ids by `hashed(key)`; read at every request, so that a key can be replaced while we run.
Keys = Callable[[], Mapping[str, str]]


def new_token() -> str:
    """Return a new secret."""
    return secrets.token_urlsafe(32)


def well_formed(token: str) -> bool:
    """Whether a text can be a secret of ours."""
    return _TOKEN.fullmatch(token) is not None


def hashed(token: str) -> str:
    """Return what is kept of a secret."""
    return hashlib.sha256(token.encode()).hexdigest()


def cookie(name: str, value: str) -> Cookie:
    """Return a cookie that no script and no other site can use."""
    return Cookie(
        key=name,
        value=value,
        path="/",
        secure=True,
        httponly=True,
        samesite="strict",
        max_age=REMEMBERED,
    )
