"""Mail over HTTP: what was sent and what became of it; what one wants no more of."""

from collections.abc import Collection
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from litestar import get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from cloud.db.tenancy import TenantTx
from cloud.errors import Refusal
from cloud.http.access import Caller, fan, needs
from cloud.http.paging import DEFAULT_LIMIT, Cursor, Limit, Page, decode, page
from cloud.notify import refusals, repository
from cloud.notify.mailbox_routes import ROUTES as MAILBOX
from cloud.notify.model import SECRET, Category, State
from cloud.notify.shapes import MailOut, Preferences
from cloud.notify.unsubscribing import ROUTES as UNSUBSCRIBING
from cloud.tenants.tenant_controller import TENANT
from cloud.transfers.repository import person

MAILS: Final = f"{TENANT}/mail"
PREFERENCES: Final = f"{TENANT}/mail-preferences"
TAGS: Final = ["mail"]
In = Annotated[State | None, QueryParameter(name="state", description="Only mails in it.")]


@get(MAILS, opt=needs("orders:read"), tags=TAGS, operation_id="listMail", summary="List the mail")
async def list_mail(
    tx: NamedDependency[TenantTx],
    wanted: In = None,
    cursor: Cursor = "",
    limit: Limit = DEFAULT_LIMIT,
) -> Page[MailOut]:
    """Return what was mailed in the last month, newest first, and what became of it."""
    before = decode(cursor, tuple[datetime, UUID])
    rows = await repository.mails(tx, before, wanted.value if wanted else "", limit + 1)
    found = [MailOut(**{name: row[name] for name in MailOut.__struct_fields__}) for row in rows]
    return page(found, limit, lambda each: (each.created_at, each.mail_id))


@post(f"{MAILS}/{{mail_id:uuid}}/resend", opt=needs("tickets:write"), tags=TAGS, status_code=202,
      operation_id="resendMail", summary="Try a mail again")  # fmt: skip
async def resend_mail(mail_id: FromPath[UUID], tx: NamedDependency[TenantTx]) -> None:
    """Send a mail again that was refused or given up: to the address as it now is."""
    mail = await repository.read(tx, mail_id)
    if mail is None:
        raise Refusal("not_found")
    if mail.kind in SECRET and not mail.sealed:
        raise Refusal("mail_secret_gone")
    if not await repository.resend(tx, mail_id):
        raise Refusal("mail_not_refused")
    await tx.audit("mail.resent", f"mail:{mail_id}")


@get(PREFERENCES, opt=fan(), tags=TAGS, operation_id="readMailPreferences",
     summary="Read what you are mailed")  # fmt: skip
async def read_preferences(
    tx: NamedDependency[TenantTx], caller: NamedDependency[Caller]
) -> Preferences:
    """Return what this organizer may mail you beside what you do."""
    return _shown(await refusals.refused(tx, await _address(tx, caller)))


@put(PREFERENCES, opt=fan(), tags=TAGS, operation_id="setMailPreferences",
     summary="Choose what you are mailed")  # fmt: skip
async def set_preferences(
    data: JSONBody[Preferences], tx: NamedDependency[TenantTx], caller: NamedDependency[Caller]
) -> Preferences:
    """Say what this organizer may mail you beside what you do."""
    address = await _address(tx, caller)
    for category in Category:
        wanted = getattr(data, category.value)
        await (refusals.allow if wanted else refusals.refuse)(tx, address, category)
    return _shown(await refusals.refused(tx, address))


async def _address(tx: TenantTx, caller: Caller) -> str:
    """Return the caller's address: for one that is not proved, nobody else's mail is stopped."""
    email = (await person(tx, caller.own())).email
    if email is None:
        raise Refusal("email_unverified")
    return email


def _shown(refused: Collection[Category]) -> Preferences:
    return Preferences(**{each.value: each not in refused for each in Category})


ROUTES: Final = (
    list_mail, resend_mail, read_preferences, set_preferences, *UNSUBSCRIBING, *MAILBOX,
)  # fmt: skip
