"""No organizer reaches another's rows: every operation of the description is tried."""

import json
from typing import Final
from urllib.parse import urlencode

import httpx

from tests.cloud.api.operations import Operation, send, with_ids
from tests.cloud.api.scene import Side
from tests.cloud.devices.machine import Machine
from tests.cloud.service import good

# What anybody who is signed in may do with an organizer, each with the reason.
OPEN_TO_FANS: Final = {
    "placeOrder": "whoever is signed in may buy",
    "listOrders": "shows one's own alone",
    "listOwnTickets": "shows one's own alone",
    "listTransfers": "shows one's own alone",
    "readMailPreferences": "shows one's own alone",
    "readWallet": "shows one's own alone",
    "challengeWallet": "names whoever asks, and is good for nobody else",
    "linkWallet": "where one's own tickets are is one's own to say",
    "unlinkWallet": "the same",
    "exportWalletKey": "hands out one's own alone, for one's own password",
    "setMailPreferences": "what one wants no mail about is one's own to say",
}


def test_the_list_of_exceptions_is_true(operations: list[Operation]) -> None:
    """Each is an operation of a tenant that asks for credentials."""
    known = {each.name for each in operations if each.of_tenant and each.schemes}
    assert OPEN_TO_FANS.keys() <= known


def test_another_tenants_side_is_not_there(
    operations: list[Operation], ours: Side, theirs: Side
) -> None:
    """With the owner's token of another tenant: 404 everywhere, and no row of ours changes."""
    before, wrong = ours.state, {}
    for each in operations:
        if not each.of_tenant or not each.schemes or each.name in OPEN_TO_FANS:
            continue
        values = ours.path_values(each.names)
        body = with_ids(each.body()[1], ours.values)
        answer = send(theirs.owner, each, values, body)
        if answer.status_code != (401 if "device" in each.schemes else 404):
            wrong[each.name] = (answer.status_code, answer.text[:200])
    assert wrong == {}, json.dumps(wrong, indent=1)
    assert ours.state == before


def test_a_device_of_another_tenant_is_nobody(
    operations: list[Operation], ours: Side, theirs: Side
) -> None:
    """Whatever devices ask, signed by one that is enrolled elsewhere: 401, and nothing changes."""
    machine = Machine(theirs.service, theirs.tenant)
    named = {"public": machine.pk.hex(), "name": "West"}
    good(theirs.owner.post(f"{theirs.tenant.path}/devices", json=named))
    assert machine.ask("/sync").status_code == 200  # at home it is somebody
    machine.tenant = ours.tenant
    before, wrong, asked = ours.state, {}, 0
    for each in operations:
        if "device" in each.schemes:
            media_type, example = each.body()
            body = example.encode() if isinstance(example, str) else json.dumps(example).encode()
            path = each.url(ours.path_values(each.names)).removeprefix(ours.tenant.path)
            path += f"?{urlencode(each.query())}" if each.query() else ""
            headers = {"content-type": media_type}
            sent = body if each.method == "post" else None
            request = machine.signed(path, sent, headers=headers)
            answer = machine.http.send(request, stream=True)  # one of them would never end
            answer.close()
            if answer.status_code != 401:
                wrong[each.name] = answer.status_code
            asked += 1
    assert wrong == {}, json.dumps(wrong, indent=1)
    assert asked > 10
    assert ours.state == before


def test_nothing_of_ours_is_found_in_another_tenant(
    operations: list[Operation], ours: Side, theirs: Side
) -> None:
    """Our ids below their own address: 404, and no row of ours changes."""
    before, wrong = ours.state, {}
    for each in operations:
        if not each.of_tenant or not each.names or "device" in each.schemes:
            continue
        values = ours.path_values(each.names) | {"tenant_id": theirs.tenant.tenant_id}
        body = with_ids(each.body()[1], theirs.values)
        answer = send(theirs.owner, each, values, body)
        if answer.status_code != 404:
            wrong[each.name] = (answer.status_code, answer.text[:200])
    assert wrong == {}, json.dumps(wrong, indent=1)
    assert ours.state == before


def test_nothing_of_theirs_is_made_of_ours(
    operations: list[Operation], ours: Side, theirs: Side
) -> None:
    """Our ids in the bodies that they send to their own side: refused, and nothing changes."""
    before, theirs_before, wrong = ours.state, theirs.state, {}
    for each in operations:
        example = each.body()[1]
        foreign = with_ids(example, ours.values | {"account_id": ours.value("account_id")})
        if not each.of_tenant or foreign == with_ids(example, theirs.values):
            continue
        answer = send(theirs.owner, each, theirs.path_values(each.names), foreign)
        if not 400 <= answer.status_code < 500 and each.name != "redeemTicket":
            wrong[each.name] = (answer.status_code, answer.text[:200])
    assert wrong == {}, json.dumps(wrong, indent=1)
    assert ours.state == before
    changed = {name for name, was in theirs_before.items() if theirs.state[name] != was}
    # A scan that was denied, and the worker that wrote it down.
    noted = {"log_event", "log_count", "merge_due"}
    assert changed <= {"record", "log_head", "device", "roster_change", "audit", "outbox"} | noted


def refused(http: httpx.Client, operations: list[Operation], ours: Side, status: int) -> None:
    """Ask for all that is ours: each time `status`, and no row of ours changes."""
    before, wrong = ours.state, {}
    for each in operations:
        if each.of_tenant and each.schemes:
            body = with_ids(each.body()[1], ours.values)
            answer = send(http, each, ours.path_values(each.names), body)
            if answer.status_code != status:
                wrong[each.name] = (answer.status_code, answer.text[:200])
    assert wrong == {}, json.dumps(wrong, indent=1)
    assert ours.state == before


def test_a_key_of_another_tenant_opens_nothing(
    operations: list[Operation], ours: Side, theirs: Side
) -> None:
    """An API key is good in its tenant alone."""
    scopes = {"name": "All", "scopes": ["events:read", "orders:read", "audit:read"]}
    made = theirs.owner.post(f"{theirs.tenant.path}/api-keys", json=scopes).json()
    secret = next(value for value in made.values() if str(value).startswith("usk_"))
    refused(theirs.service.client(f"Bearer {secret}"), operations, ours, 401)


def test_a_service_of_another_tenant_opens_nothing(
    operations: list[Operation], ours: Side, theirs: Side
) -> None:
    """Whatever its token says that it may do, it may do at home alone."""
    bearers = [each.spec["security"][0].get("bearer", ()) for each in operations if each.schemes]
    said = {"name": "Sync", "scopes": sorted({scope for each in bearers for scope in each})}
    client = good(theirs.owner.post(f"{theirs.tenant.path}/clients", json=said), 201)
    token = good(
        theirs.service.client().post(
            "/v1/oauth/token",
            data={"grant_type": "client_credentials"},
            auth=(client["client_id"], client["client_secret"]),
        )
    )["access_token"]
    http = theirs.service.client(f"Bearer {token}")
    good(http.get(f"{theirs.tenant.path}/audit"))
    refused(http, operations, ours, 404)
