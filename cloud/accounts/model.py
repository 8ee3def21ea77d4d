"""What is sent and answered about accounts and sessions."""

import unicodedata
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

import msgspec
from msgspec import Meta

from cloud.accounts import passwords
from cloud.errors import Refusal

_NO_CONTROLS: Final = r"\A[^\x00-\x1f\x7f]*\Z"
Email = Annotated[
    str,
    Meta(
        min_length=3,
        max_length=254,
        pattern=r"\A[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]{1,189}\Z",
        description="A mail address. Capitals make no difference.",
        examples=["ada@example.org"],
    ),
]
Password = Annotated[
    str,
    Meta(
        max_length=passwords.LENGTHS.stop,
        description="At least 8 characters, of any kind.",
        examples=["correct horse battery"],
    ),
]
Name = Annotated[
    str,
    Meta(max_length=80, pattern=_NO_CONTROLS, description="As shown.", examples=["Ada Lovelace"]),
]
Locale = Annotated[
    str,
    Meta(
        max_length=16,
        pattern=r"\A[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,2}\Z",
        description="A language tag.",
        examples=["en", "de-AT"],
    ),
]
Secret = Annotated[
    str, Meta(min_length=1, max_length=200, description="The secret that was mailed.")
]


class SignUp(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new account."""

    email: Email
    password: Password
    name: Name = ""
    locale: Locale = "en"


class SignIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A sign-in by password."""

    email: Email
    password: Password


class OidcSignIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A sign-in by what an outside issuer has signed."""

    issuer: Annotated[str, Meta(min_length=1, max_length=2000, description="Its address.")]
    id_token: Annotated[str, Meta(min_length=1, max_length=16_384)]
    nonce: Annotated[
        str, Meta(min_length=16, max_length=256, description="What the ID token was asked with.")
    ]


class Refresh(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A refresh token, to be replaced by its successor."""

    refresh_token: Annotated[str, Meta(min_length=1, max_length=200)]


class Address(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The address of an account that may exist."""

    email: Email


class Proof(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What only the owner of a mailbox has."""

    secret: Secret


class Reset(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new password, by a mailed secret."""

    secret: Secret
    password: Password


class PasswordChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new password, by the old one."""

    current: Password
    new: Password


class AccountChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to change; null or missing: nothing."""

    name: Name | None = None
    locale: Locale | None = None


class Mailed(msgspec.Struct, frozen=True):
    """The same for every address, whether it has an account or not."""

    mailed: Annotated[bool, Meta(description="What happens next stands in a mail.")] = True


class AccountOut(msgspec.Struct, frozen=True):
    """An account, to its owner. `email` is null where an issuer vouches for none."""

    account_id: UUID
    email: str | None
    email_verified: bool
    name: str
    locale: str
    admin: bool
    created_at: datetime


class Access(msgspec.Struct, frozen=True):
    """An access token, for the Authorization header."""

    access_token: str
    expires_in: Annotated[int, Meta(description="Seconds.", examples=[600])]
    token_type: str = "Bearer"  # noqa: S105 - RFC 6750


class SessionTokens(msgspec.Struct, frozen=True, kw_only=True):
    """A session's tokens. The refresh token is good once, and answered by its successor."""

    session_id: UUID
    access_token: str
    expires_in: Annotated[int, Meta(description="Seconds.", examples=[600])]
    refresh_token: str
    token_type: str = "Bearer"  # noqa: S105 - RFC 6750


class SignedIn(SessionTokens, frozen=True, kw_only=True):
    """A new session, and whose it is."""

    account: AccountOut


class SessionOut(msgspec.Struct, frozen=True):
    """A session that has not ended."""

    session_id: UUID
    created_at: datetime
    used_at: datetime
    expires_at: datetime
    current: Annotated[bool, Meta(description="Whether this request belongs to it.")]


def canonical(email: str) -> str:
    """Return the one spelling of a mail address."""
    return unicodedata.normalize("NFC", email).casefold()


def fit(password: str, email: str | None, field: str = "/password") -> None:
    """Refuse a password that may not be chosen."""
    if (why := passwords.refusal(password, email or "")) is not None:
        raise Refusal(why.value, field=field)
