"""`usher-cloud admin mail`: what would have been mailed to somebody.

Mail is not sent yet. Whoever tries the service out, or helps a person at the phone, reads here
the secrets that prove an address; each reading is audited.
"""

from typing import Final, LiteralString, NamedTuple

from cloud.accounts import mail
from cloud.accounts.model import canonical
from cloud.commands.admin import OPERATOR, operate
from cloud.commands.saying import OUT, fail
from cloud.db.connect import Row
from cloud.db.tenancy import PlatformTx, platform_tx, tenant_tx
from cloud.parts import Parts
from cloud.settings import Settings
from cloud.working import utc_now

ACCOUNT: Final[LiteralString] = "SELECT account_id FROM account WHERE email = $1"
TO_ACCOUNT: Final[LiteralString] = """
    SELECT created_at, topic, key, payload FROM platform_outbox
     WHERE payload->>'account_id' = $1 ORDER BY message_id DESC LIMIT 20
"""
TENANTS: Final[LiteralString] = "SELECT tenant_id, name FROM tenant ORDER BY slug"
INVITATIONS: Final[LiteralString] = """
    SELECT o.created_at, o.topic, o.key, o.payload
      FROM outbox o JOIN invitation i ON o.key = 'invitation:' || i.invitation_id
     WHERE i.email = $1 AND o.topic = 'mail.invitation' ORDER BY o.message_id DESC LIMIT 20
"""
WHAT: Final = {
    "mail.verify": "Prove the address: POST /v1/accounts/verify",
    "mail.reset": "Choose a new password: POST /v1/accounts/password-reset/confirm",
    "mail.known": "Somebody signed up with this address again.",
    "mail.changed": "The password was changed.",
    "mail.reused": "A session was ended: its token had been copied.",
    "mail.invitation": "Join {tenant}: POST /v1/tenants/{tenant_id}/invitations/accept",
}


class Line(NamedTuple):
    """One message."""

    when: str
    what: str
    secret: str


def show(settings: Settings, email: str) -> None:
    """List the newest messages to an address, with the secrets that they carry."""

    async def act(parts: Parts) -> None:
        address = canonical(email)
        lines: list[Line] = []
        async with platform_tx(parts.pool, OPERATOR, utc_now()) as ptx:
            await _to_account(parts, ptx, address, lines)
            tenants = await ptx.conn.fetch(TENANTS)
        for tenant in tenants:
            async with tenant_tx(parts.pool, tenant["tenant_id"], OPERATOR, utc_now()) as tx:
                for row in await tx.conn.fetch(INVITATIONS, address):
                    _add(parts, lines, row, tenant=tenant["name"], tenant_id=tx.tenant)
        if not lines:
            fail(f"Nothing was to be mailed to {email}.", 1)
        for line in lines:  # no table: on a narrow terminal it would cut the secret off
            OUT.print(line.when, line.what, markup=False)
            if line.secret:
                OUT.print(f"  {line.secret}", markup=False)

    operate(settings, act)


async def _to_account(parts: Parts, ptx: PlatformTx, address: str, lines: list[Line]) -> None:
    account = await ptx.conn.fetchval(ACCOUNT, address)
    if account is None:
        return
    await ptx.audit("account.mail_read", f"account:{account}")
    for row in await ptx.conn.fetch(TO_ACCOUNT, str(account)):
        _add(parts, lines, row)


def _add(parts: Parts, lines: list[Line], row: Row, **named: object) -> None:
    payload, secret = row["payload"], ""
    if "sealed" in payload:
        secret = mail.opened(parts.sealer, row["topic"], row["key"], payload)
    what = WHAT.get(row["topic"], str(row["topic"])).format(**named)
    lines.append(Line(f"{row['created_at']:%d %b %H:%M}", what, secret))
