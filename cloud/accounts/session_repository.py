"""Sessions and their refresh tokens in PostgreSQL.

A family's tokens are numbered: the highest is in use, the one before it may come once more
within the grace, and whatever is older was spent (refresh.py).
"""

from datetime import datetime
from typing import Final, LiteralString, NamedTuple
from uuid import UUID

from cloud.accounts.refresh import Family
from cloud.db.tenancy import PlatformTx

BEGIN: Final[LiteralString] = """
    INSERT INTO session (account_id, created_at, used_at, expires_at)
    VALUES ($1, $2, $2, $3) RETURNING session_id
"""
ADD_REFRESH: Final[LiteralString] = """
    INSERT INTO refresh_token (hash, session_id, number, issued_at) VALUES ($1, $2, $3, $4)
"""


async def begin(ptx: PlatformTx, account_id: UUID, digest: bytes, expires_at: datetime) -> UUID:
    """Begin a session whose first refresh token has this hash."""
    session: UUID = await ptx.conn.fetchval(BEGIN, account_id, ptx.now, expires_at)
    await ptx.conn.execute(ADD_REFRESH, digest, session, 1, ptx.now)
    return session


class Held(NamedTuple):
    """A family as stored, locked, and whose it is."""

    session_id: UUID
    account_id: UUID
    epoch: int
    number: int  # of the token in use
    family: Family


LOCK: Final[LiteralString] = """
    SELECT s.session_id, s.account_id, s.created_at, s.ended_at, a.epoch, a.erased_at
      FROM session s JOIN account a USING (account_id)
     WHERE s.session_id = (SELECT session_id FROM refresh_token WHERE hash = $1)
       FOR UPDATE OF s
"""
NEWEST: Final[LiteralString] = """
    SELECT hash, number, issued_at, successor FROM refresh_token
     WHERE session_id = $1 ORDER BY number DESC LIMIT 2
"""


async def held(ptx: PlatformTx, digest: bytes) -> Held | None:
    """Return the family of a refresh token, locked; None if nobody ever had it."""
    session = await ptx.conn.fetchrow(LOCK, digest)
    if session is None:
        return None
    current, *older = await ptx.conn.fetch(NEWEST, session["session_id"])
    previous = older[0] if older else None
    family = Family(
        current=current["hash"],
        began_at=int(session["created_at"].timestamp()),
        rotated_at=int(current["issued_at"].timestamp()),
        previous=previous["hash"] if previous else None,
        handover=previous["successor"] if previous else None,
        spent=frozenset({digest}),  # it is this session's, or it would not have been found
        revoked=session["ended_at"] is not None or session["erased_at"] is not None,
    )
    who = (session["session_id"], session["account_id"], session["epoch"])
    return Held(*who, current["number"], family)


KEEP_HANDOVER: Final[LiteralString] = """
    UPDATE refresh_token SET successor = CASE WHEN number = $2 THEN $3::bytea END
     WHERE session_id = $1 AND number BETWEEN $2 - 1 AND $2
"""
USE: Final[LiteralString] = "UPDATE session SET used_at = $2 WHERE session_id = $1"


async def advance(ptx: PlatformTx, before: Held, after: Family) -> None:
    """Store a rotation."""
    number = before.number
    await ptx.conn.execute(KEEP_HANDOVER, before.session_id, number, after.handover)
    await ptx.conn.execute(ADD_REFRESH, after.current, before.session_id, number + 1, ptx.now)
    await ptx.conn.execute(USE, before.session_id, ptx.now)


END: Final[LiteralString] = """
    UPDATE session SET ended_at = $3, ended_why = $4
     WHERE session_id = $1 AND account_id = $2 AND ended_at IS NULL
"""
END_OTHERS: Final[LiteralString] = """
    UPDATE session SET ended_at = $3, ended_why = $4
     WHERE account_id = $1 AND session_id IS DISTINCT FROM $2 AND ended_at IS NULL
"""


async def end(ptx: PlatformTx, session: UUID, account_id: UUID, why: str) -> bool:
    """End an account's session; whether there was one to end."""
    return await ptx.conn.execute(END, session, account_id, ptx.now, why) == "UPDATE 1"


async def end_all(ptx: PlatformTx, account_id: UUID, why: str, but: UUID | None = None) -> None:
    """End all sessions of an account, but one."""
    await ptx.conn.execute(END_OTHERS, account_id, but, ptx.now, why)


class Session(NamedTuple):
    """A session as stored."""

    session_id: UUID
    created_at: datetime
    used_at: datetime
    expires_at: datetime


OPEN: Final[LiteralString] = """
    SELECT session_id, created_at, used_at, expires_at FROM session
     WHERE account_id = $1 AND ended_at IS NULL AND expires_at > $2
     ORDER BY used_at DESC, session_id LIMIT $3
"""


async def open_sessions(ptx: PlatformTx, account_id: UUID, most: int) -> list[Session]:
    """Return the sessions that have not ended, the last used first."""
    rows = await ptx.conn.fetch(OPEN, account_id, ptx.now, most)
    return [Session(**{name: row[name] for name in Session._fields}) for row in rows]


FORGET_SESSIONS: Final[LiteralString] = """
    DELETE FROM session WHERE least(ended_at, expires_at) < $1
"""
FORGET_SECRETS: Final[LiteralString] = "DELETE FROM mail_secret WHERE expires_at < $1"
FORGET_ID_TOKENS: Final[LiteralString] = "DELETE FROM spent_id_token WHERE spent_at < $1"
FORGET_MAIL: Final[LiteralString] = "DELETE FROM platform_outbox WHERE done_at < $1"


async def forget(ptx: PlatformTx, before: datetime) -> int:
    """Drop what ended before a time; return how much. Refresh tokens go with their session."""
    forgotten = 0
    for sql in (FORGET_SESSIONS, FORGET_SECRETS, FORGET_ID_TOKENS, FORGET_MAIL):
        forgotten += int((await ptx.conn.execute(sql, before)).rpartition(" ")[2])
    return forgotten
