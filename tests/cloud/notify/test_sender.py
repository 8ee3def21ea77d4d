"""What becomes of a mail that the server doesn't take at once, and of a sender that dies."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from cloud.notify.model import WAITS, Kind, State, after_fault, is_stale
from cloud.notify.repository import LEASE
from tests.cloud.clock import NOW
from tests.cloud.notify.conftest import eventually
from tests.cloud.notify.mailserver import MailServer
from tests.cloud.service import (
    PASSWORD,
    Clock,
    Event,
    Person,
    Service,
    Tenant,
    good,
    problem,
)


@pytest.fixture
def event(service: Service, owner: Person, tenant: Tenant) -> Event:
    return service.event(owner, tenant)


@pytest.fixture
def later(ahead: Clock, mails: MailServer) -> Iterator[Clock]:
    """The worker's clock; afterwards it and the server are as they were."""
    yield ahead
    ahead.offset = timedelta()
    mails.rcpt, mails.data, mails.sender_answer = ["take"], ["take"], ""


def mail(owner: Person, tenant: Tenant) -> Any:
    found = good(owner.get(f"{tenant.path}/mail"))["items"]
    return found[0] if found else {"state": "", "fault": "", "attempts": 0}


def until(owner: Person, tenant: Tenant, **told: Any) -> Any:
    return eventually(
        lambda: mail(owner, tenant),
        lambda seen: all(seen[name] == value for name, value in told.items()),
    )


def test_a_refusal_for_good_is_shown_and_may_be_tried_again(
    service: Service, mails: MailServer, owner: Person, tenant: Tenant, event: Event, later: Clock
) -> None:
    buyer = service.person()
    mails.rcpt = ["550 5.1.1 no such person: " + buyer.email]
    service.buy(buyer, event)
    seen = until(owner, tenant, state="bounced")
    assert (seen["fault"], seen["attempts"], seen["kind"]) == ("550 5.1.1", 1, "order")
    assert seen["account_id"] == str(buyer.account_id)
    assert buyer.email not in str(seen)
    path = f"{tenant.path}/mail"
    assert good(owner.get(path, params={"state": "sent"}))["items"] == []
    assert len(good(owner.get(path, params={"state": "bounced"}))["items"]) == 1
    mails.rcpt = ["take"]
    good(owner.post(f"{path}/{seen['mail_id']}/resend"), 202)
    assert mails.to(buyer.email, "Your tickets")
    until(owner, tenant, state="sent")
    assert problem(owner.post(f"{path}/{seen['mail_id']}/resend")) == (409, "mail_not_refused")
    assert problem(buyer.get(path))[0] == 404


def test_what_is_refused_for_now_is_tried_again_under_the_same_name(
    service: Service, mails: MailServer, owner: Person, tenant: Tenant, event: Event, later: Clock
) -> None:
    """And where the connection ended at the last byte, the second one is known by its name."""
    buyer = service.person()
    mails.rcpt, mails.data = ["450 4.2.0 greylisted", "take"], ["lose", "take"]
    service.buy(buyer, event)
    until(owner, tenant, state="waiting", fault="450 4.2.0", attempts=1)
    later.move(WAITS[0].total_seconds() * 1.3)
    until(owner, tenant, state="waiting", fault="smtp_cut_at_end", attempts=2)
    later.move(WAITS[1].total_seconds() * 1.3)
    until(owner, tenant, state="sent", attempts=3)
    first, second = mails.to(buyer.email, "Your tickets", 2)
    assert first.message["message-id"] == second.message["message-id"]


def test_a_server_that_is_away_costs_no_try(
    service: Service, mails: MailServer, owner: Person, tenant: Tenant, event: Event, later: Clock
) -> None:
    buyer = service.person()
    mails.sender_answer = "550 5.7.1 not yours"
    service.buy(buyer, event)
    until(owner, tenant, state="waiting", fault="550 5.7.1", attempts=0)
    mails.sender_answer = ""
    later.move(31)
    until(owner, tenant, state="sent", attempts=1)
    assert len(mails.to(buyer.email, "Your tickets")) == 1


