"""Sign-up, verification and password reset over HTTP. Answers are alike for every address."""

from collections.abc import Mapping
from typing import Any, Final

from litestar import Request, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from cloud.accounts import joining
from cloud.accounts.model import Address, Mailed, Proof, Reset, SignUp, canonical, fit
from cloud.accounts.service import Accounts
from cloud.accounts.sessions import signed_in
from cloud.db.tenancy import PlatformTx
from cloud.http.access import Principal, anyone, fan
from cloud.http.dependencies import provide_ptx
from cloud.pacing import at_least

# Whoever is at the door has no use for old credentials in the header: they are not looked at.
DOOR: Final[Mapping[str, Any]] = {**anyone(), "sensitive": True, "own_credentials": True}
Asked = Request[Any, Any, Any]
RESET_TAKES: Final = 0.05  # seconds: several times what mailing a secret does


@post(
    "/v1/accounts",
    status_code=202,
    opt=DOOR,
    tags=["accounts"],
    operation_id="signUp",
    summary="Sign up",
)
async def sign_up(
    data: JSONBody[SignUp], request: Asked, accounts: NamedDependency[Accounts]
) -> Mailed:
    """Make an account. An address that has one gets a mail that says so, and the same answer."""
    email = canonical(data.email)
    fit(data.password, email)
    async with accounts.hashing.slot():
        stored = await accounts.hashing.hash(data.password)
    ptx = await provide_ptx(request)
    await joining.sign_up(ptx, accounts, email, stored, data.name, data.locale)
    return Mailed()


@post(
    "/v1/accounts/verify",
    status_code=204,
    opt=DOOR,
    tags=["accounts"],
    operation_id="verifyAddress",
    summary="Verify an address",
)
async def verify(data: JSONBody[Proof], ptx: NamedDependency[PlatformTx]) -> None:
    """Prove a mail address by the secret that was mailed to it. The password is the sign-up's."""
    await joining.verify(ptx, data.secret)


@post(
    "/v1/accounts/me/verification",
    status_code=202,
    opt=fan(),
    tags=["accounts"],
    operation_id="mailVerification",
    summary="Mail another secret",
)
async def mail_verification(
    ptx: NamedDependency[PlatformTx],
    principal: NamedDependency[Principal],
    accounts: NamedDependency[Accounts],
) -> Mailed:
    """Mail another secret that proves the address, unless it is proved."""
    account = await signed_in(ptx, principal)
    await joining.mail_verification(ptx, accounts, account)
    return Mailed()


@post(
    "/v1/accounts/password-reset",
    status_code=202,
    opt=DOOR,
    tags=["accounts"],
    operation_id="askPasswordReset",
    summary="Ask for a new password",
)
async def ask_reset(
    data: JSONBody[Address],
    ptx: NamedDependency[PlatformTx],
    accounts: NamedDependency[Accounts],
) -> Mailed:
    """Mail a secret for a new password, if the address has an account."""
    async with at_least(RESET_TAKES):
        await joining.mail_reset(ptx, accounts, canonical(data.email))
    return Mailed()


@post(
    "/v1/accounts/password-reset/confirm",
    status_code=204,
    opt=DOOR,
    tags=["accounts"],
    operation_id="resetPassword",
    summary="Choose a new password",
)
async def reset(data: JSONBody[Reset], request: Asked, accounts: NamedDependency[Accounts]) -> None:
    """Set a password by the secret that was mailed. Every session ends."""
    async with accounts.hashing.slot():
        ptx = await provide_ptx(request)
        account = await joining.reset(ptx, data.secret)
        fit(data.password, account.email)
        stored = await accounts.hashing.hash(data.password)
        await joining.finish_reset(ptx, account, stored)


ROUTES: Final = (sign_up, verify, mail_verification, ask_reset, reset)
