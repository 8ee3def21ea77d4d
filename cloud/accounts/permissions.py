"""Roles, scopes, and what each role may do: one table.

A person has a role in a tenant, or none: then they may do what a fan may, with what is their
own, which needs no scope. Service clients and API keys have no role and carry scopes.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Final


class Scope(StrEnum):
    """One thing that may be done. Stored and issued: renaming a value is a migration."""

    TENANT_READ = "tenant:read"
    TENANT_WRITE = "tenant:write"
    MEMBERS_WRITE = "members:write"
    EVENTS_READ = "events:read"
    EVENTS_WRITE = "events:write"
    ORDERS_READ = "orders:read"
    ORDERS_REFUND = "orders:refund"
    TICKETS_READ = "tickets:read"
    TICKETS_ISSUE = "tickets:issue"
    TICKETS_WRITE = "tickets:write"
    CHECKINS_READ = "checkins:read"
    CHECKINS_WRITE = "checkins:write"
    DEVICES_READ = "devices:read"
    DEVICES_WRITE = "devices:write"
    BADGES_READ = "badges:read"
    BADGES_WRITE = "badges:write"
    HOOKS_READ = "hooks:read"
    HOOKS_WRITE = "hooks:write"
    KEYS_READ = "keys:read"
    KEYS_WRITE = "keys:write"
    REPORTS_READ = "reports:read"
    BOOKS_READ = "books:read"
    AUDIT_READ = "audit:read"
    PRIVACY_WRITE = "privacy:write"
    PLATFORM_ADMIN = "platform:admin"


class Role(StrEnum):
    """What a person is in a tenant; `ADMIN` is one of the whole platform."""

    OWNER = "owner"
    ARTIST = "artist"
    STAFF = "staff"
    SCANNER = "scanner"
    ADMIN = "admin"


ROLE_SCOPES: Final[Mapping[Role, frozenset[Scope]]] = {
    Role.OWNER: frozenset(Scope) - {Scope.PLATFORM_ADMIN},
    # Their events' sales and attendance, and nobody's name.
    Role.ARTIST: frozenset({Scope.EVENTS_READ, Scope.REPORTS_READ}),
    # The box office: sells, issues, corrects, refunds, lets in.
    Role.STAFF: frozenset(
        {
            Scope.TENANT_READ,
            Scope.EVENTS_READ,
            Scope.ORDERS_READ,
            Scope.ORDERS_REFUND,
            Scope.TICKETS_READ,
            Scope.TICKETS_ISSUE,
            Scope.TICKETS_WRITE,
            Scope.CHECKINS_READ,
            Scope.CHECKINS_WRITE,
        }
    ),
    Role.SCANNER: frozenset({Scope.CHECKINS_READ, Scope.CHECKINS_WRITE}),
    Role.ADMIN: frozenset(Scope),
}


class ScopeRefused(Exception):
    """A list of scopes that can't be read; `code` is API, `scope` is what was wrong."""

    def __init__(self, code: str, scope: str) -> None:
        super().__init__(code, scope)
        self.code = code
        self.scope = scope
        self.sentence = SENTENCES[code]


SENTENCES: Final[Mapping[str, str]] = {
    "scope_unknown": "There is no such scope.",
    "scope_repeated": "A scope is listed twice.",
}


def allowed(role: Role | None, scopes: Collection[Scope] | None = None) -> frozenset[Scope]:
    """Return what may be done with a role, with scopes, or with both: then what both allow."""
    if role is None:
        return frozenset(scopes or ())
    return ROLE_SCOPES[role] if scopes is None else ROLE_SCOPES[role] & frozenset(scopes)


def may_grant(held: Collection[Scope], wanted: Collection[Scope]) -> bool:
    """Say whether who holds `held` may make an API key or a client with `wanted`.

    Nobody gives what they lack, and the platform is not given away with a key.
    """
    giver, given = frozenset(held), frozenset(wanted)
    return Scope.KEYS_WRITE in giver and given <= giver - {Scope.PLATFORM_ADMIN}


def parse_scopes(text: str) -> frozenset[Scope]:
    """Return the scopes of a list separated by single spaces (RFC 6749 §3.3)."""
    found: set[Scope] = set()
    for name in text.split(" ") if text else ():
        scope = _scope(name)
        if scope in found:
            raise ScopeRefused("scope_repeated", name)
        found.add(scope)
    return frozenset(found)


def format_scopes(scopes: Collection[Scope]) -> str:
    """Return the one text of a set of scopes."""
    return " ".join(sorted(frozenset(scopes)))


def _scope(name: str) -> Scope:
    try:
        return Scope(name)
    except ValueError:
        raise ScopeRefused("scope_unknown", name[:64]) from None
