"""What a service asks of the token endpoint (RFC 6749 §4.4), read and judged. Pure.

A client's id names its tenant, `<tenant>.<client>`, because nothing else does before a
transaction is opened. Its secret comes in the Authorization header or in the form, never in
both (§2.3.1).
"""

import re
from base64 import b64decode
from collections.abc import Collection
from typing import Annotated, Final, Literal, NamedTuple
from urllib.parse import unquote_plus
from uuid import UUID

import msgspec
from msgspec import Meta

from cloud.accounts.permissions import Scope, ScopeRefused, parse_scopes

GRANT: Final = "client_credentials"
_HEX: Final = "[0-9a-f]"
_UUID: Final = f"{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}"
_CLIENT: Final = re.compile(rf"({_UUID})\.({_UUID})")
Code = Literal[
    "invalid_request", "invalid_client", "invalid_scope", "invalid_target",
    "unsupported_grant_type", "temporarily_unavailable",
]  # fmt: skip
Text = Annotated[str, Meta(max_length=2048)]


class TokenForm(msgspec.Struct, frozen=True):
    """The form. Members that we don't know are passed over, as §3.2 asks."""

    grant_type: Annotated[str, Meta(max_length=2048, examples=[GRANT])] = ""
    scope: Annotated[Text, Meta(description="Some of the client's scopes; empty: all.")] = ""
    client_id: Text = ""
    client_secret: Text = ""
    resource: Annotated[Text, Meta(description="Our address, or nothing (RFC 8707).")] = ""
    audience: Text = ""


class OAuthRefusal(Exception):
    """An error of §5.2."""

    def __init__(self, code: Code, sentence: str = "") -> None:
        super().__init__(code)
        self.code: Code = code
        self.sentence = sentence


class Claimed(NamedTuple):
    """Who a service says it is."""

    tenant: UUID
    client: UUID
    secret: str

    def __repr__(self) -> str:
        return f"Claimed({client_text(self.tenant, self.client)})"


def client_text(tenant: UUID, client: UUID) -> str:
    """Return a client's id as its owner writes it."""
    return f"{tenant}.{client}"


def claimed(authorization: str, form: TokenForm) -> Claimed:
    """Return who asks, or refuse."""
    if form.grant_type != GRANT:
        missing = not form.grant_type
        raise OAuthRefusal("invalid_request" if missing else "unsupported_grant_type")
    name, secret = form.client_id, form.client_secret
    if authorization:
        if secret:
            raise OAuthRefusal("invalid_request", "The secret comes in the header or the form.")
        named = name
        name, secret = _basic(authorization)
        if named not in ("", name):
            raise OAuthRefusal("invalid_request", "Two clients are named.")
    match = _CLIENT.fullmatch(name)
    if match is None or not secret:
        raise OAuthRefusal("invalid_client")
    return Claimed(UUID(match[1]), UUID(match[2]), secret)


def granted(form: TokenForm, held: Collection[Scope]) -> frozenset[Scope]:
    """Return the scopes that a token is to have: those asked for, or all."""
    if not form.scope:
        return frozenset(held)
    try:
        wanted = parse_scopes(form.scope)
    except ScopeRefused as refused:
        raise OAuthRefusal("invalid_scope", refused.sentence) from None
    if not wanted <= frozenset(held):
        raise OAuthRefusal("invalid_scope", "The client has fewer scopes.")
    return wanted


def check_target(form: TokenForm, issuer: str, audience: str) -> None:
    """Refuse to make a token for another service: ours has one audience."""
    if form.audience not in ("", audience) or form.resource.rstrip("/") not in ("", issuer):
        raise OAuthRefusal("invalid_target")


def _basic(authorization: str) -> tuple[str, str]:
    scheme, _, credential = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise OAuthRefusal("invalid_client")
    try:
        text = b64decode(credential, validate=True).decode()
    except ValueError:
        raise OAuthRefusal("invalid_client") from None
    name, _, secret = text.partition(":")
    return unquote_plus(name), unquote_plus(secret)
