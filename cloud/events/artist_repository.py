"""Who plays at an event. Row-level security adds the tenant to every query."""

from collections.abc import Sequence
from typing import Final, LiteralString
from uuid import UUID

from cloud.db.tenancy import TenantTx
from cloud.events.model import Artist

ARTISTS: Final[LiteralString] = """
    SELECT account_id, share_bps FROM event_artist WHERE event_id = $1
     ORDER BY share_bps DESC, account_id
"""


async def artists(tx: TenantTx, event_id: UUID) -> tuple[Artist, ...]:
    """Return who plays."""
    rows = await tx.conn.fetch(ARTISTS, event_id)
    return tuple(Artist(row["account_id"], row["share_bps"]) for row in rows)


# Members alone: an account of nobody's here earns no royalties.
STRANGERS: Final[LiteralString] = """
    SELECT a.account_id FROM unnest($1::uuid[]) AS a (account_id)
     WHERE NOT EXISTS (SELECT FROM member m
                        WHERE m.account_id = a.account_id AND m.role = 'artist')
"""
DETACH: Final[LiteralString] = "DELETE FROM event_artist WHERE event_id = $1"
ATTACH: Final[LiteralString] = """
    INSERT INTO event_artist (event_id, account_id, share_bps)
    SELECT $1, a.account_id, a.share_bps
      FROM unnest($2::uuid[], $3::int[]) AS a (account_id, share_bps)
"""


async def strangers(tx: TenantTx, accounts: Sequence[UUID]) -> list[UUID]:
    """Return which of `accounts` are no artists of this tenant."""
    return [row["account_id"] for row in await tx.conn.fetch(STRANGERS, list(accounts))]


async def set_artists(tx: TenantTx, event_id: UUID, wanted: Sequence[Artist]) -> None:
    """Replace the list of who plays."""
    await tx.conn.execute(DETACH, event_id)
    ids, shares = [each.account_id for each in wanted], [each.share_bps for each in wanted]
    await tx.conn.execute(ATTACH, event_id, ids, shares)
