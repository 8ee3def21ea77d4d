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
from cloud.ledger.work.keys import Fan

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
TAKE: Final[LiteralString] = """
    INSERT INTO wallet (account_id, address, linked_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
"""
EXPORTED: Final[LiteralString] = """
    INSERT INTO wallet_export (account_id, number, exported_at) VALUES ($1, $2, $3)
"""
EXPORTS: Final[LiteralString] = """
    SELECT count(*) FROM wallet_export WHERE tenant_id = current_tenant() AND account_id = $1
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


async def kept(tx: TenantTx, account: UUID) -> Fan:
    """Return for whom we keep an address: the one that is next after those handed over."""
    return Fan(account, int(await tx.conn.fetchval(EXPORTS, account)))


async def hand_over(tx: TenantTx, fan: Fan, address: Pubkey) -> None:
    """Have the address that we kept be the fan's own wallet, for whom we sign no more.

    Refuses where a wallet is linked: then nothing is kept that could be handed over.
    """
    done = await tx.conn.execute(TAKE, fan.account, bytes(address), tx.now)
    if done != "INSERT 0 1":
        raise Refusal("wallet_linked")
    await tx.conn.execute(EXPORTED, fan.account, fan.exports, tx.now)


async def read(tx: TenantTx, account: UUID) -> Row | None:
    """Return the wallet of an account."""
    return await tx.conn.fetchrow(READ, account)
