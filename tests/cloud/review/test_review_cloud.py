"""What a review found: a replayed token, a suspended tenant, an invitation that outlives."""

import base64
import time
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from cloud.db.outbox import Away
from cloud.db.tenancy import WORKER, TenantTx, tenant_tx
from cloud.http.front import address_of
from cloud.messages.consumer import Message
from cloud.messages.inbox import MAX_ATTEMPTS
from tests.cloud.database import Database, awaited
from tests.cloud.messages.post import consumer, dispatch
from tests.cloud.service import Service, Tenant, good, problem


def suspend(service: Service, tenant: Tenant) -> None:
    """Suspend a tenant, as the platform does."""
    service.database.run(
        f"UPDATE tenant SET suspended_at = now() WHERE tenant_id = '{tenant.tenant_id}'"
    )


def test_a_token_is_not_given_again_to_who_lacks_the_secret(service: Service) -> None:
    """The header's secret is a part of what an idempotency key was used for."""
    owner = service.person()
    tenant = service.tenant(owner)
    said = {"name": "Till", "scopes": ["orders:read"]}
    made = good(owner.post(f"{tenant.path}/clients", json=said))

    def ask(secret: str) -> int:
        basic = base64.b64encode(f"{made['client_id']}:{secret}".encode()).decode()
        headers = {"authorization": f"Basic {basic}", "idempotency-key": "1"}
        form = {"grant_type": "client_credentials"}
        return service.client().post("/v1/oauth/token", data=form, headers=headers).status_code

    assert ask(made["client_secret"]) == 200
    assert ask("wrong") != 200
    assert ask(made["client_secret"]) == 200


def test_a_suspended_tenant_keeps_what_was_paid_and_stops_no_worker(service: Service) -> None:
    """Paid before, heard of after: the order has its tickets, and its messages are dispatched."""
    owner, buyer = service.person(), service.person()
    tenant = service.tenant(owner)
    event = service.event(owner, tenant)
    wanted = {"event_id": str(event.event_id), "items": [{"class_index": 0, "quantity": 1}]}
    order = good(buyer.post(f"{tenant.path}/orders", json=wanted), 201)
    payment = good(buyer.post(f"{tenant.path}/orders/{order['order_id']}/payment"))
    suspend(service, tenant)
    service.pay(payment)
    sql = "SELECT state FROM purchase WHERE tenant_id = $1"
    for _ in range(600):
        if service.database.rows(sql, tenant.tenant_id)[0]["state"] == "paid":
            break
        time.sleep(0.05)
    assert service.database.rows(sql, tenant.tenant_id)[0]["state"] == "paid"
    service.work()
    for left in ("outbox", "inbox"):
        sql = f"SELECT FROM {left} WHERE tenant_id = $1 AND done_at IS NULL"
        assert service.database.rows(sql, tenant.tenant_id) == []


def test_nobody_comes_back_by_an_invitation_of_their_own(service: Service) -> None:
    """An owner who is removed leaves no open invitation behind."""
    owner, other, friend = service.person(), service.person(), service.person()
    tenant = service.tenant(owner)
    service.database.run(
        "INSERT INTO member (tenant_id, account_id, role)"
        f" VALUES ('{tenant.tenant_id}', '{other.account_id}', 'owner')"
    )
    invited = {"email": friend.email, "role": "owner"}
    good(other.post(f"{tenant.path}/invitations", json=invited), 201)
    good(owner.delete(f"{tenant.path}/members/{other.account_id}"))
    assert good(owner.get(f"{tenant.path}/invitations"))["items"] == []


def test_what_the_database_cannot_hold_is_the_callers_fault(service: Service) -> None:
    """A NUL in a seat's name, and a number beyond its type in a cursor: 400, not 500."""
    owner = service.person()
    tenant = service.tenant(owner)
    event = service.event(owner, tenant)
    wanted = {"event_id": str(event.event_id), "items": [{"class_index": 0, "seats": ["\0"]}]}
    refused = (400, "invalid_request")
    assert problem(owner.post(f"{tenant.path}/orders", json=wanted)) == refused
    cursor = base64.urlsafe_b64encode(b"%d" % 10**30).decode().rstrip("=")
    path = f"{tenant.path}/books/entries"
    assert problem(owner.get(path, params={"cursor": cursor}))[0] == 400


def test_an_outage_kills_no_message(database: Database) -> None:
    """However often nobody answers, the message stays due; a fault of its own kills another."""
    tenant = uuid4()
    slug = f"t{tenant.hex[:12]}"
    database.run(f"INSERT INTO tenant (tenant_id, slug, name) VALUES ('{tenant}', '{slug}', 'T')")

    async def away(_: TenantTx, __: Message) -> None:
        raise Away

    async def broken(_: TenantTx, __: Message) -> None:
        raise LookupError

    async def run() -> None:
        pool = await database.pool(2)
        try:
            now = datetime.now(UTC)
            async with tenant_tx(pool, tenant, WORKER, now) as tx:
                await tx.publish("away", "a", n=1)
                await tx.publish("broken", "b", n=2)
            for turn in range(MAX_ATTEMPTS + 3):
                later = now + timedelta(hours=2 * (turn + 1))
                await dispatch(pool, tenant, consumer(away=away, broken=broken), later)
        finally:
            await pool.close()

    awaited(run())
    sql = "SELECT topic, dead_at IS NOT NULL AS dead FROM inbox WHERE tenant_id = $1"
    assert dict(tuple(row) for row in database.rows(sql, tenant)) == {"away": False, "broken": True}


@pytest.mark.parametrize(
    ("told", "meant"),
    [("1.2.3.4", "1.2.3.4"), ("1.2.3.4:567", "1.2.3.4"), ("[::1]:80", "::1"), ("unknown", None),
     ("fe80::1%eth0", "fe80::1"), ("1.2.3.4/8", None)],
)  # fmt: skip
def test_a_proxys_word_is_taken_for_an_address_only_if_it_is_one(
    told: str, meant: str | None
) -> None:
    """With a port or without; anything else is no address, and breaks nothing."""
    assert address_of(told) == meant
