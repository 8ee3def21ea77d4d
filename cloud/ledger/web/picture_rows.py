"""Rows of `asset_image`: pictures of an event's collection. None is ever changed."""

from typing import Final, LiteralString
from uuid import UUID

from cloud.db.connect import Row
from cloud.db.tenancy import TenantTx
from cloud.errors import Refusal
from cloud.ledger.web.pictures import Picture
from cloud.ledger.work import event_rows

MOST: Final = 20  # of an event: each stays, for metadata that is told for good may name it
BEGIN: Final[LiteralString] = (
    "INSERT INTO asset_event (event_id) VALUES ($1) ON CONFLICT DO NOTHING"
)
OTHERS: Final[LiteralString] = """
    SELECT count(*) FROM asset_image
     WHERE tenant_id = current_tenant() AND event_id = $1 AND image <> $2
"""
KEEP: Final[LiteralString] = """
    INSERT INTO asset_image (event_id, image, media_type, width, height, body)
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant_id, event_id, image) DO NOTHING
"""
SHOW: Final[LiteralString] = """
    UPDATE asset_event SET image = $2 WHERE tenant_id = current_tenant() AND event_id = $1
"""
READ: Final[LiteralString] = """
    SELECT media_type, body FROM asset_image
     WHERE tenant_id = current_tenant() AND event_id = $1 AND image = $2
"""


async def show(tx: TenantTx, event_id: UUID, picture: Picture) -> None:
    """Have the event's collection, and tickets that are minted from now on, show a picture."""
    await tx.conn.execute(BEGIN, event_id)
    await event_rows.lock(tx, event_id)
    if await tx.conn.fetchval(OTHERS, event_id, picture.digest) >= MOST:
        raise Refusal("images_too_many")
    await tx.conn.execute(
        KEEP, event_id, picture.digest, picture.media_type, picture.width, picture.height,
        picture.body,
    )  # fmt: skip
    await tx.conn.execute(SHOW, event_id, picture.digest)


async def hide(tx: TenantTx, event_id: UUID) -> None:
    """Have them show none. What was told for good still names the one that was there."""
    await tx.conn.execute(SHOW, event_id, None)


async def read(tx: TenantTx, event_id: UUID, image: bytes) -> Row | None:
    """Return a picture that was once shown."""
    return await tx.conn.fetchrow(READ, event_id, image)
