"""Currencies by their ISO 4217 codes, and amounts of them as people write them. Pure.

Amounts are whole numbers of a currency's minor unit everywhere: 2500 is 25.00 EUR, 2500 JPY and
2.500 KWD. Codes are in small letters, as the payment provider's are.
"""

from collections.abc import Mapping
from typing import Annotated, Final

import iso4217
from msgspec import Meta

Currency = Annotated[
    str,
    Meta(
        pattern=r"^[a-z]{3}$", max_length=3, description="ISO 4217, in use today.", examples=["eur"]
    ),
]
USUAL: Final = 2
ACCEPTED: Final = "the ISO 4217 code of a currency in use, in small letters: eur"


def _funds() -> frozenset[str]:
    """Units that bonds and indexes count in, and nobody pays with."""
    names = iso4217.raw_xml.iterfind("CcyTbl/CcyNtry/CcyNm[@IsFund='true']/../Ccy")
    return frozenset(name.text or "" for name in names)


def _in_use() -> Mapping[str, int]:
    funds = _funds()
    return {
        each.code.lower(): each.exponent
        for each in iso4217.Currency
        if each.exponent is not None and each.code not in funds  # gold has none, nor has XXX
    }


IN_USE: Final = _in_use()  # how many decimals each has


def is_in_use(currency: str) -> bool:
    """Whether money of this code can be paid with today."""
    return currency in IN_USE


def decimals(currency: str) -> int:
    """Return how many decimals a currency has; the usual two where it is out of use by now."""
    return IN_USE.get(currency, USUAL)


def written(amount: int, currency: str, places: int | None = None) -> str:
    """Return an amount of minor units as people write it. `places`: other decimals than ISO's."""
    places = decimals(currency) if places is None else places
    whole, part = divmod(amount, 10**places)
    return f"{whole}{f'.{part:0{places}}' if places else ''} {currency.upper()}"
