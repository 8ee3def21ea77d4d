"""What the worker and the operator do with accounts, in a transaction of the platform.

Token keys need no job: each process of the API makes the one that is due (signing_keys.py).
"""

from datetime import timedelta
from typing import Final
from uuid import UUID

from cloud.accounts import repository, session_repository
from cloud.accounts.model import canonical
from cloud.db.tenancy import PlatformTx

KEPT: Final = timedelta(days=30)  # ended sessions, old secrets, sent mail


async def sweep_ended(ptx: PlatformTx) -> int:
    """Forget what ended long ago; hourly or so. Return how much that was."""
    return await session_repository.forget(ptx, ptx.now - KEPT)


async def set_admin(ptx: PlatformTx, email: str, *, admin: bool) -> UUID | None:
    """Make somebody an administrator of the platform, or no more; None: no such account."""
    account = await repository.set_admin(ptx, canonical(email), admin=admin)
    if account is not None:
        await ptx.audit("account.admin_set", f"account:{account}", admin=admin)
    return account
