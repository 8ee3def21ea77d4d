"""API keys, and what the platform's administrators may do, over real HTTP."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.cloud.database import awaited
from tests.cloud.service import Person, Service, Tenant, good, problem
from tests.cloud.waiting import blocked, holding

SCOPES = ["tenant:read", "members:write", "keys:write"]


@pytest.fixture(scope="module")
def admin(service: Service) -> Person:
    """An administrator of the platform."""
    person = service.person()
    service.database.run(f"UPDATE account SET admin = true WHERE email = '{person.email}'")
    return person


def make(client: httpx.Client, tenant: Tenant, **more: Any) -> httpx.Response:
    """Make an API key."""
    said = {"name": "Till", "scopes": SCOPES} | more
    return client.post(f"{tenant.path}/api-keys", json=said)


def test_a_key_does_what_its_scopes_say(service: Service, owner: Person, tenant: Tenant) -> None:
    """And acts under its own name."""
    made = good(make(owner, tenant), 201)
    key = service.client(f"Bearer {made['key']}")
    good(key.get(tenant.path))
    assert problem(key.patch(tenant.path, json={"name": "X"})) == (403, "scope_missing")
    said = {"email": "x@example.org", "role": "scanner"}
    assert problem(key.post(f"{tenant.path}/invitations", json=said)) == (403, "scope_missing")
    good(key.delete(f"{tenant.path}/api-keys/{made['key_id']}"), 204)
    rows = service.database.rows(
        "SELECT actor FROM audit WHERE action = 'api_key.revoked' AND tenant_id = $1",
        tenant.tenant_id,
    )
    assert [row["actor"] for row in rows] == [f"key:{made['key_id']}"]


def test_a_key_is_shown_once_and_not_kept(service: Service, owner: Person, tenant: Tenant) -> None:
    """Neither the list nor the database has it."""
    made = good(make(owner, tenant), 201)
    listed = owner.get(f"{tenant.path}/api-keys")
    assert good(listed)["items"][0]["key_id"] == made["key_id"]
    assert made["key"] not in listed.text
    rows = service.database.rows("SELECT * FROM api_key WHERE key_id = $1", made["key_id"])
    assert made["key"] not in str(dict(rows[0]))


def test_a_key_is_good_in_its_tenant_alone(service: Service, owner: Person, tenant: Tenant) -> None:
    """Elsewhere it is told what a made-up key is told."""
    key = service.client(f"Bearer {good(make(owner, tenant))['key']}")
    other = service.tenant(owner)
    assert problem(key.get(other.path)) == (401, "credentials_invalid")
    assert problem(key.get("/v1/tenants")) == (403, "account_required")


def test_no_key_has_more_than_its_maker(service: Service, owner: Person, tenant: Tenant) -> None:
    """Not the platform's scope, not an unknown one; and a key makes neither key nor service."""
    for scopes, expected in (
        (["platform:admin"], (403, "scope_missing")),
        (["tenant:read", "nonsense"], (400, "scope_unknown")),
        ([], (400, "invalid_request")),
    ):
        assert problem(make(owner, tenant, scopes=scopes)) == expected
    key = service.client(f"Bearer {good(make(owner, tenant))['key']}")
    assert problem(make(key, tenant, scopes=["tenant:read"])) == (403, "account_required")
    said = {"name": "Mine", "scopes": ["tenant:read"]}
    made = key.post(f"{tenant.path}/clients", json=said)
    assert problem(made) == (403, "account_required")


def test_a_key_gives_no_role_that_may_do_more(
    service: Service, owner: Person, tenant: Tenant
) -> None:
    """It can't make an owner, nor take one's role away."""
    key = service.client(f"Bearer {good(make(owner, tenant))['key']}")
    said = {"email": "x@example.org", "role": "owner"}
    assert problem(key.post(f"{tenant.path}/invitations", json=said)) == (403, "scope_missing")
    path = f"{tenant.path}/members/{owner.account_id}"
    assert problem(key.patch(path, json={"role": "scanner"})) == (403, "scope_missing")
    assert problem(key.delete(path)) == (403, "scope_missing")


