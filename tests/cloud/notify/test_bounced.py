"""A mail that comes back after its server has taken it: noted, and what follows from it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from click.testing import CliRunner

from cloud.cli import main
from tests.cloud.notify.conftest import eventually, for_commands, invite
from tests.cloud.notify.mailserver import MailServer
from tests.cloud.notify.reports import delivery_report
from tests.cloud.service import Person, Service, Tenant, good, problem

BOUNCES = "bounces@back.example.org"
CAME_BACK = "The mail came back: "
KNOWN = "The mail is forgotten, or it is known already.\n"


@pytest.fixture(scope="module")
def more() -> dict[str, str]:
    return {"mail_bounces": BOUNCES}


def back(service: Service, report: bytes, *more: str, **other: str) -> tuple[int, str]:
    """Hand a report to the command; return how it ended, and what it said."""
    told = for_commands(service) | other
    done = CliRunner().invoke(main, ["admin", "bounced-mail", *more], input=report, env=told)
    return done.exit_code, done.output


def mailed(owner: Person, tenant: Tenant) -> list[tuple[str, str]]:
    """Return what became of a tenant's mails, oldest first."""
    found = good(owner.get(f"{tenant.path}/mail"))["items"]
    return [(each["state"], each["fault"]) for each in reversed(found)]


def until(owner: Person, tenant: Tenant, *states: tuple[str, str]) -> None:
    eventually(lambda: mailed(owner, tenant), lambda seen: seen == [*states])


def test_a_mail_that_came_back_is_shown_once(
    service: Service, mails: MailServer, owner: Person, tenant: Tenant
) -> None:
    """Its return address is its own, the one in From is for readers."""
    buyer, event = service.person(), service.event(owner, tenant)
    service.buy(buyer, event)
    (sent,) = mails.to(buyer.email, "Your tickets")
    until(owner, tenant, ("sent", ""))
    assert sent.sender.startswith("bounces+")
    assert sent.sender.endswith("@back.example.org")
    assert "<mail@tickets.example.org>" in sent.message["from"]
    delayed = delivery_report(sent.sender, buyer.email, "4.4.1", "delayed")
    assert back(service, delayed)[0] == 0
    assert mailed(owner, tenant) == [("sent", "")]
    full = delivery_report("somebody@else.example", buyer.email, "5.2.2")
    assert back(service, full) == (0, "It came to no return address of a mail of ours.\n")
    assert back(service, full, "--to", sent.sender) == (0, f"{CAME_BACK}5.2.2.\n")
    assert back(service, delivery_report(sent.sender, buyer.email, "5.1.1")) == (0, KNOWN)
    assert mailed(owner, tenant) == [("bounced", "5.2.2")]
    (item,) = good(owner.get(f"{tenant.path}/mail", params={"state": "bounced"}))["items"]
    good(owner.post(f"{tenant.path}/mail/{item['mail_id']}/resend"), 202)
    first, second = mails.to(buyer.email, "Your tickets", 2)
    assert first.sender == second.sender


def test_nothing_more_that_may_be_refused_goes_to_a_dead_address(
    service: Service, mails: MailServer, owner: Person, tenant: Tenant
) -> None:
    """For a month, from that organizer, and not to others that the report names."""
    email = "dead@example.net"
    invite(owner, tenant, email)
    (sent,) = mails.to(email, "invites you")
    until(owner, tenant, ("sent", ""))
    assert back(service, delivery_report(sent.sender, email, "5.1.1")) == (
        0,
        f"{CAME_BACK}5.1.1.\n",
    )
    invite(owner, tenant, email)
    until(owner, tenant, ("bounced", "5.1.1"), ("dropped", "address_bounced"))
    (item,) = good(owner.get(f"{tenant.path}/mail", params={"state": "bounced"}))["items"]
    again = owner.post(f"{tenant.path}/mail/{item['mail_id']}/resend")
    assert problem(again) == (409, "mail_secret_gone")
    other = service.tenant(owner)
    invite(owner, other, email)
    assert len(mails.to(email, "invites you", 2)) == 2
    reader, path = service.person(email), f"{tenant.path}/mail-preferences"
    none = {"incidents": False, "invitations": False, "offers": False}
    assert good(reader.get(path)) == none
    month_later(service)
    assert good(reader.get(path)) == dict.fromkeys(none, True)
    invite(owner, tenant, email)
    mails.to(email, "invites you", 3)


def month_later(service: Service) -> None:
    service.database.run("UPDATE mail_refusal SET since = since - interval '31 days'")


def test_a_report_stops_nobody_else_s_mail(
    service: Service, mails: MailServer, owner: Person, tenant: Tenant
) -> None:
    email, victim = "mallory@example.net", "victim@example.net"
    invite(owner, tenant, email)
    (sent,) = mails.to(email, "invites you")
    until(owner, tenant, ("sent", ""))
    assert back(service, delivery_report(sent.sender, victim, "5.1.1"))[1] == f"{CAME_BACK}5.1.1.\n"
    for each in (email, victim):
        invite(owner, tenant, each)
        assert mails.to(each, "invites you", 2 if each == email else 1)


