"""Members of a tenant over HTTP.

Nobody gives or takes a role that may do more than they may themselves. A tenant keeps an
owner. Who is removed, or owner no more, loses the API keys and clients that they made.
"""

from typing import Final
from uuid import UUID

from litestar import delete, get, patch
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from cloud.db.tenancy import TenantTx
from cloud.errors import Refusal
from cloud.http.access import Caller, needs
from cloud.http.paging import DEFAULT_LIMIT, Cursor, Limit, Page, decode, page
from cloud.tenants import credentials_repository, repository
from cloud.tenants.model import Member, RoleChange, check_outranks
from cloud.tenants.tenant_controller import TENANT

MEMBERS: Final = f"{TENANT}/members"
ONE: Final = f"{MEMBERS}/{{account_id:uuid}}"


@get(MEMBERS, opt=needs("tenant:read"), tags=["members"], operation_id="listMembers",
     summary="List the members")  # fmt: skip
async def list_members(
    tx: NamedDependency[TenantTx], cursor: Cursor = "", limit: Limit = DEFAULT_LIMIT
) -> Page[Member]:
    """Return the members, with their addresses."""
    found = await repository.members(tx, decode(cursor, UUID), limit + 1)
    return page(found, limit, lambda member: member.account_id)


@patch(ONE, opt=needs("members:write"), tags=["members"], operation_id="changeMember",
       summary="Change a member's role")  # fmt: skip
async def change_role(
    account_id: FromPath[UUID],
    data: JSONBody[RoleChange],
    tx: NamedDependency[TenantTx],
    caller: NamedDependency[Caller],
) -> Member:
    """Give a member another role."""
    before = await _member(tx, account_id)
    check_outranks(caller, before.role, data.role)
    if before.role == data.role:
        return before
    await _leave_owner(tx, before)
    await repository.set_role(tx, account_id, data.role)
    await tx.audit("member.changed", f"account:{account_id}", role=data.role)
    return await _member(tx, account_id)


@delete(ONE, opt=needs("members:write"), tags=["members"], operation_id="removeMember",
        summary="Remove a member")  # fmt: skip
async def remove(
    account_id: FromPath[UUID],
    tx: NamedDependency[TenantTx],
    caller: NamedDependency[Caller],
) -> None:
    """Make an account a member no more. Its tickets stay its own."""
    member = await _member(tx, account_id)
    check_outranks(caller, member.role)
    await _leave_owner(tx, member)
    await repository.remove_member(tx, account_id)
    await credentials_repository.revoke_all_of(tx, f"account:{account_id}")
    await tx.audit("member.removed", f"account:{account_id}", role=member.role)


async def _member(tx: TenantTx, account: UUID) -> Member:
    found = await repository.member(tx, account)
    if found is None:
        raise Refusal("not_found")
    return found


async def _leave_owner(tx: TenantTx, member: Member) -> None:
    """Refuse that the last owner goes; of another, take what was made as owner."""
    owners = await repository.owners(tx)
    if member.account_id not in owners:
        return
    if len(owners) == 1:
        raise Refusal("last_owner")
    await credentials_repository.revoke_all_of(tx, f"account:{member.account_id}")


ROUTES: Final = (list_members, change_role, remove)