def test_a_key_ends(service: Service, owner: Person, tenant: Tenant) -> None:
    """When it was said to, and when it is revoked."""
    soon = service.clock() + timedelta(hours=1)
    made = good(make(owner, tenant, expires_at=soon.isoformat()), 201)
    key = service.client(f"Bearer {made['key']}")
    good(key.get(tenant.path))
    service.database.run("UPDATE api_key SET expires_at = now() WHERE expires_at IS NOT NULL")
    assert problem(key.get(tenant.path)) == (401, "credentials_invalid")
    past = (service.clock() - timedelta(hours=1)).isoformat()
    assert problem(make(owner, tenant, expires_at=past)) == (400, "invalid_request")


def test_a_wrong_character_is_a_wrong_key(service: Service, owner: Person, tenant: Tenant) -> None:
    """Also with the right id in it."""
    key = good(make(owner, tenant))["key"]
    wrong = key[:-1] + ("0" if key[-1] != "0" else "1")
    client = service.client(f"Bearer {wrong}")
    assert problem(client.get(tenant.path)) == (401, "credentials_invalid")


def test_who_is_removed_does_not_come_back_by_a_key(
    service: Service, owner: Person, tenant: Tenant
) -> None:
    """The keys and services that they made go with them; the others' stay."""
    second = service.person()
    service.database.run(
        f"INSERT INTO member (tenant_id, account_id, role)"
        f" VALUES ('{tenant.tenant_id}', '{second.account_id}', 'owner')"
    )
    theirs, mine = good(make(second, tenant))["key"], good(make(owner, tenant))["key"]
    said = {"name": "Theirs", "scopes": ["tenant:read"]}
    made = good(second.post(f"{tenant.path}/clients", json=said), 201)
    good(owner.delete(f"{tenant.path}/members/{second.account_id}"), 204)
    client = service.client(f"Bearer {theirs}")
    assert problem(client.get(tenant.path)) == (401, "credentials_invalid")
    good(service.client(f"Bearer {mine}").get(tenant.path))
    form = {"grant_type": "client_credentials", "client_id": made["client_id"],
            "client_secret": made["client_secret"]}  # fmt: skip
    assert service.client().post("/v1/oauth/token", data=form).status_code == 401


def test_a_repeated_request_makes_one_key(owner: Person, tenant: Tenant) -> None:
    """And the answer shows the same one."""
    said = {"name": "Till", "scopes": SCOPES}
    headers = {"idempotency-key": "till-1"}
    answers = [owner.post(f"{tenant.path}/api-keys", json=said, headers=headers) for _ in range(2)]
    assert answers[0].content == answers[1].content
    assert len(good(owner.get(f"{tenant.path}/api-keys"))["items"]) == 1


def test_only_an_administrator_sees_all_tenants(
    service: Service, owner: Person, admin: Person, tenant: Tenant
) -> None:
    """Page by page; an owner is told to be one, a stranger to sign in."""
    path = "/v1/admin/tenants"
    assert problem(owner.get(path)) == (403, "admin_required")
    assert problem(service.client().get(path)) == (401, "credentials_missing")
    seen, cursor = set(), ""
    while cursor is not None:
        told = good(admin.get(path, params={"limit": 2, "cursor": cursor}))
        seen |= {each["tenant_id"] for each in told["items"]}
        cursor = told["next"]
    assert str(tenant.tenant_id) in seen
    assert len(seen) == service.database.rows("SELECT count(*) FROM tenant")[0][0]


