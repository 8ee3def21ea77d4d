"""What happens is mailed: to whom, in which language, with what, and once."""

import io
from datetime import timedelta
from email.message import EmailMessage
from typing import Any, Final

import pypdfium2
import pytest
import zxingcpp
from PIL import Image

from shared import token
from tests.cloud.notify.conftest import PUBLIC
from tests.cloud.notify.mailserver import MailServer
from tests.cloud.service import Event, Person, Service, Tenant, good

DPI: Final = 200


@pytest.fixture(scope="module")
def owner(service: Service) -> Person:
    return service.person()


@pytest.fixture(scope="module")
def tenant(service: Service, owner: Person) -> Tenant:
    return service.tenant(owner)


@pytest.fixture
def event(service: Service, owner: Person, tenant: Tenant) -> Event:
    return service.event(owner, tenant)


def german(person: Person) -> Person:
    good(person.patch("/v1/accounts/me", json={"locale": "de-AT"}))
    return person


def text(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def html(message: EmailMessage) -> str:
    part = message.get_body(("html",))
    assert part is not None
    return str(part.get_content())


def pdf(message: EmailMessage) -> bytes:
    (part,) = message.iter_attachments()
    assert part.get_content_type() == "application/pdf"
    content = part.get_content()
    assert isinstance(content, bytes)
    return content


def codes_on_paper(document: bytes) -> list[str]:
    """Return the codes that a scanner finds on the pages."""
    pages = pypdfium2.PdfDocument(document)
    images = [page.render(scale=DPI / 72).to_pil() for page in pages]
    return [found.text for image in images for found in zxingcpp.read_barcodes(image)]


def pictures(message: EmailMessage) -> list[str]:
    """Return the codes in the pictures that the HTML shows, each by its name there."""
    shown = html(message)
    found = []
    for part in message.walk():
        if part.get_content_type() == "image/png":
            assert f'src="cid:{part["content-id"].strip("<>")}"' in shown
            image = Image.open(io.BytesIO(part.get_payload(decode=True)))  # type: ignore[arg-type]
            found += [each.text for each in zxingcpp.read_barcodes(image)]
    return found


def test_a_purchase_is_confirmed_with_codes_that_verify(
    service: Service, mails: MailServer, owner: Person, event: Event
) -> None:
    """The PDF's codes and the pictures' are the tickets', signed by a key of the keyset."""
    buyer = service.person()
    order = service.buy(buyer, event, 2)
    (mail,) = mails.to(buyer.email, "Your tickets")
    assert mail.over_tls
    assert mail.sender == "mail@tickets.example.org"
    message = mail.message
    assert message["subject"] == "Your tickets for Spring Night"
    assert "via Usher" in message["from"]
    assert message["auto-submitted"] == "auto-generated"
    assert message["list-unsubscribe"] is None
    own = service.database.rows(
        "SELECT token FROM ticket WHERE order_id = $1 ORDER BY number", order["order_id"]
    )
    wanted = [token.encode_text(row["token"]) for row in own]
    assert codes_on_paper(pdf(message)) == pictures(message) == wanted
    for each in wanted:
        parsed = token.parse(each)
        assert parsed.shown is token.STATIC
        scanned = good(owner.post(f"{event.path}/redeem", json={"gate": 1, "code": each}))
        assert scanned["code"] == "admitted"
    assert order["order_id"][:8].upper() in text(message)
    assert "EUR" in text(message)


def test_it_is_said_in_the_reader_s_language(
    service: Service, mails: MailServer, event: Event
) -> None:
    buyer = german(service.person())
    service.buy(buyer, event)
    (mail,) = mails.to(buyer.email, "Ihre Tickets")
    assert mail.message["content-language"] == "de"
    assert "Einlass" in text(mail.message)
    assert 'lang="de"' in html(mail.message)
    page = pypdfium2.PdfDocument(pdf(mail.message))[0].get_textpage().get_text_range()
    assert "Am Einlass" in page


def test_an_address_that_is_not_proved_gets_no_code(
    service: Service, mails: MailServer, event: Event
) -> None:
    buyer = service.person()
    service.database.run(
        f"UPDATE account SET email_verified_at = NULL WHERE email = '{buyer.email}'"
    )
    service.buy(buyer, event)
    (mail,) = mails.to(buyer.email, "Your tickets")
    assert list(mail.message.iter_attachments()) == []
    assert pictures(mail.message) == []
    assert "not confirmed" in text(mail.message)


def test_a_refund_is_told(service: Service, mails: MailServer, owner: Person, event: Event) -> None:
    buyer = service.person()
    order = service.buy(buyer, event)
    path = f"{event.tenant.path}/orders/{order['order_id']}/refunds"
    good(owner.post(path, json={"reason": "Ill"}))
    (mail,) = mails.to(buyer.email, "Refund for Spring Night")
    assert "EUR" in text(mail.message)


def test_both_sides_of_a_transfer_are_told(
    service: Service, mails: MailServer, event: Event
) -> None:
    """The offer has the secret; accepted, the new owner has the new code, the old one a word."""
    seller, friend = service.person(), german(service.person())
    order = service.buy(seller, event)
    ticket = order["items"][0]["ticket_id"]
    said = {"email": friend.email.upper()}
    made = good(seller.post(f"{event.path}/tickets/{ticket}/transfers", json=said), 201)
    (offered,) = mails.to(friend.email, "bietet Ihnen ein Ticket")
    assert made["secret"] in text(offered.message)
    assert made["secret"] in html(offered.message)
    assert offered.message["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    good(friend.post(f"{event.tenant.path}/transfers/accept", json={"secret": made["secret"]}))
    (gone,) = mails.to(seller.email, "has a new holder")
    (mine,) = mails.to(friend.email, "Ihr Ticket")
    assert list(gone.message.iter_attachments()) == []
    (row,) = service.database.rows("SELECT token FROM ticket WHERE ticket_id = $1", ticket)
    assert codes_on_paper(pdf(mine.message)) == [token.encode_text(row["token"])]


def edit(owner: Person, event: Event, **said: Any) -> None:
    version = good(owner.get(event.path))["organizer"]["version"]
    good(owner.patch(event.path, json={"version": version, **said}))


def test_news_of_an_event_reach_everybody_with_a_ticket_once(
    service: Service, mails: MailServer, owner: Person, event: Event
) -> None:
    """Two tickets are one mail; a guest by address is told as well; a refunded one is not."""
    buyer, gone = service.person(), service.person()
    service.buy(buyer, event, 2)
    order = service.buy(gone, event)
    mails.to(gone.email, "Your tickets")
    path = f"{event.tenant.path}/orders/{order['order_id']}/refunds"
    good(owner.post(path, json={"reason": "Ill"}))
    mails.to(gone.email, "Refund")
    guest = f"GUEST-{event.event_id.hex}@example.org"
    service.database.run(
        f"UPDATE ticket SET account_id = NULL, email = '{guest}' WHERE ticket_id = ("
        f"SELECT min(ticket_id::text)::uuid FROM ticket WHERE event_id = '{event.event_id}'"
        f" AND account_id = '{buyer.account_id}')"
    )
    was = good(owner.get(event.path))
    later = service.clock() + timedelta(days=40)
    times = {
        "doors_at": later.isoformat(),
        "starts_at": (later + timedelta(hours=1)).isoformat(),
        "ends_at": (later + timedelta(hours=5)).isoformat(),
    }
    edit(owner, event, **times)
    (moved,) = mails.to(buyer.email, "New times: Spring Night")
    mails.to(guest, "New times: Spring Night")
    assert was["doors_at"][:10] not in text(moved.message)
    version = good(owner.get(event.path))["organizer"]["version"]
    good(owner.post(f"{event.path}/cancel", json={"version": version}))
    mails.to(buyer.email, "Cancelled: Spring Night")
    mails.to(buyer.email, "Refund")
    mails.to(guest, "Cancelled: Spring Night")
    assert len(mails.to(buyer.email, "Cancelled")) == len(mails.to(buyer.email, "New times")) == 1
    told = [str(each.message["subject"]) for each in mails.taken if each.to == gone.email]
    assert not any("Cancelled" in each or "New times" in each for each in told)


def test_an_invitation_has_its_secret(
    service: Service, mails: MailServer, owner: Person, tenant: Tenant
) -> None:
    said = {"email": "new.hand@example.org", "role": "staff"}
    good(owner.post(f"{tenant.path}/invitations", json=said))
    (mail,) = mails.to("new.hand@example.org", "invites you")
    joining = service.person("new.hand@example.org")
    secret = next(word for word in text(mail.message).split() if word.startswith("ums_"))
    good(joining.post(f"{tenant.path}/invitations/accept", json={"secret": secret}))
    assert str(mail.message["list-unsubscribe"]).startswith(f"<{PUBLIC}/v1/mail/unsubscribe/")


def test_a_sign_up_is_proved_by_what_is_mailed(service: Service, mails: MailServer) -> None:
    email, password = "signing.up@example.org", "correct horse battery"
    stranger = service.client()
    said = {"email": email, "password": password, "locale": "de"}
    good(stranger.post("/v1/accounts", json=said), 202)
    (mail,) = mails.to(email, "Bestätigen Sie Ihre Adresse")
    assert str(mail.message["from"]) == "Usher <mail@tickets.example.org>"
    secret = next(word for word in text(mail.message).split() if word.startswith("ums_"))
    good(stranger.post("/v1/accounts/verify", json={"secret": secret}), 204)
    good(stranger.post("/v1/accounts", json=said), 202)
    mails.to(email, "Sie haben schon ein Konto")
    good(stranger.post("/v1/accounts/password-reset", json={"email": email}), 202)
    (reset,) = mails.to(email, "neues Passwort")
    secret = next(word for word in text(reset.message).split() if word.startswith("ums_"))
    new = {"secret": secret, "password": "another horse battery"}
    good(stranger.post("/v1/accounts/password-reset/confirm", json=new), 204)
    mails.to(email, "Ihr Passwort wurde geändert")


def test_each_mail_has_a_name_of_its_own(mails: MailServer) -> None:
    names = [each.message["message-id"] for each in mails.taken]
    assert len(names) > 10
    assert len(set(names)) == len(names)
