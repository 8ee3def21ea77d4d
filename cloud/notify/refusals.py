"""What an address gets no more of, from one organizer; and the link that says so.

Kept by a hash: whoever is refused mail has no account here, perhaps.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, LiteralString, NamedTuple
from uuid import UUID

import msgspec

from cloud.accounts import base64url
from cloud.accounts.model import canonical
from cloud.db.tenancy import TenantTx
from cloud.http.kernel import Sealer
from cloud.keys.sealing import SealBroken
from cloud.notify.model import Category

PATH: Final = "/v1/mail/unsubscribe"
CONTEXT: Final = "mail/unsubscribe"
LONGEST: Final = 2000  # characters of a link's token
BOUNCED_FOR: Final = timedelta(days=30)  # after which an address that was dead is tried again
REFUSED: Final[LiteralString] = """
    SELECT category, bounced FROM mail_refusal
     WHERE tenant_id = current_tenant() AND address = $1
       AND (NOT bounced OR since > $2 AND since <= coalesce($3, since))
"""
# What a reader has said stands, whatever a mail server says.
REFUSE: Final[LiteralString] = """
    INSERT INTO mail_refusal AS r (address, category, since, bounced) VALUES ($1, $2, $3, $4)
        ON CONFLICT (tenant_id, address, category) DO UPDATE
       SET since = excluded.since, bounced = excluded.bounced WHERE r.bounced
"""
ALLOW: Final[LiteralString] = """
    DELETE FROM mail_refusal
     WHERE tenant_id = current_tenant() AND address = $1 AND category = $2
"""


def hash_of(email: str) -> bytes:
    """Return what an address is known by."""
    return hashlib.sha256(canonical(email).encode(errors="surrogatepass")).digest()


async def refused(tx: TenantTx, email: str, at: datetime | None = None) -> Mapping[Category, bool]:
    """Return what an address gets no more of; True: for a mail came back from there.

    `at`: of a mail. That an address was dead stops what is put down afterwards: what somebody
    sends again is sent.
    """
    rows = await tx.conn.fetch(REFUSED, hash_of(email), tx.now - BOUNCED_FOR, at)
    return {Category(row["category"]): row["bounced"] for row in rows}


async def refuse(tx: TenantTx, email: str, category: Category, *, bounced: bool = False) -> None:
    """Send an address no more of a category; `bounced`: for a while."""
    await tx.conn.execute(REFUSE, hash_of(email), category.value, tx.now, bounced)


async def allow(tx: TenantTx, email: str, category: Category) -> None:
    """Take that back."""
    await tx.conn.execute(ALLOW, hash_of(email), category.value)


class Link(NamedTuple):
    """What a link to unsubscribe stands for."""

    tenant: UUID
    category: Category
    email: str
    language: str


def token(sealer: Sealer, link: Link) -> str:
    """Return a link's token: nobody else can make one, or read the address in it."""
    return base64url.encode(sealer.seal(msgspec.json.encode(link), CONTEXT))


def opened(sealer: Sealer, text: str) -> Link | None:
    """Return what a token stands for; None: it isn't ours, or of a master key long gone."""
    if len(text) > LONGEST:
        return None
    try:
        return msgspec.json.decode(sealer.unseal(base64url.decode(text), CONTEXT), type=Link)
    except (ValueError, SealBroken, msgspec.MsgspecError):
        return None
