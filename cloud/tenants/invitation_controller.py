"""Invitations over HTTP: how an account becomes a member.

The answer to an invitation is the same whether the address has an account or not. To accept
takes the secret that was mailed, and an account that has verified that same address.

The message `mail.invitation` {invitation_id, sealed} waits in the tenant's outbox, under the
key `invitation:<id>`; cloud/accounts/mail.py opens its secret.
"""

import secrets
from datetime import timedelta
from typing import Final
from uuid import UUID, uuid4

from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from cloud.accounts import mail
from cloud.accounts.model import canonical
from cloud.accounts.service import Accounts
from cloud.db.tenancy import TenantTx
from cloud.errors import Refusal
from cloud.http.access import Caller, fan, needs
from cloud.http.paging import DEFAULT_LIMIT, Cursor, Limit, Page, decode, page
from cloud.tenants import invitation_repository, repository
from cloud.tenants.model import Acceptance, Invitation, Invite, Member, check_outranks
from cloud.tenants.tenant_controller import TENANT

INVITATIONS: Final = f"{TENANT}/invitations"
LASTS: Final = timedelta(days=14)
TOPIC: Final = "mail.invitation"


@post(INVITATIONS, opt=needs("members:write"), tags=["members"], operation_id="invite",
      summary="Invite somebody")  # fmt: skip
async def invite(
    data: JSONBody[Invite],
    tx: NamedDependency[TenantTx],
    caller: NamedDependency[Caller],
    accounts: NamedDependency[Accounts],
) -> Invitation:
    """Mail an invitation to an address, which may have an account or not."""
    check_outranks(caller, data.role)
    await repository.keep_standing(tx, caller)
    await accounts.count("invite", str(tx.tenant), accounts.rules.invitations)
    email, made = canonical(data.email), uuid4()
    invitation = Invitation(made, email, data.role, tx.now, tx.now + LASTS)
    secret = mail.new_secret(secrets.token_bytes(mail.RANDOM_SIZE))
    await invitation_repository.invite(tx, invitation, mail.secret_hash(secret))
    key = f"invitation:{made}"
    sealed = mail.sealed(accounts.sealer, TOPIC, key, secret)
    await tx.publish(TOPIC, key, invitation_id=str(made), sealed=sealed)
    await tx.audit("invitation.made", key, role=data.role)
    return invitation


@get(INVITATIONS, opt=needs("members:write"), tags=["members"], operation_id="listInvitations",
     summary="List open invitations")  # fmt: skip
async def list_open(
    tx: NamedDependency[TenantTx], cursor: Cursor = "", limit: Limit = DEFAULT_LIMIT
) -> Page[Invitation]:
    """Return the invitations that nobody has accepted yet."""
    after = decode(cursor, UUID)
    found = await invitation_repository.open_invitations(tx, after, limit + 1)
    return page(found, limit, lambda invitation: invitation.invitation_id)


@delete(f"{INVITATIONS}/{{invitation_id:uuid}}", opt=needs("members:write"), tags=["members"],
        operation_id="revokeInvitation", summary="Take an invitation back")  # fmt: skip
async def revoke(
    invitation_id: FromPath[UUID],
    tx: NamedDependency[TenantTx],
    caller: NamedDependency[Caller],
) -> None:
    """Make an open invitation void."""
    role = await invitation_repository.revoke(tx, invitation_id)
    if role is None:
        raise Refusal("not_found")
    check_outranks(caller, role)
    await tx.audit("invitation.revoked", f"invitation:{invitation_id}")


@post(
    f"{INVITATIONS}/accept",
    status_code=200,
    opt=fan(),
    tags=["members"],
    operation_id="acceptInvitation",
    summary="Accept an invitation",
)
async def accept(
    data: JSONBody[Acceptance],
    tx: NamedDependency[TenantTx],
    caller: NamedDependency[Caller],
) -> Member:
    """Become a member, by the secret that was mailed to your verified address."""
    account = caller.own()
    digest = mail.secret_hash(data.secret)
    accepted = await invitation_repository.accept(tx, digest, account)
    if accepted is None:
        raise Refusal("invitation_invalid")
    invitation, role = accepted
    if not await repository.add_member(tx, account, role):
        raise Refusal("already_member")
    await tx.audit("invitation.accepted", f"invitation:{invitation}", role=role)
    member = await repository.member(tx, account)
    if member is None:
        raise RuntimeError("a member was added that isn't there")
    return member


ROUTES: Final = (invite, list_open, revoke, accept)
