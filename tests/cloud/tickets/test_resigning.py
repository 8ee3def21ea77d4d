"""Codes are signed anew when their key is withdrawn or their event moves far."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.token import encode_text, parse
from tests.cloud.service import Event, Person, Service, good

ISSUED = "SELECT ticket_id, token, kid, gen FROM ticket WHERE event_id = $1 AND token IS NOT NULL"


@pytest.fixture
def sold(service: Service) -> tuple[Person, Event, UUID]:
    """An event with one ticket sold."""
    owner = service.person()
    event = service.event(owner, service.tenant(owner))
    order = service.buy(service.person(), event)
    return owner, event, UUID(order["items"][0]["ticket_id"])


def row(service: Service, event: Event) -> Any:
    """Return the sold ticket as stored."""
    (found,) = service.database.rows(ISSUED, event.event_id)
    return found


def scan(owner: Person, event: Event, token: bytes) -> str:
    """Return what an online scan of a code comes to."""
    said = {"code": encode_text(token), "gate": 1}
    code: str = good(owner.post(f"{event.path}/redeem", json=said))["code"]
    return code


def test_a_withdrawn_key_costs_nobody_a_ticket(
    service: Service, sold: tuple[Person, Event, UUID]
) -> None:
    """The old code is refused, the new one of the same generation admits."""
    owner, event, _ = sold
    before = row(service, event)
    path = f"{event.tenant.path}/keys/{before['kid'].hex()}/revoke"
    good(owner.post(path))
    service.work()
    after = row(service, event)
    assert after["gen"] == before["gen"]
    assert after["kid"] != before["kid"]
    assert scan(owner, event, before["token"]) == "revoked_key"
    assert scan(owner, event, after["token"]) == "admitted"


def test_a_code_ends_after_its_event_wherever_that_moves(
    service: Service, sold: tuple[Person, Event, UUID]
) -> None:
    """Moved by a day the code stays; moved by two months it is signed anew."""
    owner, event, _ = sold
    for days, stays in ((1, True), (60, False)):
        before, seen = row(service, event), good(owner.get(event.path))
        moved = {
            name: (service.clock() + timedelta(days=30 + days, hours=hours)).isoformat()
            for hours, name in enumerate(("doors_at", "starts_at", "ends_at"))
        }
        version = seen["organizer"]["version"]
        good(owner.patch(event.path, json={"version": version, **moved}))
        service.work()
        after = row(service, event)
        assert (after["token"] == before["token"]) is stays
    ends = service.clock() + timedelta(days=90)
    assert parse(encode_text(row(service, event)["token"])).token.exp > ends.timestamp()
