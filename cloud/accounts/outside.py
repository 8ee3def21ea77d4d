"""Signing in by an outside issuer (OpenID Connect).

An account is found by issuer and subject, never by its address. The first time:

- The issuer has verified an address that an account here has: the two are linked. The operator
  trusts the issuer by naming it. If the address was not verified here, whoever signed up with
  it has not shown that it is theirs: their password and sessions go, as by a reset.
- The issuer has verified an address that nobody has here: a new account has it, verified.
- The issuer vouches for no address: a new account without one. Taking the address from a claim
  would tell who has an account, and let anybody have anybody's.
"""

from uuid import UUID

import msgspec

from cloud.accounts import proof_repository, repository, session_repository
from cloud.accounts.id_token import ExternalIdentity, IdTokenRefused
from cloud.accounts.mail import secret_hash
from cloud.accounts.model import Email, OidcSignIn, canonical
from cloud.accounts.oidc import IssuerFailed
from cloud.accounts.repository import Account
from cloud.accounts.service import Accounts
from cloud.db.tenancy import PlatformTx
from cloud.errors import Refusal


async def identify(accounts: Accounts, asked: OidcSignIn, now: int) -> ExternalIdentity:
    """Return who the ID token proves somebody to be. Asks the issuer, so: no transaction yet."""
    outside = accounts.outside.get(asked.issuer)
    if outside is None:
        raise Refusal("issuer_unknown", field="/issuer")
    try:
        return await outside.issuer.identify(asked.id_token, outside.audience, asked.nonce, now)
    except IdTokenRefused as refused:
        raise Refusal("id_token_refused", field="/id_token", reason=refused.code) from None
    except IssuerFailed as failed:
        raise Refusal("issuer_unavailable", reason=failed.code) from None


async def found_or_made(ptx: PlatformTx, identity: ExternalIdentity, token: str) -> Account:
    """Return the account of an identity, locked. The token is used up."""
    if not await proof_repository.spend_id_token(ptx, secret_hash(token)):
        raise Refusal("id_token_refused", field="/id_token", reason="id_token_used")
    account_id = await proof_repository.identified(ptx, identity.issuer, identity.subject)
    if account_id is None:
        account_id = await _first(ptx, identity)
    account = await repository.by_id(ptx, account_id)
    if account is None:  # erased
        raise Refusal("sign_in_refused")
    return account


async def _first(ptx: PlatformTx, identity: ExternalIdentity) -> UUID:
    email = _vouched(identity)
    account_id = await repository.create(ptx, email, None, verified=email is not None)
    if account_id is not None:
        await ptx.audit("account.made", f"account:{account_id}")
    elif email is not None:
        account_id = await _taken(ptx, email)
    if account_id is None:
        raise Refusal("conflict")
    await proof_repository.link(ptx, identity.issuer, identity.subject, account_id)
    await ptx.audit("account.linked", f"account:{account_id}")
    return account_id


def _vouched(identity: ExternalIdentity) -> str | None:
    """Return the address that the issuer has verified, if it is one that an account may have."""
    if not identity.email_verified:
        return None
    try:
        return canonical(msgspec.convert(identity.email, Email))
    except msgspec.ValidationError:
        return None


async def _taken(ptx: PlatformTx, email: str) -> UUID | None:
    """Return the account that has the address, in its owner's hands alone."""
    known = await repository.by_email(ptx, email)
    if known is None:
        return None
    if known.email_verified_at is None:
        await repository.set_password(ptx, known.account_id, None)
        await repository.raise_epoch(ptx, known.account_id)
        await session_repository.end_all(ptx, known.account_id, "verified")
        await repository.set_verified(ptx, known.account_id)
    return known.account_id
