"""Who vouches for what records say of others' admissions: issuers' keys and supervisors' badges.

A gate asks the same of its newest keyset and roster (shared/spec/devices.md §5).
"""

from typing import Final, LiteralString, NamedTuple, cast

from cloud.db.connect import Row
from cloud.db.tenancy import TenantTx
from cloud.keys import repository as key_repository
from cloud.keys.model import KeyRow
from shared.devices.proof import BADGE_TYPE, proves
from shared.devices.roster import Badge, BadgeRole, TrustedRoster
from shared.keyset import IssuerKey, TrustedKeys
from shared.log import hlc
from shared.log.record import decode

# A worker's desk has a badge of its own: it vouches for what a supervisor did online.
BADGES: Final[LiteralString] = """
    SELECT public, name, role, revoked_at FROM badge WHERE tenant_id = current_tenant()
     UNION ALL
    SELECT badge, name, 'supervisor', NULL FROM device
     WHERE tenant_id = current_tenant() AND badge IS NOT NULL
"""
PK: Final = slice(1, 33)  # of a badge, in its countersignature
KID: Final = slice(2, 6)  # of an issuer, in a ticket or a presentation


class Judges(NamedTuple):
    """The keys and badges of a tenant."""

    keys: TrustedKeys
    roster: TrustedRoster

    def prove(self, raw: bytes, blob: bytes) -> bool:
        """Whether `blob` proves a record that can be read."""
        return proves(decode(raw), blob, self.keys, self.roster)

    def stands(self, raw: bytes, blob: bytes) -> bool:
        """Whether a proof that held when it was kept holds still: its key was not withdrawn."""
        if blob[0] == BADGE_TYPE:
            badge = self.roster.badges.get(blob[PK])
            gone = badge.revoked if badge else None
            stamp = int.from_bytes(raw[64:72], "big")
            return gone is None or hlc.wall(stamp) < gone * 1000
        key = self.keys.find(blob[KID], raw[80:88])
        return key is None or not key.revoked


async def judges(tx: TenantTx) -> Judges:
    """Return who judges in this tenant now."""
    issuers = await key_repository.keys(tx, role="issuer")
    keys = TrustedKeys(b"", issuers=dict(_issuer(key) for key in issuers))
    badges = {row["public"]: _badge(row) for row in await tx.conn.fetch(BADGES)}
    return Judges(keys, TrustedRoster(tx.tenant.bytes, badges=badges))


def _issuer(key: KeyRow) -> tuple[bytes, IssuerKey]:
    window = int(key.not_before.timestamp()), int(key.not_after.timestamp())
    gone = key.revoked_at is not None
    return key.kid + (key.event_ref or bytes(8)), IssuerKey(key.public, *window, gone)


def _badge(row: Row) -> Badge:
    gone = row["revoked_at"]
    role = cast("BadgeRole", row["role"])
    revoked = None if gone is None else int(gone.timestamp())
    return Badge(row["public"].hex(), row["name"], role, revoked)
