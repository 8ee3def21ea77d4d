"""Mail to many at once: a list's guests, and holders who are told page by page."""

from datetime import timedelta
from typing import Any

import pytest

from cloud.notify import putting_many
from shared import token
from tests.cloud.notify.conftest import eventually
from tests.cloud.notify.mailserver import MailServer
from tests.cloud.notify.test_sent import codes_on_paper, edit, pdf, pictures
from tests.cloud.service import Event, Person, Service, Tenant, good


@pytest.fixture
def event(service: Service, owner: Person, tenant: Tenant) -> Event:
    return service.event(owner, tenant)


def invite(owner: Person, event: Event, *lines: str) -> None:
    said = "\n".join(["class;name;email;count", *lines, ""]).encode()
    headers = {"content-type": "text/csv; charset=utf-8"}
    good(owner.post(f"{event.path}/guests", content=said, headers=headers), 202)


def states(service: Service, tenant: Tenant, kind: str) -> Any:
    sql = "SELECT state, fault FROM mail WHERE tenant_id = $1 AND kind = $2 ORDER BY state"
    rows = service.database.rows(sql, tenant.tenant_id, kind)
    return [(row["state"], row["fault"]) for row in rows]


def test_guests_get_their_tickets_and_who_has_no_address_gets_nothing(
    service: Service, mails: MailServer, owner: Person, tenant: Tenant, event: Event
) -> None:
    """Two lines of one address are one mail, whatever its letters; its codes are the tickets'."""
    name = f"ada.{event.event_id.hex}"
    invite(
        owner, event, f"0;Ada;{name}@example.org;2", f"0;Ada;{name.upper()}@example.org;1",
        "0;Ben;;1",
    )  # fmt: skip
    eventually(lambda: states(service, tenant, "guest") == [("sent", "")])
    (mail,) = [each for each in mails.taken if each.to.lower() == f"{name}@example.org"]
    assert "guest list" in str(mail.message["subject"])
    assert mail.message["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    rows = service.database.rows(
        "SELECT token FROM ticket WHERE event_id = $1 AND email IS NOT NULL ORDER BY number",
        event.event_id,
    )
    wanted = [token.encode_text(row["token"]) for row in rows]
    assert len(wanted) == 3
    assert codes_on_paper(pdf(mail.message)) == pictures(mail.message) == wanted


def test_a_guest_with_many_tickets_gets_them_in_several_mails(
    service: Service, mails: MailServer, owner: Person, tenant: Tenant, event: Event,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(putting_many, "TOGETHER", 2)
    to = f"band.{event.event_id.hex}@example.org"
    invite(owner, event, f"0;Band;{to};5")
    eventually(lambda: len(mails.to(to, "guest list", 3)) == 3)
    pages = [len(codes_on_paper(pdf(each.message))) for each in mails.to(to)]
    assert sorted(pages) == [1, 2, 2]


def test_a_guest_who_wants_no_more_gets_nothing(
    service: Service, mails: MailServer, owner: Person, tenant: Tenant, event: Event
) -> None:
    to = f"eve.{event.event_id.hex}@example.org"
    invite(owner, event, f"0;Eve;{to};1")
    (first,) = mails.to(to)
    link = str(first.message["list-unsubscribe"]).strip("<>")
    path = link[link.index("/v1/") :]
    one_click = {"List-Unsubscribe": "One-Click"}
    assert service.client().post(path, data=one_click).status_code == 200
    invite(owner, event, f"0;Eve;{to};1")
    dropped = ("dropped", "refused_by_reader")
    eventually(lambda: states(service, tenant, "guest") == [dropped, ("sent", "")])
    assert len(mails.to(to)) == 1


def test_news_goes_page_by_page_to_everybody_once(
    service: Service, mails: MailServer, owner: Person, tenant: Tenant, event: Event,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Two a page: seven people, some with two tickets, are told by four messages."""
    monkeypatch.setattr(putting_many, "PAGE", 2)
    buyers = [service.person() for _ in range(5)]
    for many, buyer in enumerate([*buyers, *buyers[:2]]):
        service.buy(buyer, event, 1 + many % 2)
    guests = [f"{name}.{event.event_id.hex}@example.org" for name in ("ada", "ben")]
    invite(owner, event, *(f"0;G;{each};2" for each in guests))
    eventually(lambda: states(service, tenant, "guest") == 2 * [("sent", "")])
    later = service.clock() + timedelta(days=40)
    times = {"doors_at": 0, "starts_at": 1, "ends_at": 5}
    edit(owner, event, **{n: (later + timedelta(hours=h)).isoformat() for n, h in times.items()})
    for to in (*(each.email for each in buyers), *guests):
        mails.to(to, "New times")
    eventually(lambda: len(states(service, tenant, "event_moved")) == 7)
    pages = service.database.rows(
        "SELECT payload FROM outbox WHERE tenant_id = $1 AND topic = $2",
        tenant.tenant_id, putting_many.NEXT,
    )  # fmt: skip
    assert len(pages) == 3
    told = [each.to for each in mails.taken if "New times" in str(each.message["subject"])]
    assert sorted(to for to in told if to in guests or to in [b.email for b in buyers]) == sorted(
        [*guests, *(each.email for each in buyers)]
    )


def test_whoever_waits_is_told_how_an_offer_ended(
    service: Service, mails: MailServer, event: Event
) -> None:
    """Declined and lapsed: who has offered; taken back: the address that it was made to."""
    seller, friend = service.person(), service.person()
    tickets = [service.buy(seller, event)["items"][0]["ticket_id"] for _ in range(3)]
    paths = [f"{event.path}/tickets/{each}/transfers" for each in tickets]
    made = [good(seller.post(path, json={"email": friend.email}), 201) for path in paths]
    mails.to(friend.email, "offers you a ticket", 3)
    transfers = f"{event.tenant.path}/transfers"
    good(friend.post(f"{transfers}/decline", json={"secret": made[0]["secret"]}))
    mails.to(seller.email, "was not taken")
    good(seller.delete(f"{transfers}/{made[1]['transfer']['transfer_id']}"))
    (withdrawn,) = mails.to(friend.email, "taken back")
    assert withdrawn.message["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    service.database.run(
        "UPDATE transfer SET expires_at = created_at + interval '1 microsecond'"
        f" WHERE transfer_id = '{made[2]['transfer']['transfer_id']}'"
    )
    service.work()
    mails.to(seller.email, "Nobody took")
