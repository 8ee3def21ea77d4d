"""Redemption in the whole service: tickets that it sold and signed itself."""

from typing import Any

import httpx
import pytest

from tests.cloud.service import Event, Service, good


@pytest.fixture
def sold(service: Service) -> tuple[httpx.Client, Event, Any]:
    """An owner, their event, and a ticket that somebody took for nothing."""
    owner, fan = service.person(), service.person()
    event = service.event(owner, service.tenant(owner), price=0)
    service.buy(fan, event)
    service.work()
    (ticket,) = good(fan.get(f"{event.tenant.path}/tickets"))["items"]
    path = f"{event.path}/tickets/{ticket['ticket']['ticket_id']}"
    return owner, event, {"path": path, "code": fan.get(f"{path}/code.txt").text}


def redeem(owner: httpx.Client, event: Event, ticket: Any, **more: Any) -> Any:
    """Scan a ticket."""
    body = {"gate": 1, "code": ticket["code"].strip()} | more
    return good(owner.post(f"{event.path}/redeem", json=body))


def test_a_sold_ticket_is_admitted_once_and_is_used(sold: tuple[httpx.Client, Event, Any]) -> None:
    """Its code is the one that the service signed; its history names the scan."""
    owner, event, ticket = sold
    assert redeem(owner, event, ticket)["code"] == "admitted"
    assert redeem(owner, event, ticket)["code"] == "already_admitted"
    assert good(owner.get(ticket["path"]))["state"] == "used"
    kinds = [each["kind"] for each in good(owner.get(f"{ticket['path']}/history"))]
    assert kinds == ["in", "deny"]
    summary = good(owner.get(f"{event.path}/checkins/summary"))
    assert (summary["entered"], summary["findings"]) == (1, [])


def test_what_changes_counts_at_the_next_scan(sold: tuple[httpx.Client, Event, Any]) -> None:
    """A withdrawn ticket, a revoked key: nothing is decided by what was kept from before."""
    owner, event, ticket = sold
    assert redeem(owner, event, ticket, gate=2, direction="exit")["code"] == "exit"
    good(owner.post(f"{ticket['path']}/revoke", json={"reason": "test"}))
    assert redeem(owner, event, ticket)["code"] == "revoked"
    (kid,) = [each["kid"] for each in good(owner.get(f"{event.tenant.path}/keys"))
              if each["event_id"] == str(event.event_id)]  # fmt: skip
    good(owner.post(f"{event.tenant.path}/keys/{kid}/revoke"))
    assert redeem(owner, event, ticket)["code"] == "revoked_key"