def test_what_a_reader_has_said_stands(
    service: Service, mails: MailServer, owner: Person, tenant: Tenant
) -> None:
    """Whatever came back before or afterwards."""
    email = "unwilling@example.net"
    reader, path = service.person(email), f"{tenant.path}/mail-preferences"
    service.buy(reader, service.event(owner, tenant))
    (second,) = mails.to(email, "Your tickets")
    invite(owner, tenant, email)
    (first,) = mails.to(email, "invites you")
    until(owner, tenant, ("sent", ""), ("sent", ""))
    said = {"incidents": True, "invitations": False, "offers": True}
    assert back(service, delivery_report(first.sender, email, "5.1.1"))[1] == f"{CAME_BACK}5.1.1.\n"
    good(reader.put(path, json=said))
    assert (
        back(service, delivery_report(second.sender, email, "5.2.1"))[1] == f"{CAME_BACK}5.2.1.\n"
    )
    month_later(service)
    assert good(reader.get(path)) == said
    invite(owner, tenant, email)
    until(
        owner, tenant, ("bounced", "5.2.1"), ("bounced", "5.1.1"), ("dropped", "refused_by_reader")
    )


def test_mail_to_an_account_comes_back_too(service: Service, mails: MailServer) -> None:
    email = "account@example.net"
    service.person(email)
    (sent,) = mails.to(email, "Confirm your address")
    sql = "SELECT dead_at, done_at, fault FROM platform_outbox ORDER BY message_id DESC LIMIT 1"

    def newest() -> Any:
        return service.database.rows(sql)[0]

    eventually(lambda: newest()["done_at"])
    report = delivery_report(sent.sender, email, "5.1.1")
    assert back(service, report) == (0, f"{CAME_BACK}5.1.1.\n")
    row = newest()
    assert (row["dead_at"] is None, row["done_at"], row["fault"]) == (False, None, "5.1.1")
    assert back(service, report) == (0, KNOWN)


def test_whatever_goes_wrong_the_mail_server_keeps_the_message(service: Service) -> None:
    """What is no report it need not keep."""
    report = delivery_report("bounces+x@back.example.org", "a@example.net", "5.1.1")
    away = "postgresql://usher_app:x@127.0.0.1:1/usher"
    for broken in ({"USHER_DATABASE_URL": away}, {"USHER_LISTEN": "nonsense"}):
        code, said = back(service, report, **broken)
        assert code == 75
        assert said
    assert back(service, b"Subject: I am away") == (
        0, "It reports no mail that was not delivered.\n",
    )  # fmt: skip


@contextmanager
def answering_late(mails: MailServer) -> Iterator[None]:
    """Have the server keep its answer to the next mail, which it has taken and may send back."""
    answer = threading.Event()

    def wait() -> None:
        assert answer.wait(30)

    mails.on_kill = wait
    mails.data = ["kill", "take"]
    try:
        yield
    finally:
        answer.set()
        mails.on_kill = lambda: None


EARLY = "The mail is not noted as sent yet: hand its report over again later.\n"


def test_a_report_that_is_faster_than_our_note_is_kept(
    service: Service, mails: MailServer, owner: Person, tenant: Tenant
) -> None:
    """The mail server calls again, until the mail is noted as sent; then it is noted as back."""
    email = "hasty@example.net"
    with answering_late(mails):
        invite(owner, tenant, email)
        (sent,) = mails.to(email, "invites you")
        report = delivery_report(sent.sender, email, "5.1.1")
        assert back(service, report) == (75, EARLY)
        assert mailed(owner, tenant) == [("waiting", "")]
    until(owner, tenant, ("sent", ""))
    assert back(service, report) == (0, f"{CAME_BACK}5.1.1.\n")
    assert mailed(owner, tenant) == [("bounced", "5.1.1")]


def test_a_report_on_an_account_s_mail_is_kept_too(service: Service, mails: MailServer) -> None:
    email = "early@example.net"
    with answering_late(mails):
        person = threading.Thread(target=service.person, args=(email,))
        person.start()
        (sent,) = mails.to(email, "Confirm your address")
        report = delivery_report(sent.sender, email, "4.4.1")
        assert back(service, report) == (75, EARLY)
    person.join()
    sql = "SELECT done_at FROM platform_outbox ORDER BY message_id DESC LIMIT 1"
    eventually(lambda: service.database.rows(sql)[0]["done_at"])
    assert back(service, report) == (0, f"{CAME_BACK}4.4.1.\n")
    assert back(service, report) == (0, KNOWN)
