"""Tenants, members and invitations over real HTTP."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.cloud.accounts.mailbox import secret
from tests.cloud.service import PASSWORD, Person, Service, Tenant, good, problem


def invite(client: httpx.Client, tenant: Tenant, email: str, role: str = "staff") -> httpx.Response:
    """Invite somebody."""
    return client.post(f"{tenant.path}/invitations", json={"email": email, "role": role})


def accept(service: Service, client: httpx.Client, tenant: Tenant, email: str) -> httpx.Response:
    """Accept what was mailed to an address."""
    said = {"secret": secret(service, email, "mail.invitation")}
    return client.post(f"{tenant.path}/invitations/accept", json=said)


def join(service: Service, owner: Person, tenant: Tenant, role: str) -> Person:
    """Return somebody who has become a member."""
    person = service.person()
    good(invite(owner, tenant, person.email, role), 201)
    assert good(accept(service, person, tenant, person.email), 200)["role"] == role
    return person


def member(tenant: Tenant, person: Person) -> str:
    """Return where a member is."""
    return f"{tenant.path}/members/{person.account_id}"


def test_who_makes_a_tenant_owns_it(owner: Person, tenant: Tenant) -> None:
    """It is listed as theirs, readable, and written down in both audits."""
    mine = {each["tenant_id"]: each["role"] for each in good(owner.get("/v1/tenants"))}
    assert mine[str(tenant.tenant_id)] == "owner"
    assert good(owner.get(tenant.path))["fee_bps"] == 250
    assert good(owner.get(f"{tenant.path}/members"))["items"][0]["email"] == owner.email


def test_a_tenant_takes_a_verified_address(service: Service) -> None:
    """So that a tenant has somebody who can be reached."""
    said = {"email": f"{secrets.token_hex(6)}@example.org", "password": PASSWORD}
    stranger = service.client()
    good(stranger.post("/v1/accounts", json=said), 202)
    token = good(stranger.post("/v1/sessions", json=said), 201)["access_token"]
    slug = f"t{secrets.token_hex(6)}"
    answer = service.client(f"Bearer {token}").post(
        "/v1/tenants", json={"slug": slug, "name": "Mill"}
    )
    assert problem(answer) == (403, "email_unverified")
    assert service.database.rows("SELECT FROM tenant WHERE slug = $1", slug) == []


def test_a_short_name_is_taken_once(service: Service, owner: Person) -> None:
    """Of eight at the same moment one has it, and the others are told."""
    said = {"slug": f"t{secrets.token_hex(6)}", "name": "Mill"}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: owner.post("/v1/tenants", json=said), range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7


@pytest.mark.parametrize(
    "change",
    [{"slug": "Mill"}, {"slug": "-a"}, {"slug": "a"}, {"slug": "a_b"}, {"name": ""},
     {"name": "nul\x00"}, {"slug": "mill\n"}, {"fee_bps": 0}],
)  # fmt: skip
def test_a_tenant_has_a_form(owner: Person, change: dict[str, Any]) -> None:
    """What doesn't fit is refused, and fees are not the owner's to set."""
    said = {"slug": "old-mill", "name": "Old Mill"} | change
    assert problem(owner.post("/v1/tenants", json=said)) == (400, "invalid_request")


def test_only_an_owner_renames(service: Service, owner: Person, tenant: Tenant) -> None:
    """Staff read and don't write; a stranger finds nothing."""
    staff, stranger = join(service, owner, tenant, "staff"), service.person()
    said = {"name": "New Mill"}
    assert problem(staff.patch(tenant.path, json=said)) == (403, "scope_missing")
    assert problem(stranger.patch(tenant.path, json=said)) == (404, "not_found")
    assert good(owner.patch(tenant.path, json=said))["name"] == "New Mill"
    assert good(staff.get(tenant.path))["name"] == "New Mill"


def test_an_invitation_tells_nobody_who_has_an_account(
    service: Service, owner: Person, tenant: Tenant
) -> None:
    """The same members in the answer for a known and an unknown address."""
    known, unknown = service.person().email, f"{secrets.token_hex(6)}@example.org"
    told = [good(invite(owner, tenant, email), 201) for email in (known, unknown)]
    assert told[0].keys() == told[1].keys()
    assert {each["email"] for each in told} == {known, unknown}
    assert len(good(owner.get(f"{tenant.path}/invitations"))["items"]) == 2


def test_only_whose_address_it_is_accepts(service: Service, owner: Person, tenant: Tenant) -> None:
    """A forwarded secret is nothing; neither is an unverified address."""
    invited, thief = service.person(), service.person()
    good(invite(owner, tenant, invited.email), 201)
    stolen = accept(service, thief, tenant, invited.email)
    assert problem(stolen) == (404, "invitation_invalid")
    service.database.run(
        f"UPDATE account SET email_verified_at = NULL WHERE email = '{invited.email}'"
    )
    unproved = accept(service, invited, tenant, invited.email)
    assert problem(unproved) == (404, "invitation_invalid")
    assert problem(invited.get(tenant.path)) == (404, "not_found")


