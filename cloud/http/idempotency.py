"""Idempotency keys: a POST that is sent twice has one effect and one answer.

The key's row is written in the transaction of the effect, so the two are kept or lost
together. A second request with the key waits for the first one's commit, and is then answered
what that one was; with another body it is refused. A refused request keeps nothing: sent
again, it is judged anew. Answers are kept sealed, for some of them hold a secret.
"""

import re
from typing import Final, LiteralString

import msgspec
from litestar import Response

from cloud.db.tenancy import PlatformTx, TenantTx
from cloud.errors import Refusal
from cloud.http.kernel import Sealer

FORM: Final = re.compile(r"[\x21-\x7e]{1,255}")
KEPT_HEADERS: Final = frozenset({b"content-type", b"location", b"content-disposition"})

CLAIM: Final[LiteralString] = """
    INSERT INTO idempotency (caller, key, fingerprint) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
"""
READ: Final[LiteralString] = """
    SELECT fingerprint, answer FROM idempotency
     WHERE tenant_id = current_tenant() AND caller = $1 AND key = $2
"""
KEEP: Final[LiteralString] = """
    UPDATE idempotency SET answer = $3
     WHERE tenant_id = current_tenant() AND caller = $1 AND key = $2
"""
PLATFORM_CLAIM: Final[LiteralString] = """
    INSERT INTO platform_idempotency (caller, key, fingerprint) VALUES ($1, $2, $3)
    ON CONFLICT DO NOTHING
"""
PLATFORM_READ: Final[LiteralString] = """
    SELECT fingerprint, answer FROM platform_idempotency WHERE caller = $1 AND key = $2
"""
PLATFORM_KEEP: Final[LiteralString] = """
    UPDATE platform_idempotency SET answer = $3 WHERE caller = $1 AND key = $2
"""


class Kept(msgspec.Struct, frozen=True, array_like=True):
    """An answer as it is kept."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class Replay(Exception):
    """The request was answered before: answer the same."""

    def __init__(self, kept: Kept) -> None:
        super().__init__()
        self.kept = kept


class Claim:
    """A key that this transaction holds."""

    def __init__(self, tx: TenantTx | PlatformTx, sealer: Sealer, caller: str, key: str) -> None:
        self._tx = tx
        self._sealer = sealer
        self._caller = caller
        self._key = key

    async def keep(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        """Keep the answer, in the transaction that it tells of."""
        kept = Kept(status, [each for each in headers if each[0].lower() in KEPT_HEADERS], body)
        sealed = self._sealer.seal(msgspec.json.encode(kept), self.context)
        sql = KEEP if isinstance(self._tx, TenantTx) else PLATFORM_KEEP
        await self._tx.conn.execute(sql, self._caller, self._key, sealed)

    def open(self, sealed: bytes) -> Kept:
        """Return a kept answer."""
        return msgspec.json.decode(self._sealer.unseal(sealed, self.context), type=Kept)

    @property
    def context(self) -> str:
        """What the answer is sealed to."""
        where = self._tx.tenant if isinstance(self._tx, TenantTx) else ""
        return f"idempotency/{where}/{self._caller}/{self._key}"


async def claim(
    tx: TenantTx | PlatformTx, sealer: Sealer, caller: str, key: str, fingerprint: bytes
) -> Claim:
    """Take `key` for this request, or raise `Replay` or a refusal."""
    if not FORM.fullmatch(key):
        raise Refusal("idempotency_key_malformed", field="Idempotency-Key")
    taken = Claim(tx, sealer, caller, key)
    tenant = isinstance(tx, TenantTx)
    done = await tx.conn.execute(CLAIM if tenant else PLATFORM_CLAIM, caller, key, fingerprint)
    if done == "INSERT 0 1":
        return taken
    row = await tx.conn.fetchrow(READ if tenant else PLATFORM_READ, caller, key)
    if row is None or row["answer"] is None:  # swept between the two statements
        raise Refusal("conflict")
    if row["fingerprint"] != fingerprint:
        raise Refusal("idempotency_key_reused", field="Idempotency-Key")
    raise Replay(taken.open(row["answer"]))


def on_replay(_: object, replay: Replay) -> Response[bytes]:
    """Answer what was answered before."""
    kept = replay.kept
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in kept.headers}
    media_type = headers.pop("content-type", "application/json")
    return Response(
        kept.body,
        status_code=kept.status,
        media_type=media_type,
        headers=headers | {"Idempotent-Replayed": "true"},
    )
