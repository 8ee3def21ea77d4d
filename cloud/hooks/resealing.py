"""A new master key: the secrets that sign calls are sealed anew, those of paused webhooks too."""

from typing import Final, LiteralString

from cloud.db.tenancy import TenantTx
from cloud.hooks import repository
from cloud.hooks.jobs import context
from cloud.keys.sealing import Sealer

RESEAL: Final[LiteralString] = """
    UPDATE hook_endpoint SET sealed = $2, sealed_before = $3
     WHERE tenant_id = current_tenant() AND endpoint_id = $1
"""


async def reseal(tx: TenantTx, sealer: Sealer) -> int:
    """Seal again what an older master key has sealed; return how many webhooks that were."""
    done = 0
    for name in [each.endpoint_id for each in await repository.endpoints(tx)]:
        found = await repository.lock(tx, name)  # its secret may be replaced meanwhile
        if found is None:
            continue
        held = (found.sealed, found.sealed_before)
        if not any(each and sealer.needs_reseal(each) for each in held):
            continue
        where = context(found)
        anew = [each and sealer.seal(sealer.unseal(each, where), where) for each in held]
        await tx.conn.execute(RESEAL, name, *anew)
        done += 1
    return done
