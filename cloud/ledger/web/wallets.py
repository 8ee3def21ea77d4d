"""A fan's own wallet: linked by signing a challenge. Pure, but for its rows.

The challenge names tenant, account and end, so that a signature is good for nobody else and not
for long. It is text, and begins as no transaction does.
"""

from datetime import UTC, datetime, timedelta
from typing import Final, LiteralString
from uuid import UUID

from solders.pubkey import Pubkey
from solders.signature import Signature

from cloud.db.connect import Row
from cloud.db.tenancy import TenantTx
from cloud.errors import Refusal
from cloud.ledger.web.shapes import Challenge, Proof

LIVES: Final = timedelta(minutes=10)
TEXT: Final = (
    "Usher asks: is this wallet yours? Signing moves nothing and costs nothing.\n"
    "Organizer: {tenant}\nAccount: {account}\nGood until: {until}"
)
LINK: Final[LiteralString] = """
    INSERT INTO wallet (account_id, address, linked_at) VALUES ($1, $2, $3)
        ON CONFLICT (tenant_id, account_id) DO UPDATE
       SET address = excluded.address, linked_at = excluded.linked_at
"""
UNLINK: Final[LiteralString] = """
    DELETE FROM wallet WHERE tenant_id = current_tenant() AND account_id = $1
"""
READ: Final[LiteralString] = """
    SELECT address, linked_at FROM wallet WHERE tenant_id = current_tenant() AND account_id = $1
"""


def challenge(tenant: UUID, account: UUID, until: datetime) -> Challenge:
    """Return what is to be signed until then."""
    until = until.astimezone(UTC).replace(microsecond=0)
    text = TEXT.format(tenant=tenant, account=account, until=until.isoformat())
    return Challenge(text, until)


def proved(tenant: UUID, account: UUID, proof: Proof, now: datetime) -> Pubkey:
    """Return the wallet that signed. Refuses what it did not sign, or too long ago.

    An address without a key (a program's) signs nothing, and so is no wallet.
    """
    if not now < proof.expires_at <= now + LIVES:
        raise Refusal("wallet_challenge_over")
    try:
        address, signature = (
            Pubkey.from_string(proof.address),
            Signature.from_string(proof.signature),
        )
    except ValueError:
        raise Refusal("wallet_signature") from None
    said = challenge(tenant, account, proof.expires_at).message.encode()
    if not (address.is_on_curve() and signature.verify(address, said)):
        raise Refusal("wallet_signature")
    return address


async def link(tx: TenantTx, account: UUID, address: Pubkey) -> None:
    """Have an account's tickets go to a wallet."""
    await tx.conn.execute(LINK, account, bytes(address), tx.now)


async def unlink(tx: TenantTx, account: UUID) -> None:
    """Have them go where we keep them."""
    await tx.conn.execute(UNLINK, account)


async def read(tx: TenantTx, account: UUID) -> Row | None:
    """Return the wallet of an account."""
    return await tx.conn.fetchrow(READ, account)
