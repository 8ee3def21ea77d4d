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

from edge.store.database import StorageFailed

LANE: Final = "__Host-lane"
LANGUAGE: Final = "__Host-lang"
REMEMBERED: Final = 400 * 86_400  # seconds: the most that browsers keep a cookie
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}")  # 32 bytes

# Lane ids by `hashed(key)`; read at every request, so that a key can be replaced while we run.
Keys = Callable[[], Mapping[str, str]]


class Remembered:
    """The keys that were read last go on holding while the disk can't be read.

    Of all screens, a kiosk's must then be able to say that nobody is to be admitted.
    """

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._last: Mapping[str, str] | None = None

    def __call__(self) -> Mapping[str, str]:
        """Return lane ids by hashed key."""
        try:
            self._last = self._keys()
        except StorageFailed:
            if self._last is None:
                raise
        return self._last


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
