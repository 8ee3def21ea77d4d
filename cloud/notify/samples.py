"""One made-up mail of each kind, to be looked at before anybody gets one. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from cloud.notify.addresses import Mailbox, Sender
from cloud.notify.facts import (
    Facts,
    Found,
    Gig,
    OfAccount,
    OfEvent,
    OfGuest,
    OfIncidents,
    OfInvitation,
    OfKey,
    OfMoney,
    OfOrder,
    OfTicket,
)
from cloud.notify.letter import Envelope, Letter, Mail
from cloud.notify.model import CATEGORIES, Kind
from cloud.notify.writing import write
from cloud.tickets.lifecycle import State
from cloud.tickets.model_printed import Printable
from shared import hashing, keys, token

STARTS: Final = datetime(2027, 5, 1, 18, tzinfo=UTC)
BUYER: Final = UUID(int=1)
ORDER: Final = UUID("4f7c2210-0000-4000-8000-000000000000")
KEY: Final = b"\x11" * 32  # nobody's
READER: Final = "ada@example.org"
HOUSE: Final = Sender("Usher", Mailbox("tickets", "example.org"))
GIG: Final = Gig(
    "Spring Night", STARTS - timedelta(hours=1), STARTS, "Europe/Berlin", "Harbour Hall",
    "Kaistraße 1, Hamburg",
)  # fmt: skip
SECRET: Final = "ums_Zm9yIHRyeWluZyBvdXQsIGFuZCBubyBzZWNyZXQ"  # noqa: S105


def _code(number: int) -> bytes:
    made = token.Token(
        token.STATIC, 0, hashing.kid(keys.public_key(KEY)), b"\xa1" * 8,
        bytes([0xC0 + number] * 16), 0, 0, int(STARTS.timestamp()) + 20_000,
    )  # fmt: skip
    return token.issue(made, KEY)


def _ticket(number: int, seat: str) -> Printable:
    return Printable(
        UUID(int=number), number, State.ACTIVE, _code(number), seat, "Ada Lovelace", BUYER, ORDER,
        "Balcony", GIG.name, GIG.timezone, GIG.starts_at, GIG.doors_at, GIG.place, GIG.address,
        2500, "eur",
    )  # fmt: skip


def _facts() -> Mapping[Kind, Facts]:
    pair = (_ticket(1, "A 12"), _ticket(2, "A 13"))
    number, place = ORDER.hex[:8].upper(), "Balcony · A 12"
    return {
        Kind.ORDER: OfOrder(GIG, number, "50.00 EUR", pair, proved=True),
        Kind.REFUND: OfMoney(GIG, number, "50.00 EUR", 2),
        Kind.PAYMENT_RETURNED: OfMoney(GIG, number, "50.00 EUR", 0),
        Kind.OFFER: OfTicket(
            GIG, place, sender="Grace Hopper", secret=SECRET, until=STARTS - timedelta(days=3)
        ),
        Kind.OFFER_DECLINED: OfTicket(GIG, place),
        Kind.OFFER_LAPSED: OfTicket(GIG, place),
        Kind.OFFER_WITHDRAWN: OfTicket(GIG, place, sender="Grace Hopper"),
        Kind.HANDED_OVER: OfTicket(GIG, place),
        Kind.TAKEN_OVER: OfTicket(GIG, place, mine=pair[0]),
        Kind.GUEST: OfGuest(GIG, pair[:1]),
        Kind.EVENT_MOVED: OfEvent(GIG),
        Kind.EVENT_CANCELLED: OfEvent(GIG),
        Kind.INCIDENT: OfIncidents(GIG, {"double_admission": 2, "superseded_admission": 1}),
        Kind.INVITATION: OfInvitation("staff", SECRET, STARTS),
        Kind.KEY_EXPORTED: OfKey("6ffzWMUafMJAnLSGt1DiJenCbV4Y26VXNggWRUWiXXjF"),
        Kind.VERIFY: OfAccount(SECRET),
        Kind.RESET: OfAccount(SECRET),
        Kind.KNOWN: OfAccount(),
        Kind.CHANGED: OfAccount(),
        Kind.REUSED: OfAccount(),
    }


def found(kind: Kind, language: str) -> Found:
    """Return what a sample is made of."""
    facts = _facts()[kind]
    return Found(
        kind, READER, language, "" if isinstance(facts, OfAccount) else "Harbour Live", facts
    )


def sample(kind: Kind, language: str) -> Mail:
    """Return a sample."""
    letter: Letter = write(found(kind, language), STARTS)
    link = "https://tickets.example.org/v1/mail/unsubscribe/sample" if kind in CATEGORIES else ""
    return Mail(letter, Envelope(HOUSE, READER, f"sample-{kind}", link))
