"""The fake's time and ids, which a test may fix."""

import hashlib
import time
from typing import Final

from cloud.payments.fake.database import Settings

LETTERS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class Clock:
    """This machine's time, or the one that it was started at; either can be put forward."""

    def __init__(self, settings: Settings, stopped_at: float | None) -> None:
        self._settings = settings
        self._stopped_at = stopped_at

    def now(self) -> float:
        """Seconds since 1970."""
        start = time.time() if self._stopped_at is None else self._stopped_at
        return start + self._settings.number("clock_ahead")

    def advance(self, seconds: float) -> None:
        """Put the clock forward for good."""
        self._settings.put("clock_ahead", self._settings.number("clock_ahead") + seconds)


class Ids:
    """Ids that only the seed and the count decide. Without the seed nobody guesses the next."""

    def __init__(self, settings: Settings, seed: str) -> None:
        self._settings = settings
        if not settings.text("seed"):
            settings.put("seed", seed)

    def next(self, prefix: str) -> str:
        """Return an id that was never given before."""
        count = int(self._settings.number("ids")) + 1
        self._settings.put("ids", count)
        seeded = f"{self._settings.text('seed')}:{count}".encode()
        number = int.from_bytes(hashlib.sha256(seeded).digest())
        letters = []
        for _ in range(24):
            number, place = divmod(number, len(LETTERS))
            letters.append(LETTERS[place])
        return f"{prefix}_{''.join(letters)}"
