"""A new master key: the keys of the cloud's own devices are sealed anew."""

from typing import Final, LiteralString

from cloud.checkins.worker import context
from cloud.db.tenancy import TenantTx
from cloud.keys.sealing import Sealer

SEALED: Final[LiteralString] = """
    SELECT device_id, sealed FROM device
     WHERE tenant_id = current_tenant() AND sealed IS NOT NULL ORDER BY device_id FOR UPDATE
"""
RESEAL: Final[LiteralString] = """
    UPDATE device SET sealed = $2 WHERE tenant_id = current_tenant() AND device_id = $1
"""


async def reseal(tx: TenantTx, sealer: Sealer) -> int:
    """Seal again what an older master key has sealed; return how many devices that were."""
    rows = await tx.conn.fetch(SEALED)
    old = [row for row in rows if sealer.needs_reseal(row["sealed"])]
    for row in old:
        where = context(tx, row["device_id"])
        sealed = sealer.seal(sealer.unseal(row["sealed"], where), where)
        await tx.conn.execute(RESEAL, row["device_id"], sealed)
    return len(old)
