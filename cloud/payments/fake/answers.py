"""Idempotency keys: what was answered is answered again, for a day."""

import hashlib
import json
from typing import Final, NamedTuple

from cloud.payments.fake import refusals
from cloud.payments.fake.database import Database
from cloud.payments.fake.refusals import Body

KEY_MAX: Final = 255
KEPT: Final = 24 * 3600  # seconds


class Answer(NamedTuple):
    """What was sent."""

    status: int
    body: Body
    replayed: bool = False


class Answers:
    """The answers given under each key."""

    def __init__(self, database: Database) -> None:
        self._database = database

    _GET: Final = "SELECT request, status, body FROM answer WHERE key = ? AND made > ?"

    def find(self, key: str, request: bytes, now: float) -> Answer | None:
        """Return the answer to the same request under *key*; refuse another request under it."""
        if len(key) > KEY_MAX:
            raise refusals.invalid("Idempotency-Key is too long.")
        rows = self._database.run(self._GET, key, now - KEPT)
        if not rows:
            return None
        if rows[0]["request"] != request:
            raise refusals.key_reused()
        return Answer(rows[0]["status"], json.loads(rows[0]["body"]), replayed=True)

    _PUT: Final = """
    INSERT INTO answer (key, request, status, body, made) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (key) DO UPDATE SET
        request = excluded.request, status = excluded.status,
        body = excluded.body, made = excluded.made
    """

    def keep(self, key: str, request: bytes, answer: Answer, now: float) -> None:
        """Remember *answer*."""
        self._database.run(self._PUT, key, request, answer.status, json.dumps(answer.body), now)


def fingerprint(method: str, path: str, body: bytes) -> bytes:
    """Return what tells one request from another."""
    return hashlib.sha256(f"{method} {path}\n".encode() + body).digest()
