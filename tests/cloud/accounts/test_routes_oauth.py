"""The token endpoint of services, over real HTTP (RFC 6749)."""

from typing import Any

import httpx
import pytest

from tests.cloud.service import Service, Tenant, good, problem

TOKEN = "/v1/oauth/token"
GRANT = {"grant_type": "client_credentials"}
SCOPES = ["tenant:read", "events:read"]


@pytest.fixture(scope="module")
def owner(service: Service) -> Any:
    """The owner of a tenant."""
    return service.person()


@pytest.fixture(scope="module")
def tenant(service: Service, owner: Any) -> Tenant:
    """A tenant."""
    return service.tenant(owner)


@pytest.fixture
def made(owner: Any, tenant: Tenant) -> Any:
    """A service of the tenant."""
    said = {"name": "Box office", "scopes": SCOPES}
    return good(owner.post(f"{tenant.path}/clients", json=said), 201)


def form(made: Any, **more: str) -> dict[str, str]:
    """Return a request that names the client in its form."""
    secret = {"client_id": made["client_id"], "client_secret": made["client_secret"]}
    return GRANT | secret | more


def refused(answer: httpx.Response) -> tuple[int, str]:
    """Return an OAuth error, once it is sure to be one."""
    assert answer.headers["content-type"].startswith("application/json"), answer.text
    assert set(answer.json()) <= {"error", "error_description"}
    return answer.status_code, answer.json()["error"]


def test_a_service_gets_a_token_by_form_and_by_header(
    service: Service, tenant: Tenant, made: Any
) -> None:
    """With all its scopes, and it reads what they name."""
    client = service.client()
    basic = (made["client_id"], made["client_secret"])
    for answer in (
        client.post(TOKEN, data=form(made)),
        client.post(TOKEN, data=GRANT, auth=basic),
    ):
        told = good(answer, 200)
        assert told["scope"] == "events:read tenant:read"
        assert (told["token_type"], answer.headers["cache-control"]) == ("Bearer", "no-store")
        bearer = service.client(f"Bearer {told['access_token']}")
        assert good(bearer.get(tenant.path))["tenant_id"] == str(tenant.tenant_id)


def test_a_token_has_the_scopes_asked_for_and_no_more(
    service: Service, tenant: Tenant, made: Any
) -> None:
    """Fewer than the client's; what it lacks is refused."""
    told = good(service.client().post(TOKEN, data=form(made, scope="events:read")))
    assert told["scope"] == "events:read"
    bearer = service.client(f"Bearer {told['access_token']}")
    assert problem(bearer.get(tenant.path)) == (403, "scope_missing")
    for scope in ("orders:read", "events:read platform:admin", "nonsense", "events:read  x"):
        answer = service.client().post(TOKEN, data=form(made, scope=scope))
        assert refused(answer) == (400, "invalid_scope")


def test_a_service_is_good_in_its_tenant_alone(service: Service, owner: Any, made: Any) -> None:
    """Elsewhere there is nothing; and it is nobody's account."""
    token = good(service.client().post(TOKEN, data=form(made)))["access_token"]
    bearer = service.client(f"Bearer {token}")
    other = service.tenant(owner)
    assert problem(bearer.get(other.path)) == (404, "not_found")
    assert problem(bearer.get("/v1/accounts/me")) == (403, "account_required")
    assert problem(bearer.get("/v1/admin/tenants")) == (403, "account_required")
    moved = made | {"client_id": f"{other.tenant_id}.{made['id']}"}
    assert refused(service.client().post(TOKEN, data=form(moved))) == (401, "invalid_client")


def test_the_target_is_pinned(service: Service, made: Any) -> None:
    """Our audience may be named, and no other."""
    client = service.client()
    issuer = good(client.get("/.well-known/oauth-authorization-server"))["issuer"]
    good(client.post(TOKEN, data=form(made, audience="usher-api", resource=issuer)), 200)
    for more in ({"audience": "another"}, {"resource": "https://other.test"}):
        assert refused(client.post(TOKEN, data=form(made, **more))) == (400, "invalid_target")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"grant_type": "password"}, (400, "unsupported_grant_type")),
        ({"grant_type": ""}, (400, "invalid_request")),
        ({"client_secret": "wrong"}, (401, "invalid_client")),
        ({"client_secret": ""}, (401, "invalid_client")),
        ({"client_id": "' OR 1=1 --"}, (401, "invalid_client")),
        ({"client_id": "\x00.\x00"}, (401, "invalid_client")),
    ],
)
def test_bad_requests_are_refused_as_oauth_says(
    service: Service, made: Any, change: dict[str, str], expected: tuple[int, str]
) -> None:
    """An error object; for a client a challenge as well."""
    answer = service.client().post(TOKEN, data=form(made) | change)
    assert refused(answer) == expected
    assert ("www-authenticate" in answer.headers) == (expected[0] == 401)


@pytest.mark.parametrize("header", ["Basic !!!", "Basic", "Bearer x", "Basic /w=="])
def test_a_bad_header_is_refused_as_oauth_says(service: Service, header: str) -> None:
    """401, whatever it holds."""
    answer = service.client(header).post(TOKEN, data=GRANT)
    assert refused(answer) == (401, "invalid_client")


def test_other_bodies_are_refused_as_oauth_says(service: Service, made: Any) -> None:
    """Two secrets, a member twice, JSON, nothing, too much."""
    client = service.client()
    basic = (made["client_id"], made["client_secret"])
    twice = "grant_type=client_credentials&grant_type=client_credentials"
    sent: list[dict[str, Any]] = [
        {"data": form(made), "auth": basic},
        {"content": twice, "headers": {"content-type": "application/x-www-form-urlencoded"}},
        {"json": form(made)},
        {},
    ]
    for request in sent:
        assert refused(client.post(TOKEN, **request)) == (400, "invalid_request")
    assert client.post(TOKEN, data={"scope": "x" * 9000}).status_code == 413


def test_a_rotated_secret_replaces_the_old_one(
    service: Service, owner: Any, tenant: Tenant, made: Any
) -> None:
    """The old one is void at once."""
    path = f"{tenant.path}/clients/{made['id']}"
    told = good(owner.post(f"{path}/secret"), 201)
    good(service.client().post(TOKEN, data=form(told)), 200)
    assert refused(service.client().post(TOKEN, data=form(made))) == (401, "invalid_client")


def test_a_revoked_service_gets_no_token(
    service: Service, owner: Any, tenant: Tenant, made: Any
) -> None:
    """And is listed no more; a second time it isn't there."""
    path = f"{tenant.path}/clients/{made['id']}"
    good(owner.delete(path), 204)
    assert refused(service.client().post(TOKEN, data=form(made))) == (401, "invalid_client")
    assert problem(owner.delete(path)) == (404, "not_found")
    assert problem(owner.post(f"{path}/secret")) == (404, "not_found")
    listed = good(owner.get(f"{tenant.path}/clients"))["items"]
    assert made["id"] not in [each["id"] for each in listed]


def test_a_suspended_tenants_service_gets_no_token(service: Service, owner: Any) -> None:
    """It is told what an unknown one is told."""
    tenant = service.tenant(owner)
    said = {"name": "Box office", "scopes": SCOPES}
    made = good(owner.post(f"{tenant.path}/clients", json=said), 201)
    service.database.run(
        f"UPDATE tenant SET suspended_at = now() WHERE tenant_id = '{tenant.tenant_id}'"
    )
    assert refused(service.client().post(TOKEN, data=form(made))) == (401, "invalid_client")