def test_an_invitation_is_good_once_and_in_its_tenant(
    service: Service, owner: Person, tenant: Tenant
) -> None:
    """Not elsewhere, not twice, not once it was taken back, not late."""
    person, other = service.person(), service.tenant(owner)
    good(invite(owner, tenant, person.email), 201)
    said = {"secret": secret(service, person.email, "mail.invitation")}
    elsewhere = person.post(f"{other.path}/invitations/accept", json=said)
    assert problem(elsewhere) == (404, "invitation_invalid")
    good(accept(service, person, tenant, person.email), 200)
    assert problem(accept(service, person, tenant, person.email)) == (404, "invitation_invalid")
    made = good(invite(owner, other, person.email), 201)
    path = f"{other.path}/invitations/{made['invitation_id']}"
    good(owner.delete(path), 204)
    assert problem(accept(service, person, other, person.email)) == (404, "invitation_invalid")
    assert problem(owner.delete(path)) == (404, "not_found")
    good(invite(owner, other, person.email), 201)
    service.database.run("UPDATE invitation SET expires_at = now()")
    assert problem(accept(service, person, other, person.email)) == (404, "invitation_invalid")


def test_an_invitation_accepted_twice_at_once_is_one_membership(
    service: Service, owner: Person, tenant: Tenant
) -> None:
    """One is let in; the other finds the invitation used up."""
    person = service.person()
    good(invite(owner, tenant, person.email), 201)
    said = {"secret": secret(service, person.email, "mail.invitation")}
    path = f"{tenant.path}/invitations/accept"
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: person.post(path, json=said).status_code, range(2)))
    assert sorted(answers) == [200, 404]
    assert len(good(owner.get(f"{tenant.path}/members"))["items"]) == 2


def test_an_invitation_demotes_nobody(service: Service, owner: Person, tenant: Tenant) -> None:
    """A member who accepts another stays what they are."""
    good(invite(owner, tenant, owner.email, "scanner"), 201)
    assert problem(accept(service, owner, tenant, owner.email)) == (409, "already_member")
    assert good(owner.get(f"{tenant.path}/members"))["items"][0]["role"] == "owner"


def test_roles_are_changed_and_members_removed(
    service: Service, owner: Person, tenant: Tenant
) -> None:
    """With effect on the next request."""
    person = join(service, owner, tenant, "scanner")
    assert problem(person.get(tenant.path)) == (403, "scope_missing")
    good(owner.patch(member(tenant, person), json={"role": "staff"}))
    good(person.get(tenant.path))
    assert problem(person.delete(member(tenant, owner))) == (403, "scope_missing")
    good(owner.delete(member(tenant, person)), 204)
    assert problem(person.get(tenant.path)) == (404, "not_found")
    assert problem(owner.delete(member(tenant, person))) == (404, "not_found")


def test_the_last_owner_stays(service: Service, owner: Person, tenant: Tenant) -> None:
    """Neither removed nor demoted; with a second one, either may go."""
    path = member(tenant, owner)
    assert problem(owner.delete(path)) == (409, "last_owner")
    assert problem(owner.patch(path, json={"role": "staff"})) == (409, "last_owner")
    second = join(service, owner, tenant, "owner")
    good(second.patch(path, json={"role": "staff"}))
    assert problem(second.delete(member(tenant, second))) == (409, "last_owner")


def test_two_owners_who_go_at_once_leave_one(
    service: Service, owner: Person, tenant: Tenant
) -> None:
    """Whoever is second is refused, whatever the order."""
    second = join(service, owner, tenant, "owner")
    with ThreadPoolExecutor(2) as pool:
        gone = list(
            pool.map(lambda who: who.delete(member(tenant, who)).status_code, (owner, second))
        )
    assert sorted(gone) == [204, 409]
    left = service.database.rows("SELECT role FROM member WHERE tenant_id = $1", tenant.tenant_id)
    assert [row["role"] for row in left] == ["owner"]


def test_another_tenants_members_are_not_there(
    service: Service, owner: Person, tenant: Tenant
) -> None:
    """An owner elsewhere sees and changes nothing."""
    rival = service.person()
    service.tenant(rival)
    for request in (
        rival.get(f"{tenant.path}/members"),
        rival.patch(member(tenant, owner), json={"role": "scanner"}),
        rival.delete(member(tenant, owner)),
        invite(rival, tenant, rival.email, "owner"),
    ):
        assert problem(request) == (404, "not_found")


def test_members_come_in_pages(service: Service, owner: Person, tenant: Tenant) -> None:
    """Each once."""
    for role in ("staff", "scanner"):
        join(service, owner, tenant, role)
    path, seen, cursor = f"{tenant.path}/members", [], ""
    while True:
        told = good(owner.get(path, params={"limit": 1, "cursor": cursor}))
        seen += [each["role"] for each in told["items"]]
        if told["next"] is None:
            break
        cursor = told["next"]
    assert sorted(seen) == ["owner", "scanner", "staff"]
    assert problem(owner.get(path, params={"cursor": "!!"})) == (400, "cursor_malformed")
