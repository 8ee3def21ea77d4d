"""Signing up, proving an address, and choosing a new password.

**No enumeration.** A sign-up and a request to reset a password are answered alike for every
address, and as late; what they lead to stands in a mail, which only the owner of the address
reads.

**Whoever has the mailbox decides.** Somebody may sign up with an address that isn't theirs and
wait. So each sign-up mails a secret of its own, and the one that comes back sets the password
that was chosen with it: a stranger's password goes, and the stranger's sessions with it.
"""

import secrets
from datetime import timedelta
from typing import Final
from uuid import UUID

from cloud.accounts import mail, proof_repository, repository, session_repository
from cloud.accounts.repository import Account
from cloud.accounts.service import Accounts
from cloud.db.tenancy import PlatformTx
from cloud.errors import Refusal

VERIFY_LASTS: Final = timedelta(days=3)
RESET_LASTS: Final = timedelta(hours=1)


async def sign_up(
    ptx: PlatformTx, accounts: Accounts, email: str, stored: str, name: str, locale: str
) -> None:
    """Make an account, or tell the owner of the one that the address has already."""
    made = await repository.create(ptx, email, stored, name=name, locale=locale)
    if made is not None:
        await ptx.audit("account.made", f"account:{made}")
        await _mail_secret(ptx, accounts, "verify", made, stored)
        return
    known = await repository.by_email(ptx, email)
    if known is None or await accounts.within("mail", email, accounts.rules.mails):
        return
    if known.email_verified_at is None:
        await _mail_secret(ptx, accounts, "verify", known.account_id, stored)
    else:
        await mail.post(ptx, "mail.known", _key(known), account_id=str(known.account_id))


async def mail_verification(ptx: PlatformTx, accounts: Accounts, account: Account) -> None:
    """Mail another secret that proves the address."""
    if account.email is None or account.email_verified_at is not None:
        return
    await accounts.count("mail", account.email, accounts.rules.mails)
    await _mail_secret(ptx, accounts, "verify", account.account_id, account.password)


async def verify(ptx: PlatformTx, secret: str) -> None:
    """Note that the address is its account's, by the secret that was mailed to it."""
    spent = await proof_repository.spend_secret(ptx, mail.secret_hash(secret), "verify")
    account = await repository.by_id(ptx, spent.account_id) if spent else None
    if spent is None or account is None:
        raise Refusal("secret_invalid", field="/secret")
    # A verified account's password is changed by its owner alone, never by an older sign-up.
    if account.email_verified_at is None and spent.password != account.password:
        await _take_over(ptx, account, spent.password, "verified")
    await repository.set_verified(ptx, account.account_id)
    await ptx.audit("account.verified", f"account:{account.account_id}")


async def mail_reset(ptx: PlatformTx, accounts: Accounts, email: str) -> None:
    """Mail a secret for a new password, if the address has an account."""
    await ptx.audit("account.reset_asked", "")  # so that either commit waits for the disk
    account = await repository.by_email(ptx, email)
    often = await accounts.within("mail", email, accounts.rules.mails)
    if account is not None and not often:
        await _mail_secret(ptx, accounts, "reset", account.account_id)


async def reset(ptx: PlatformTx, secret: str) -> Account:
    """Return the account whose password may be chosen anew; the secret is used up."""
    spent = await proof_repository.spend_secret(ptx, mail.secret_hash(secret), "reset")
    account = await repository.by_id(ptx, spent.account_id) if spent else None
    if account is None:
        raise Refusal("secret_invalid", field="/secret")
    return account


async def finish_reset(ptx: PlatformTx, account: Account, stored: str) -> None:
    """Set the new password. Mail was read, so the address is proved as well."""
    await _take_over(ptx, account, stored, "reset")
    await repository.set_verified(ptx, account.account_id)
    await ptx.audit("account.password_reset", f"account:{account.account_id}")
    await mail.post(ptx, "mail.changed", _key(account), account_id=str(account.account_id))


async def _take_over(ptx: PlatformTx, account: Account, stored: str | None, why: str) -> None:
    """Let a password be the only one that counts: every session and token of before is void."""
    await repository.set_password(ptx, account.account_id, stored)
    await repository.raise_epoch(ptx, account.account_id)
    await session_repository.end_all(ptx, account.account_id, why)


async def _mail_secret(
    ptx: PlatformTx, accounts: Accounts, purpose: str, account: UUID, password: str | None = None
) -> None:
    topic, key = f"mail.{purpose}", f"account:{account}"
    lasts = VERIFY_LASTS if purpose == "verify" else RESET_LASTS
    secret = mail.new_secret(secrets.token_bytes(mail.RANDOM_SIZE))
    digest = mail.secret_hash(secret)
    await proof_repository.add_secret(ptx, digest, account, purpose, ptx.now + lasts, password)
    sealed = mail.sealed(accounts.sealer, topic, key, secret)
    await mail.post(ptx, topic, key, account_id=str(account), sealed=sealed)


def _key(account: Account) -> str:
    return f"account:{account.account_id}"