def test_a_sender_that_died_leaves_its_mail_to_another(
    service: Service, mails: MailServer, owner: Person, tenant: Tenant, event: Event, later: Clock
) -> None:
    """It took the mail, and noted nothing."""
    buyer = service.person()
    mails.rcpt = ["451 4.0.0 not now", "take"]
    service.buy(buyer, event)
    until(owner, tenant, state="waiting", fault="451 4.0.0")
    service.database.run(
        f"UPDATE mail SET due_at = now() + interval '{LEASE.seconds} seconds', fault = ''"
        f" WHERE tenant_id = '{tenant.tenant_id}'"
    )
    later.move(LEASE.total_seconds() + 5)
    until(owner, tenant, state="sent", attempts=2)


def test_a_mail_that_can_not_be_found_is_given_up_and_holds_up_no_other(
    service: Service, mails: MailServer, owner: Person, tenant: Tenant, event: Event, later: Clock
) -> None:
    buyer = service.person()
    service.database.run(
        f"""
        INSERT INTO mail (tenant_id, kind, account_id, language, about, created_at, due_at,
                          attempts)
        VALUES ('{tenant.tenant_id}', 'order', '{buyer.account_id}', 'en', '{{}}',
                now() - interval '1 minute', now() - interval '1 minute', {len(WAITS)})
        """
    )
    service.buy(buyer, event)
    mails.to(buyer.email, "Your tickets")
    rows = eventually(
        lambda: service.database.rows(
            "SELECT fault FROM mail WHERE tenant_id = $1 AND state = 'failed'", tenant.tenant_id
        )
    )
    assert [row["fault"] for row in rows] == ["KeyError"]


def test_who_is_erased_gets_nothing_more(
    service: Service, mails: MailServer, owner: Person, tenant: Tenant, event: Event, later: Clock
) -> None:
    """What is held of their mail is exported before, and gone afterwards."""
    buyer = service.person()
    mails.rcpt = ["451 4.0.0 not now"]
    service.buy(buyer, event)
    until(owner, tenant, state="waiting", fault="451 4.0.0")
    refused = {"incidents": False, "invitations": True, "offers": True}
    good(buyer.put(f"{tenant.path}/mail-preferences", json=refused))
    (held,) = good(buyer.get("/v1/accounts/me/export"))["organizers"]
    assert [each["kind"] for each in held["mails"]] == ["order"]
    assert held["mail_refused"] == ["incidents"]
    good(buyer.post("/v1/accounts/me/erase", json={"password": PASSWORD, "confirm": True}))
    for table in ("mail", "mail_refusal"):
        sql = f"SELECT FROM {table} WHERE tenant_id = $1"
        assert service.database.rows(sql, tenant.tenant_id) == []


def test_old_mail_is_forgotten(
    service: Service, mails: MailServer, owner: Person, tenant: Tenant, event: Event, later: Clock
) -> None:
    service.buy(service.person(), event)
    until(owner, tenant, state="sent")
    service.clock.move(31 * 86_400)
    try:
        service.work()
    finally:
        service.clock.offset = timedelta()
    assert mail(owner, tenant)["state"] == ""


def test_a_mail_is_tried_for_a_day_and_a_half() -> None:
    """Each wait is longer, and after the last one it is given up."""
    for attempt, wait in enumerate(WAITS, start=1):
        outcome = after_fault(attempt, "450", NOW, 0.5)
        assert outcome.state is State.WAITING
        assert outcome.again is not None
        assert wait <= outcome.again - NOW <= wait * 1.2
    assert after_fault(len(WAITS) + 1, "450", NOW, 0.5).state is State.FAILED
    assert timedelta(hours=30) < sum(WAITS, timedelta()) < timedelta(hours=48)


@pytest.mark.parametrize(
    ("kind", "hours", "stale"),
    [
        (Kind.ORDER, 100, False), (Kind.ORDER, 121, True), (Kind.RESET, 0.9, False),
        (Kind.RESET, 1.1, True), (Kind.VERIFY, 71, False), (Kind.VERIFY, 73, True),
    ],
)  # fmt: skip
def test_what_helps_nobody_any_more_is_not_sent(kind: Kind, hours: float, stale: bool) -> None:
    assert is_stale(kind, NOW - timedelta(hours=hours), NOW) is stale
