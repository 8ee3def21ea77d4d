"""A person's rows, over all the tenants that have some: each is entered in its turn."""

from collections.abc import AsyncIterator
from typing import Final, LiteralString
from uuid import UUID

from cloud.accounts.repository import Account
from cloud.accounts.sessions import shown
from cloud.db.tenancy import PlatformTx, TenantTx, enter
from cloud.privacy import held, repository
from cloud.privacy.model import NOTHING, Erased, Export, judge

LEAVE: Final[LiteralString] = "SELECT set_config('app.tenant', '', true)"
IDENTITIES: Final[LiteralString] = """
    SELECT issuer, subject, created_at FROM identity WHERE account_id = $1 ORDER BY created_at
"""
SESSIONS: Final[LiteralString] = """
    SELECT session_id, created_at, used_at, expires_at, ended_at, ended_why FROM session
     WHERE account_id = $1 ORDER BY created_at
"""
ACTS: Final[LiteralString] = """
    SELECT at, action, subject, request_id, detail,
           CASE WHEN actor = 'account:' || $1::uuid THEN host(address) END AS address
      FROM platform_audit
     WHERE actor = 'account:' || $1::uuid OR subject = 'account:' || $1::uuid ORDER BY audit_id
"""


async def export(ptx: PlatformTx, account: Account) -> Export:
    """Return everything that is held about an account."""
    who, address = account.account_id, proved(account)
    sections = [
        [dict(row) for row in await ptx.conn.fetch(sql, who)]
        for sql in (IDENTITIES, SESSIONS, ACTS)
    ]
    organizers = [await held.in_tenant(tx, who, address) async for tx in _each(ptx, account)]
    return Export(
        exported_at=ptx.now, profile=shown(account), identities=sections[0], sessions=sections[1],
        acts=sections[2], organizers=organizers,
    )  # fmt: skip


async def erase(ptx: PlatformTx, account: Account, *, confirm: bool) -> Erased:
    """Erase a locked account everywhere, or refuse with the reasons and change nothing."""
    who, address = account.account_id, proved(account)
    ptx.origin = ptx.origin._replace(address=None)  # the last act is written without a place
    coming, orphans = [], []
    async for tx in _each(ptx, account):
        coming += await repository.coming(tx, who)
        if await repository.is_sole_owner(tx, who):
            orphans.append(tx.tenant)
    judge(coming, orphans, confirm=confirm)
    erased = NOTHING
    async for tx in _each(ptx, account):
        erased += await repository.blank(tx, who, address)
        await repository.leave(tx, who)
        await tx.audit("account.erased", f"account:{who}")
    await repository.forget(ptx, who)
    await ptx.audit("account.erased", f"account:{who}")
    return erased


async def erase_guest(tx: TenantTx, address: str) -> Erased:
    """Erase from the tenant entered whoever has an address and no account."""
    erased = await repository.blank(tx, None, address)
    await tx.audit("guest.erased", f"tenant:{tx.tenant}", tickets=erased.tickets)
    return erased


def proved(account: Account) -> str | None:
    """Return the address, if it is known to be the account's.

    Anybody may sign up with an address: that alone must neither show nor erase what others
    hold of whoever really has it.
    """
    return account.email if account.email_verified_at is not None else None


async def _each(ptx: PlatformTx, account: Account) -> AsyncIterator[TenantTx]:
    found: list[UUID] = await repository.tenants(ptx, account.account_id, proved(account))
    for tenant in found:
        await enter(ptx.conn, tenant, ptx.origin.actor)
        yield TenantTx(ptx.conn, tenant, ptx.origin, ptx.now)
    await ptx.conn.execute(LEAVE)
