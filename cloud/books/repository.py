"""The journal in PostgreSQL. It only grows; row-level security adds the tenant."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Final, LiteralString, NamedTuple

import msgspec
from msgspec import Meta

from cloud.books.model import Fact, Postings
from cloud.db.tenancy import TenantTx

APPEND: Final[LiteralString] = """
    WITH entry AS (
        INSERT INTO journal (fact, subject) SELECT $1, unnest($2::text[])
        RETURNING journal_id, subject),
    lines AS (
        INSERT INTO posting (journal_id, line, account, currency, amount)
        SELECT e.journal_id, p.line, p.account, $3, p.amount
          FROM unnest($4::text[], $5::int[], $6::text[], $7::bigint[])
               AS p (subject, line, account, amount)
          JOIN entry e USING (subject))
    SELECT subject, journal_id FROM entry
"""


async def append(tx: TenantTx, fact: Fact, subject: str, currency: str, postings: Postings) -> None:
    """Book a fact. One that moves no money is not booked; one booked before breaks."""
    await append_all(tx, fact, currency, {subject: postings})


async def append_all(
    tx: TenantTx, fact: Fact, currency: str, entries: Mapping[str, Postings]
) -> dict[str, int]:
    """Book the same fact of several subjects, an entry each; return their numbers."""
    lines = [
        (subject, line, *posting)
        for subject, postings in entries.items()
        for line, posting in enumerate(postings, 1)
    ]
    if not lines:
        return {}
    subjects = [subject for subject, postings in entries.items() if postings]
    columns = map(list, zip(*lines, strict=True))
    rows = await tx.conn.fetch(APPEND, fact.value, subjects, currency, *columns)
    return {row["subject"]: row["journal_id"] for row in rows}


BALANCES: Final[LiteralString] = """
    SELECT account, currency, sum(amount)::bigint AS balance FROM posting
     WHERE tenant_id = current_tenant()
     GROUP BY account, currency ORDER BY account, currency
"""


class Balance(msgspec.Struct, frozen=True):
    """What one account comes to. Below zero: that much is owed. The currency of what a chain took
    is `lamport`, which is no money."""

    account: str
    currency: str
    balance: int


async def balances(tx: TenantTx) -> list[Balance]:
    """Return the balance of every account."""
    return [Balance(**row) for row in await tx.conn.fetch(BALANCES)]


class Place(NamedTuple):
    """Of an entry in the list: numbers are given before the commit, so they alone don't order."""

    written: Annotated[int, Meta(ge=0, le=2**63 - 1)]
    number: Annotated[int, Meta(ge=0, le=2**63 - 1)]


# Only what no open transaction can still write before: who pages on misses nothing.
ENTRIES: Final[LiteralString] = """
    SELECT j.written::text::bigint AS written,
           j.journal_id AS number, j.fact, j.subject, j.at, j.actor,
           (SELECT jsonb_agg(jsonb_build_object('account', p.account, 'currency', p.currency,
                                                'amount', p.amount) ORDER BY p.line)
              FROM posting p
             WHERE p.tenant_id = current_tenant() AND p.journal_id = j.journal_id) AS postings
      FROM journal j
     WHERE j.tenant_id = current_tenant()
       AND (j.written, j.journal_id) > ($1::bigint::text::xid8, $2)
       AND j.written < pg_snapshot_xmin(pg_current_snapshot())
       AND ($3 = '' OR j.subject = $3)
     ORDER BY j.written, j.journal_id LIMIT $4
"""


class Line(msgspec.Struct, frozen=True):
    """One line of an entry; a debit is positive."""

    account: str
    currency: str
    amount: int


class Entry(msgspec.Struct, frozen=True):
    """One fact, as booked."""

    number: int
    fact: str
    subject: str
    at: datetime
    actor: str
    postings: list[Line]


class Booked(NamedTuple):
    """An entry, and where it stands."""

    place: Place
    entry: Entry


async def entries(tx: TenantTx, after: Place, subject: str, limit: int) -> list[Booked]:
    """Return the entries after a place, in the order of their transactions."""
    rows = await tx.conn.fetch(ENTRIES, *after, subject, limit)
    return [
        Booked(Place(row["written"], row["number"]), msgspec.convert(dict(row), Entry))
        for row in rows
    ]
