"""Types of fields that the requests of this feature share."""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from cloud.currencies import ACCEPTED, is_in_use
from cloud.errors import Refusal
from cloud.payments.units import step

PRINTABLE = r"^[^\x00-\x1f\x7f]+(?!\n)$"  # in Python `$` alone also fits before a last newline
Name = Annotated[
    str, Meta(min_length=1, max_length=80, pattern=PRINTABLE, examples=["Summer Nights"])
]
Line = Annotated[str, Meta(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*(?!\n)$")]
Text = Annotated[str, Meta(max_length=4000, pattern=r"^[^\x00]*$")]
Zone = Annotated[
    str, Meta(min_length=1, max_length=64, description="An IANA name.", examples=["Europe/Madrid"])
]
Moment = Annotated[
    datetime, Meta(tz=True, description="RFC 3339.", examples=["2027-05-01T18:00:00Z"])
]
Bps = Annotated[int, Meta(ge=0, le=5000, description="Hundredths of a per cent.")]
Share = Annotated[int, Meta(ge=0, le=10_000, description="Hundredths of a per cent.")]
Version = Annotated[
    int, Meta(ge=1, le=2**31 - 1, description="The version that this change was made from.")
]
Seat = Annotated[
    str, Meta(min_length=1, max_length=80, pattern=PRINTABLE, examples=["Block A, row 3, seat 14"])
]
FIRST_YEAR = 2000
LAST_YEAR = 2100  # a token's `exp` has 32 bits


class In(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of what is sent here."""


def check_currency(currency: str) -> None:
    """Refuse a code that nobody can pay in."""
    if not is_in_use(currency):
        raise Refusal("currency_unknown", field="/currency", accepted=ACCEPTED)


def check_price(price: int, currency: str, field: str) -> None:
    """Refuse a price that no card can be charged."""
    if price % (parts := step(currency)):
        accepted = f"a price that is a multiple of {parts}, in minor units"
        raise Refusal("price_parts", field=field, accepted=accepted)


def check_text(given: msgspec.Struct) -> None:
    """Refuse what no text of the database can hold: a zero character."""
    if b"\\u0000" in msgspec.json.encode(given).replace(b"\\\\", b""):
        raise Refusal("text_zero", accepted="text without U+0000")


def check_year(moment: datetime, field: str) -> None:
    """Refuse a time that no token could carry."""
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise Refusal("time_range", field=field, accepted=f"{FIRST_YEAR} to {LAST_YEAR}")
