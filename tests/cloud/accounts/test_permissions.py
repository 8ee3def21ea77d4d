"""Roles and scopes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.accounts.permissions import (
    ROLE_SCOPES,
    Role,
    Scope,
    ScopeRefused,
    allowed,
    format_scopes,
    may_grant,
    parse_scopes,
)

scope_sets = st.frozensets(st.sampled_from(Scope))
roles = st.none() | st.sampled_from(Role)


def test_the_table_is_the_agreed_one() -> None:
    """What each role may do, written out a second time: a change here is a decision."""
    said = {role: format_scopes(scopes) for role, scopes in ROLE_SCOPES.items()}
    assert said == {
        Role.OWNER: (
            "audit:read badges:read badges:write books:read checkins:read checkins:write"
            " devices:read devices:write events:read events:write hooks:read hooks:write"
            " keys:read keys:write members:write orders:read orders:refund privacy:write"
            " reports:read tenant:read tenant:write tickets:issue tickets:read tickets:write"
        ),
        Role.ARTIST: "events:read reports:read",
        Role.STAFF: (
            "checkins:read checkins:write events:read orders:read orders:refund tenant:read"
            " tickets:issue tickets:read tickets:write"
        ),
        Role.SCANNER: "checkins:read checkins:write",
        Role.ADMIN: " ".join(sorted(Scope)),
    }


def test_only_an_admin_has_the_platform() -> None:
    """No role of a tenant reaches beyond it."""
    assert [r for r in Role if Scope.PLATFORM_ADMIN in ROLE_SCOPES[r]] == [Role.ADMIN]


@given(roles, st.none() | scope_sets)
def test_scopes_never_add_to_a_role(role: Role | None, scopes: frozenset[Scope] | None) -> None:
    """A token's scopes narrow a role; without a role they are all there is."""
    may = allowed(role, scopes)
    if role is not None:
        assert may <= ROLE_SCOPES[role]
    if scopes is not None:
        assert may <= scopes
    if role is None:
        assert may == (frozenset() if scopes is None else scopes)
    elif scopes is None:
        assert may == ROLE_SCOPES[role]


@given(scope_sets, scope_sets)
def test_nobody_gives_what_they_lack(held: frozenset[Scope], wanted: frozenset[Scope]) -> None:
    """A key is made only by who may make keys, never stronger, and never for the platform."""
    expected = Scope.KEYS_WRITE in held and wanted <= held and Scope.PLATFORM_ADMIN not in wanted
    assert may_grant(held, wanted) is expected


def test_an_owner_gives_and_a_scanner_does_not() -> None:
    """Two cases by name."""
    checkins = ROLE_SCOPES[Role.SCANNER]
    assert may_grant(ROLE_SCOPES[Role.OWNER], checkins)
    assert not may_grant(checkins, checkins)
    assert not may_grant(ROLE_SCOPES[Role.ADMIN], {Scope.PLATFORM_ADMIN})


@given(scope_sets)
def test_scopes_are_read_back(scopes: frozenset[Scope]) -> None:
    """Reading is the inverse of writing."""
    assert parse_scopes(format_scopes(scopes)) == scopes


@given(st.permutations(list(Scope)))
def test_the_order_says_nothing(order: list[Scope]) -> None:
    """A set has one text, and any order of it is read."""
    assert format_scopes(order) == format_scopes(frozenset(Scope))
    assert parse_scopes(" ".join(order)) == frozenset(Scope)


@pytest.mark.parametrize(
    ("code", "scope", "text"),
    [
        ("scope_unknown", "tickets:sell", "tickets:read tickets:sell"),
        ("scope_unknown", "Tickets:Read", "Tickets:Read"),
        ("scope_unknown", "", "tickets:read  tickets:write"),
        ("scope_unknown", "", " "),
        ("scope_unknown", "tickets:read\n", "tickets:read\n"),
        ("scope_unknown", "*", "*"),
        ("scope_unknown", "x" * 64, "x" * 5000),
        ("scope_repeated", "tickets:read", "tickets:read tickets:read"),
    ],
    ids=repr,
)
def test_other_lists_are_refused(code: str, scope: str, text: str) -> None:
    """What is no list of scopes is refused, and named, cut to a length for logs."""
    with pytest.raises(ScopeRefused) as refused:
        parse_scopes(text)
    assert (refused.value.code, refused.value.scope) == (code, scope)
    assert refused.value.sentence
