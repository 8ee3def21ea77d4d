"""Amounts in the units that Stripe counts in, where they are not the currency's own. Pure.

Stripe kept the units that it began with: hundredths of a króna and of a Ugandan shilling, which
have no parts any more, and whole ariary, which have. And of three decimals the last is a zero
(docs.stripe.com/currencies, zero-decimal, three-decimal and special cases).
"""

from collections.abc import Mapping
from typing import Final

from cloud.currencies import decimals

KEPT: Final[Mapping[str, int]] = {"isk": 2, "ugx": 2, "mga": 0}


def places(currency: str) -> int:
    """Return how many decimals Stripe's amounts of a currency have."""
    return KEPT.get(currency, decimals(currency))


def step(currency: str) -> int:
    """Return what every amount to be charged is a multiple of, in minor units."""
    return 10 if places(currency) > 2 else _scaled(1, decimals(currency) - places(currency))


def charged_step(currency: str) -> int:
    """Return what every amount to be charged is a multiple of, in Stripe's units."""
    return 10 if places(currency) > 2 else _scaled(1, places(currency) - decimals(currency))


def charged(amount: int, currency: str) -> int | None:
    """Return an amount of minor units in Stripe's; None: it can't be charged."""
    if amount % step(currency):
        return None
    return _scaled(amount, places(currency)) // _scaled(1, decimals(currency))


def received(amount: int, currency: str) -> int | None:
    """Return an amount of Stripe's units in minor ones; None: there is no such amount."""
    whole, part = divmod(_scaled(amount, decimals(currency)), _scaled(1, places(currency)))
    return None if part else whole


def _scaled(amount: int, by: int) -> int:
    return amount * int(10 ** max(0, by))
