"""What an address wants no more of, from one organizer; and the link that says so.

Kept by a hash: whoever is refused mail has no account here, perhaps.
"""

import hashlib
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
REFUSED: Final[LiteralString] = """
    SELECT category FROM mail_refusal WHERE tenant_id = current_tenant() AND address = $1
"""
REFUSE: Final[LiteralString] = """
    INSERT INTO mail_refusal (address, category, since) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
"""
ALLOW: Final[LiteralString] = """
    DELETE FROM mail_refusal
     WHERE tenant_id = current_tenant() AND address = $1 AND category = $2
"""


def hash_of(email: str) -> bytes:
    """Return what an address is known by."""
    return hashlib.sha256(canonical(email).encode(errors="surrogatepass")).digest()


async def refused(tx: TenantTx, email: str) -> frozenset[Category]:
    """Return what an address wants no more of."""
    rows = await tx.conn.fetch(REFUSED, hash_of(email))
    return frozenset(Category(row["category"]) for row in rows)


async def refuse(tx: TenantTx, email: str, category: Category) -> None:
    """Send an address no more of a category."""
    await tx.conn.execute(REFUSE, hash_of(email), category.value, tx.now)


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
