"""No more mails like this: by one click, by a page with a button, or among one's preferences."""

import re
from datetime import timedelta

import pytest

from cloud.keys.sealing import MasterKey, parse_master_key
from cloud.notify.model import Category
from cloud.notify.refusals import LONGEST, Link, opened, token
from tests.cloud.notify.conftest import PUBLIC, eventually, invite
from tests.cloud.notify.mailserver import MailServer
from tests.cloud.service import MASTER_KEY, Clock, Person, Service, Tenant, good, problem

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def link_of(mails: MailServer, email: str) -> str:
    """Return the path of the link to unsubscribe of the newest invitation."""
    message = mails.to(email, "invites you")[-1].message
    (link,) = re.findall(rf"<{PUBLIC}(/[^>]+)>", str(message["list-unsubscribe"]))
    assert message["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    return str(link)


def outcome(service: Service, tenant: Tenant) -> list[tuple[str, str]]:
    sql = "SELECT state, fault FROM mail WHERE tenant_id = $1 ORDER BY created_at"
    return [tuple(row) for row in service.database.rows(sql, tenant.tenant_id)]


def test_one_click_is_enough_and_holds_for_that_organizer_alone(
    service: Service, mails: MailServer, owner: Person, tenant: Tenant
) -> None:
    email = "clicks@example.org"
    invite(owner, tenant, email)
    link, stranger = link_of(mails, email), service.client()
    page = stranger.get(link)
    assert '<form method="post">' in page.text
    assert "form-action 'self'" in page.headers["content-security-policy"]
    invite(owner, tenant, email)  # a program that looked at the link has refused nothing
    assert len(mails.to(email, "invites you", 2)) == 2
    for _ in range(2):
        assert stranger.post(link, data=ONE_CLICK).status_code == 200
    invite(owner, tenant, email.upper())
    eventually(
        lambda: outcome(service, tenant), lambda seen: ("dropped", "refused_by_reader") in seen
    )
    other = service.tenant(owner)
    invite(owner, other, email)
    mails.to(email, "invites you", 3)


def test_one_takes_it_back_among_the_preferences(
    service: Service, mails: MailServer, owner: Person, tenant: Tenant
) -> None:
    email = "preferring@example.org"
    reader = service.person(email)
    path = f"{tenant.path}/mail-preferences"
    all_ = {"incidents": True, "invitations": True, "offers": True}
    assert good(reader.get(path)) == all_
    none = dict.fromkeys(all_, False)
    assert good(reader.put(path, json=none)) == good(reader.get(path)) == none
    invite(owner, tenant, email)
    eventually(lambda: outcome(service, tenant), lambda seen: seen and seen[0][0] == "dropped")
    assert good(reader.put(path, json=all_)) == all_
    invite(owner, tenant, email)
    mails.to(email, "invites you")


def test_nobody_stops_somebody_else_s_mail(service: Service, tenant: Tenant) -> None:
    """Who signs up with another's address has to prove it first."""
    reader = service.person("unproved@example.org")
    service.database.run(
        "UPDATE account SET email_verified_at = NULL WHERE email = 'unproved@example.org'"
    )
    path = f"{tenant.path}/mail-preferences"
    assert problem(reader.get(path)) == (403, "email_unverified")


@pytest.mark.parametrize("text", ["x", "AAAA", "ä", "a" * (LONGEST + 1), "%00", "a/b"])
def test_fail__a_link_that_is_none(service: Service, text: str) -> None:
    answer = service.client().post(f"/v1/mail/unsubscribe/{text}", data=ONE_CLICK)
    assert problem(answer) in ((400, "unsubscribe_link"), (404, "not_found"))


def test_a_link_is_nobody_else_s_to_make(tenant: Tenant) -> None:
    sealer = MasterKey(parse_master_key(MASTER_KEY))
    link = Link(tenant.tenant_id, Category.OFFERS, "ada@example.org", "de")
    made = token(sealer, link)
    assert opened(sealer, made) == link
    assert "ada" not in made
    assert opened(sealer, made[:-2] + ("AA" if made[-2:] != "AA" else "BB")) is None
    assert opened(MasterKey(parse_master_key("22" * 32)), made) is None
    longest = Link(tenant.tenant_id, Category.INVITATIONS, "a" * 64 + "@" + "b" * 189, "de")
    assert len(token(sealer, longest)) < 800  # it stands in one line of a header


def test_of_a_transaction_nothing_can_be_refused(
    service: Service, mails: MailServer, owner: Person, tenant: Tenant
) -> None:
    buyer = service.person()
    none = {"incidents": False, "invitations": False, "offers": False}
    good(buyer.put(f"{tenant.path}/mail-preferences", json=none))
    service.buy(buyer, service.event(owner, tenant))
    (mail,) = mails.to(buyer.email, "Your tickets")
    assert mail.message["list-unsubscribe"] is None


INCIDENT = """
    SELECT set_config('app.tenant', '{tenant}', false), set_config('app.actor', 'test', false);
    INSERT INTO incident (
        incident_id, number, event_ref, kind, ticket, device_id, incarnation, seq, record_events,
        record_ids, records, devices, gates, found_at)
    SELECT substring(sha256('{name}') FROM 1 FOR 16), {number}, ref, 'double_admission',
           substring(sha256('{name}') FROM 1 FOR 16), decode(repeat('00', 16), 'hex'), 1, 2,
           '{{}}', '{{}}', 0, '{{}}', '{{1}}', now()
      FROM event WHERE event_id = '{event}';
    INSERT INTO outbox (topic, key, payload)
    SELECT 'incident.opened', 'incident:{name}', jsonb_build_object(
           'incident_id', encode(substring(sha256('{name}') FROM 1 FOR 16), 'hex'),
           'kind', 'double_admission', 'event_ref', encode(ref, 'hex'), 'event_id', event_id)
      FROM event WHERE event_id = '{event}';
"""


def test_incidents_come_together_and_not_too_often(
    service: Service, mails: MailServer, owner: Person, tenant: Tenant, ahead: Clock
) -> None:
    """Three within a moment are one mail to each of the venue's people; the next one waits."""
    event = service.event(owner, tenant)
    seen = len([each for each in mails.taken if each.to == owner.email])

    def happens(name: str, number: int) -> None:
        service.database.run(
            INCIDENT.format(tenant=tenant.tenant_id, event=event.event_id, name=name, number=number)
        )

    for number in range(3):
        happens(f"first{number}", number + 1)
    sql = "SELECT count(*) AS n FROM inbox WHERE consumer = 'mail' AND topic = 'incident.opened'"
    done = f"{sql} AND done_at IS NOT NULL AND tenant_id = $1"
    eventually(lambda: service.database.rows(done, tenant.tenant_id)[0]["n"], lambda n: n == 3)
    assert len(outcome(service, tenant)) == 1
    try:
        ahead.move(31)
        (mail,) = mails.to(owner.email, "3 to settle: Spring Night")
        assert "List-Unsubscribe=One-Click" in str(mail.message["list-unsubscribe-post"])
        happens("second", 4)
        eventually(lambda: len(outcome(service, tenant)), lambda n: n == 2)
        ahead.move(timedelta(minutes=14).total_seconds())
        eventually(lambda: outcome(service, tenant)[1], lambda each: each[0] == "waiting")
        assert len([each for each in mails.taken if each.to == owner.email]) == seen + 1
        ahead.move(timedelta(minutes=2).total_seconds())
        mails.to(owner.email, "4 to settle: Spring Night")
    finally:
        ahead.offset = timedelta()