def test_a_cursor_is_no_way_in(admin: Person, owner: Person, tenant: Tenant) -> None:
    """What it holds must be a place in the list."""
    for client, path in ((admin, "/v1/admin/tenants"), (owner, f"{tenant.path}/api-keys")):
        for cursor in ("Ilx1MDAwMCI", "eyJzbHVnIjoiXHUwMDAwIn0", "eyJrZXlfaWQiOiJcdTAwMDAifQ"):
            answer = client.get(path, params={"cursor": cursor})
            assert problem(answer) == (400, "cursor_malformed")


def test_a_suspended_tenant_is_not_there(
    service: Service, owner: Person, admin: Person, tenant: Tenant
) -> None:
    """For anybody, until it goes on; and who decided is written down."""
    path = f"/v1/admin/tenants/{tenant.tenant_id}"
    assert problem(owner.patch(path, json={"suspended": True})) == (403, "admin_required")
    good(admin.patch(path, json={"suspended": True}))
    assert problem(owner.get(tenant.path)) == (404, "not_found")
    mine = [each["tenant_id"] for each in good(owner.get("/v1/tenants"))]
    assert str(tenant.tenant_id) not in mine
    assert good(admin.patch(path, json={"suspended": False}))["suspended_at"] is None
    good(owner.get(tenant.path))
    rows = service.database.rows(
        "SELECT actor FROM platform_audit WHERE action = 'tenant.decided' AND subject = $1",
        f"tenant:{tenant.tenant_id}",
    )
    assert {row["actor"] for row in rows} == {f"account:{admin.account_id}"}


def test_fees_are_the_platforms_to_set(owner: Person, admin: Person, tenant: Tenant) -> None:
    """Within their bounds; what is not named stays."""
    path = f"/v1/admin/tenants/{tenant.tenant_id}"
    fixed = [{"currency": "eur", "amount": 99}, {"currency": "jpy", "amount": 150}]
    told = good(admin.patch(path, json={"fees_fixed": fixed}))
    assert (told["fee_bps"], told["fees_fixed"]) == (250, fixed)
    assert problem(admin.patch(path, json={"fee_bps": 5001})) == (400, "invalid_request")
    for wrong, code in (
        ({"currency": "eur", "amount": -1}, "invalid_request"),
        ({"currency": "xau", "amount": 1}, "currency_unknown"),
        ({"currency": "jpy", "amount": 1}, "invalid_request"),
    ):
        refused = admin.patch(path, json={"fees_fixed": [*fixed, wrong]})
        assert problem(refused) == (400, code)
        assert refused.json()["errors"][0]["field"].startswith("/fees_fixed/2/")
    assert good(owner.get(tenant.path))["fees_fixed"] == fixed
    assert good(admin.patch(path, json={"fees_fixed": []}))["fees_fixed"] == []
    unknown = path.replace(str(tenant.tenant_id), "00000000-0000-0000-0000-000000000000")
    assert problem(admin.patch(unknown, json={"fee_bps": 1})) == (404, "not_found")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("api-keys", {"name": "Till", "scopes": ["tenant:read"]}),
        ("clients", {"name": "CRM", "scopes": ["tenant:read"]}),
        ("invitations", {"email": "late@example.org", "role": "staff"}),
    ],
)
def test_nothing_is_made_while_its_maker_is_removed(
    service: Service, tenant: Tenant, path: str, body: dict[str, Any]
) -> None:
    """What is taken back with a role is all of it: what comes in that moment is refused."""
    maker = service.person()
    service.database.run(
        f"SELECT set_config('app.tenant', '{tenant.tenant_id}', false);"
        f"INSERT INTO member (account_id, role) VALUES ('{maker.account_id}', 'owner')"
    )

    async def removing() -> httpx.Response:
        async with holding(service) as conn:
            await conn.execute("DELETE FROM member WHERE account_id = $1", maker.account_id)
            posting = await blocked(conn, lambda: maker.post(f"{tenant.path}/{path}", json=body))
        return await posting

    assert problem(awaited(removing())) == (403, "scope_missing")
