"""The mailbox of a service that sends nothing: what would have been mailed, written anew at each
look. It finds the newest mails of all tenants, for the operator alone."""

import asyncio
import hmac
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from cloud.db.connect import Pool, Row
from cloud.db.tenancy import Origin, PlatformTx, TenantTx, platform_tx, tenant_tx
from cloud.http.kernel import Sealer
from cloud.notify import message, platform_rows, repository
from cloud.notify.letter import Envelope, Mail
from cloud.notify.rows import House, Lane, look, unsubscribe
from cloud.notify.writing import headed, write

OPERATOR: Final = Origin("operator")
MOST: Final = 60
LONGEST_NUMBER: Final = 18
NEWEST: Final = "SELECT tenant_id, mail_id FROM newest_mail($1)"
ROW: Final = """
    SELECT mail_id, kind, account_id, language, about, sealed, created_at, attempts, due_at, state,
           ended_at, fault, trace
      FROM mail WHERE tenant_id = current_tenant() AND mail_id = $1
"""


class Kept(NamedTuple):
    """A mail as it is looked at. `mail` None: there is nothing to say any more, for `why`."""

    lane: Lane
    name: str
    created_at: datetime
    kind: str
    state: str
    fault: str
    mail: Mail | None
    why: str = ""

    @property
    def path(self) -> str:
        """Where it is, below the mailbox."""
        return f"{self.lane or 'accounts'}/{self.name}"


class Box:
    """`secret`: what opens it; "": nothing does."""

    def __init__(
        self, secret: str, pool: Pool, sealer: Sealer, house: House, clock: Callable[[], datetime]
    ) -> None:
        self._secret = secret
        self._pool = pool
        self._sealer = sealer
        self._house = house
        self._clock = clock

    def opens(self, secret: str) -> bool:
        """Whether somebody knows the secret."""
        told, ours = secret.encode(errors="replace"), self._secret.encode()
        return bool(ours) and hmac.compare_digest(told, ours)

    async def newest(self) -> list[Kept]:
        """Return the newest mails of all, newest first, without what they say."""
        async with platform_tx(self._pool, OPERATOR, self._clock()) as ptx:
            found = [await self._of_account(ptx, row, whole=False)
                     for row in await platform_rows.newest(ptx, MOST)]  # fmt: skip
            places = await ptx.conn.fetch(NEWEST, MOST)
        for place in places:
            async with self._tenant(place["tenant_id"]) as tx:
                row = await tx.conn.fetchrow(ROW, place["mail_id"])
                if row is not None:
                    found.append(await self._of_tenant(tx, row, whole=False))
        return sorted(found, key=lambda each: each.created_at, reverse=True)[:MOST]

    async def one(self, lane: Lane, name: str) -> Kept | None:
        """Return a mail."""
        try:
            if lane is None:
                async with platform_tx(self._pool, OPERATOR, self._clock()) as ptx:
                    number = int(name) if len(name) <= LONGEST_NUMBER else 0
                    rows = await platform_rows.newest(ptx, 1, one=number)
                    return await self._of_account(ptx, rows[0]) if rows else None
            async with self._tenant(lane) as tx:
                row = await tx.conn.fetchrow(ROW, UUID(name))
                return None if row is None else await self._of_tenant(tx, row)
        except ValueError:
            return None

    async def source(self, kept: Kept) -> bytes | None:
        """Return a mail as it would be sent."""
        if kept.mail is None:
            return None
        ready = message.ready(kept.mail, kept.created_at)
        return None if ready is None else ready.content

    async def _of_account(self, ptx: PlatformTx, row: Row, *, whole: bool = True) -> Kept:
        posted = platform_rows.posted(row)
        state = platform_rows.state_of(row)
        found = Kept(
            None, str(posted.message_id), posted.created_at, posted.kind, state, row["fault"], None
        )
        return await self._written(ptx, found, posted, whole=whole)

    async def _of_tenant(self, tx: TenantTx, row: Row, *, whole: bool = True) -> Kept:
        waiting = repository.waiting(row)
        found = Kept(
            tx.tenant, str(waiting.mail_id), waiting.created_at, waiting.kind, row["state"],
            row["fault"], None,
        )  # fmt: skip
        return await self._written(tx, found, waiting, whole=whole)

    async def _written(
        self,
        tx: TenantTx | PlatformTx,
        kept: Kept,
        row: repository.Waiting | platform_rows.Posted,
        *,
        whole: bool,
    ) -> Kept:
        found = await look(tx, self._sealer, row)
        if isinstance(found, str):
            return kept._replace(why=found)
        letter = await asyncio.to_thread(write, found, tx.now) if whole else headed(found)
        link = unsubscribe(self._sealer, self._house.url, kept.lane, found)
        around = Envelope(self._house.sender, found.to, row.name, link)
        return kept._replace(mail=Mail(letter, around))

    @asynccontextmanager
    async def _tenant(self, tenant: UUID) -> AsyncIterator[TenantTx]:
        async with tenant_tx(self._pool, tenant, OPERATOR, self._clock(), suspended_too=True) as tx:
            yield tx
