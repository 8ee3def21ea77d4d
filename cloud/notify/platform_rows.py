"""Mail to accounts, outside every tenant: rows of the outbox of cloud/accounts/mail.py."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, LiteralString, NamedTuple
from uuid import UUID

from cloud.accounts import mail as account_mail
from cloud.db.connect import Connection, Row
from cloud.db.tenancy import PlatformTx
from cloud.http.kernel import Sealer
from cloud.notify.asked import GONE, NO_ADDRESS
from cloud.notify.facts import Found, OfAccount
from cloud.notify.model import Kind, Outcome, State
from cloud.notify.repository import LEASE
from cloud.notify.words import spoken

PREFIX: Final = "mail."
DUE: Final[LiteralString] = """
    SELECT EXISTS (SELECT FROM platform_outbox
                    WHERE done_at IS NULL AND dead_at IS NULL AND due_at <= $1)
"""


async def due(conn: Connection, now: datetime) -> bool:
    """Whether something is due."""
    return bool(await conn.fetchval(DUE, now))


class Posted(NamedTuple):
    """A mail as it is stored. `attempts`: with the one that is being made."""

    message_id: int
    topic: str
    key: str
    payload: Mapping[str, Any]
    created_at: datetime
    attempts: int

    @property
    def kind(self) -> Kind:
        """What it says."""
        return Kind(self.topic.removeprefix(PREFIX))

    @property
    def name(self) -> str:
        """Its Message-ID's left half, the same at every try."""
        return f"account-{self.message_id}-{int(self.created_at.timestamp() * 1_000_000)}"

    @property
    def trace(self) -> str:
        """Of what it tells of: its outbox keeps none."""
        return ""


TAKE: Final[LiteralString] = """
    UPDATE platform_outbox SET due_at = $2, attempts = attempts + 1
     WHERE message_id = ANY (ARRAY (
           SELECT message_id FROM platform_outbox
            WHERE done_at IS NULL AND dead_at IS NULL AND due_at <= $1
            ORDER BY due_at, message_id LIMIT $3 FOR UPDATE SKIP LOCKED))
    RETURNING message_id, topic, key, payload, created_at, attempts
"""


async def take(ptx: PlatformTx, most: int) -> list[Posted]:
    """Return the mails that are due next, which are this sender's for a while."""
    rows = await ptx.conn.fetch(TAKE, ptx.now, ptx.now + LEASE, most)
    return sorted(map(posted, rows), key=lambda each: each.message_id)


DONE: Final[LiteralString] = """
    UPDATE platform_outbox SET done_at = $2, fault = $3
     WHERE message_id = $1 AND done_at IS NULL AND dead_at IS NULL
"""
DEAD: Final[LiteralString] = """
    UPDATE platform_outbox SET dead_at = $2, fault = $3
     WHERE message_id = $1 AND done_at IS NULL AND dead_at IS NULL
"""
AGAIN: Final[LiteralString] = """
    UPDATE platform_outbox SET due_at = $2, fault = $3, attempts = attempts - $4
     WHERE message_id = $1 AND done_at IS NULL AND dead_at IS NULL
"""


async def note(ptx: PlatformTx, message_id: int, outcome: Outcome) -> None:
    """Write down what a mail came to."""
    if outcome.state is State.WAITING:
        uncounted = 0 if outcome.counts else 1
        await ptx.conn.execute(AGAIN, message_id, outcome.again, outcome.fault, uncounted)
        return
    ended = DEAD if outcome.state in (State.BOUNCED, State.FAILED) else DONE
    said = outcome.fault or ("" if outcome.state is State.SENT else outcome.state.value)
    await ptx.conn.execute(ended, message_id, ptx.now, said)


UNDER_WAY: Final[LiteralString] = """
    SELECT done_at IS NULL AND dead_at IS NULL AND attempts > 0 FROM platform_outbox
     WHERE message_id = $1 FOR UPDATE
"""


async def under_way(ptx: PlatformTx, message_id: int) -> bool:
    """Whether a mail was taken to be sent and is not ended. Nobody ends it until this does."""
    return bool(await ptx.conn.fetchval(UNDER_WAY, message_id))


BOUNCE: Final[LiteralString] = """
    UPDATE platform_outbox SET dead_at = $2, done_at = NULL, fault = $3
     WHERE message_id = $1 AND done_at IS NOT NULL AND fault = ''
"""


async def bounce(ptx: PlatformTx, message_id: int, status: str) -> bool:
    """Note that a mail came back that was sent; whether there was such a one."""
    return await ptx.conn.execute(BOUNCE, message_id, ptx.now, status) == "UPDATE 1"


NEWEST: Final[LiteralString] = """
    SELECT message_id, topic, key, payload, created_at, attempts, due_at, done_at, dead_at, fault
      FROM platform_outbox
     WHERE ($1::bigint IS NULL OR message_id = $1) AND ($2::text IS NULL OR key = $2)
     ORDER BY message_id DESC LIMIT $3
"""


async def newest(
    ptx: PlatformTx, most: int, *, one: int | None = None, key: str | None = None
) -> list[Row]:
    """Return the newest ones: all, one alone, or those of a key."""
    return await ptx.conn.fetch(NEWEST, one, key, most)


READER: Final[LiteralString] = """
    SELECT email, locale FROM account WHERE account_id = $1 AND erased_at IS NULL
"""


async def find(ptx: PlatformTx, sealer: Sealer, mail: Posted) -> Found | str:
    """Return what a mail says and to whom, or the code of why it is dropped."""
    row = await ptx.conn.fetchrow(READER, UUID(mail.payload["account_id"]))
    if row is None:
        return GONE
    if row["email"] is None:
        return NO_ADDRESS
    secret = ""
    if "sealed" in mail.payload:
        secret = account_mail.opened(sealer, mail.topic, mail.key, mail.payload)
    return Found(mail.kind, row["email"], spoken(row["locale"]), "", OfAccount(secret))


def posted(row: Row) -> Posted:
    """Return a stored mail."""
    return Posted(**{name: row[name] for name in Posted._fields})


def state_of(row: Row) -> str:
    """Return in a word what became of a mail."""
    if row["dead_at"] is not None:
        return State.BOUNCED if row["fault"][:1] == "5" else State.FAILED
    if row["done_at"] is None:
        return State.WAITING
    return {"": State.SENT, State.KEPT.value: State.KEPT}.get(row["fault"], State.DROPPED)
