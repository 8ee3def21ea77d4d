"""Real signed tickets of each kind, and what a decoder reads off a picture."""

from typing import Any, NamedTuple

import zxingcpp

from cloud.tickets.sheet import Printed
from shared import hashing, keys, presentation, token

QR = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCodeModel2)
ISSUER, HOLDER = b"\x11" * 32, b"\x22" * 32
TICKET = token.Token(
    token.STATIC,
    0,
    hashing.kid(keys.public_key(ISSUER)),
    b"\xa1" * 8,
    bytes(16),
    1,
    7,
    1_830_297_600,
)
WITH_HOLDER = TICKET._replace(type=token.BOUND, holder_pk=keys.public_key(HOLDER))
LIVE_RAW = token.issue(WITH_HOLDER._replace(flags=token.LIVE_REQUIRED), ISSUER)

STATIC = token.encode_text(token.issue(TICKET, ISSUER))
BOUND = token.encode_text(token.issue(WITH_HOLDER, ISSUER))
LIVE = token.encode_text(LIVE_RAW)
PRESENTED = token.encode_text(presentation.present(LIVE_RAW, HOLDER, 1_800_000_000))


class Read(NamedTuple):
    """A code as a decoder reports it."""

    text: str
    level: str
    version: int


def read(picture: Any) -> list[Read]:
    """Return the codes of a picture. Gates look for this kind alone (edge/scan/engines.py)."""
    found = zxingcpp.read_barcodes(picture, formats=QR)
    return [_read(each) for each in found]


def _read(found: zxingcpp.Barcode) -> Read:
    extra: Any = found.extra
    return Read(found.text, found.ec_level, int(extra["Version"]))


def printed(**other: Any) -> Printed:
    """Return a ticket as most are, but for what is named."""
    fields: dict[str, Any] = {
        "event": "Noche de Verano",
        "place": "Teatro Circo Price",
        "address": "Ronda de Atocha 35, Madrid",
        "timezone": "Europe/Madrid",
        "starts_at": 1_814_898_600,  # 2027-07-06T18:30:00Z
        "doors_at": 1_814_893_200,
        "ticket_class": "Standing, front",
        "class_text": "One entry. Under 16 with an adult.",
        "seat": "Row 12 · Seat 7",
        "attendee": "María-José Núñez",
        "order": "4F7K-2210",
        "price": "€45.00, fees included",
        "code": STATIC,
    }
    return Printed(**{**fields, **other})
