"""What each business fact posts. Pure; amounts in minor units, a debit is positive.

`processor` is what the payment provider holds for us; the other accounts are owed to somebody,
so a credit, which is negative, is what we owe. The postings of a fact sum to zero, and the
database refuses a transaction in which they don't (migrations/0006_books.sql).
"""

from enum import StrEnum
from typing import Final, NamedTuple


class Fact(StrEnum):
    """What happened. Stored; of one subject each is booked once."""

    SALE = "sale"
    REFUND_DUE = "refund_due"
    REFUND_PAID = "refund_paid"
    REFUND_BOUNCED = "refund_bounced"  # paid out, and come back: the bank refused it
    LATE_PAYMENT = "late_payment"  # money that bought nothing, and is owed back
    CHAIN_COST = "chain_cost"  # a transaction landed on a chain, which took its fee


PROCESSOR: Final = "processor"
ORGANIZER: Final = "organizer"
PLATFORM: Final = "platform"
REFUNDS: Final = "refunds"
CHAIN_PAYER: Final = "chain:payer"
CHAIN_FEES: Final = "chain:fees"
CHAIN_PROTOCOL: Final = "chain:protocol"
CHAIN_DEPOSITS: Final = "chain:deposits"
LAMPORT: Final = "lamport"  # their unit, which is no money: 10**9 are a SOL


class Posting(NamedTuple):
    """One line: what an account is debited, or credited where it is negative."""

    account: str
    amount: int


Postings = tuple[Posting, ...]


def sale(total: int, fee: int) -> Postings:
    """Tickets were paid: the organizer is owed the price, less the platform's fee."""
    return _lines((PROCESSOR, total), (ORGANIZER, fee - total), (PLATFORM, -fee))


def refund_due(amount: int, fee: int) -> Postings:
    """Tickets were given back: the buyer is owed, and whoever earned by them bears it."""
    return _lines((ORGANIZER, amount - fee), (PLATFORM, fee), (REFUNDS, -amount))


def refund_paid(amount: int) -> Postings:
    """The provider has given the buyer what was owed."""
    return _lines((REFUNDS, amount), (PROCESSOR, -amount))


def refund_bounced(amount: int) -> Postings:
    """What the provider had given came back: the buyer is owed again."""
    return _lines((PROCESSOR, amount), (REFUNDS, -amount))


def late_payment(amount: int) -> Postings:
    """Money came that buys nothing: all of it is owed back."""
    return _lines((PROCESSOR, amount), (REFUNDS, -amount))


def chain_cost(fee: int, spent: int, *, deposit: bool) -> Postings:
    """A transaction took lamports: *spent* in all, the *fee* in it. The rest is the *deposit* of
    new accounts, or what programs take for a change."""
    beyond = CHAIN_DEPOSITS if deposit else CHAIN_PROTOCOL
    return _lines((CHAIN_FEES, fee), (beyond, spent - fee), (CHAIN_PAYER, -spent))


def _lines(*lines: tuple[str, int]) -> Postings:
    """Leave out what moves nothing: a posting of zero is none."""
    return tuple(Posting(account, amount) for account, amount in lines if amount)
