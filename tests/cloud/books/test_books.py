"""The ledger: every fact balances, and the database refuses whatever would not."""

from uuid import UUID

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.books import model, repository
from cloud.books.model import Fact, Posting
from cloud.db.connect import Pool
from cloud.db.tenancy import WORKER, TenantTx, tenant_tx
from tests.cloud.clock import NOW
from tests.cloud.database import Database, awaited

TENANTS = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"
AMOUNTS = st.integers(0, 10**12)


@st.composite
def sums(draw: st.DrawFn) -> tuple[int, int]:
    """A total, and a part of it."""
    total = draw(AMOUNTS)
    return total, draw(st.integers(0, total))


@given(sums())
def test_each_fact_balances(total_and_fee: tuple[int, int]) -> None:
    """The postings of a fact sum to zero, and none of them is zero."""
    total, fee = total_and_fee
    for postings in (
        model.sale(total, fee),
        model.refund_due(total, fee),
        model.refund_paid(total),
        model.refund_bounced(total),
        model.late_payment(total),
        model.chain_cost(fee, total, deposit=False),
        model.chain_cost(fee, total, deposit=True),
    ):
        assert sum(posting.amount for posting in postings) == 0
        assert all(posting.amount for posting in postings)


@given(sums())
def test_a_sale_that_is_refunded_leaves_nothing(total_and_fee: tuple[int, int]) -> None:
    """Sold, due and paid back: every account is where it was."""
    total, fee = total_and_fee
    left: dict[str, int] = {}
    for posting in (
        *model.sale(total, fee), *model.refund_due(total, fee), *model.refund_paid(total),
    ):  # fmt: skip
        left[posting.account] = left.get(posting.account, 0) + posting.amount
    assert set(left.values()) <= {0}


@pytest.fixture(scope="module")
def books(database: Database) -> Database:
    """Two tenants without an entry."""
    values = ", ".join(f"('{each}', 't{n}a', 'T')" for n, each in enumerate(TENANTS))
    database.run(f"INSERT INTO tenant (tenant_id, slug, name) VALUES {values}")
    return database


def within(books: Database, *statements: str, tenant: int = 0) -> None:
    """Run statements in one transaction of the service's."""

    async def run() -> None:
        pool = await books.pool(1)
        try:
            async with tenant_tx(pool, UUID(TENANTS[tenant]), WORKER, NOW) as tx:
                for statement in statements:
                    await tx.conn.execute(statement)
        finally:
            await pool.close()

    awaited(run())


ENTRY = "INSERT INTO journal (fact, subject) VALUES ('sale', 'order:{}')"
LINE = (
    "INSERT INTO posting (journal_id, line, account, currency, amount)"
    " SELECT max(journal_id), {}, '{}', '{}', {} FROM journal"
)


def test_a_balanced_entry_is_kept(books: Database) -> None:
    """Lines that sum to zero in each currency may come in any order, one by one."""
    within(
        books, ENTRY.format("a"), LINE.format(1, "processor", "eur", 5),
        LINE.format(2, "organizer", "usd", -7), LINE.format(3, "organizer", "eur", -5),
        LINE.format(4, "processor", "usd", 7),
    )  # fmt: skip
    assert len(books.rows("SELECT FROM posting")) == 4


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [LINE.format(1, "processor", "eur", 5)],
        [LINE.format(1, "processor", "eur", 5), LINE.format(2, "organizer", "eur", -4)],
        [LINE.format(1, "processor", "eur", 5), LINE.format(2, "organizer", "usd", -5)],
    ],
)
def test_an_unbalanced_entry_is_refused(books: Database, lines: list[str]) -> None:
    """An entry without lines, or whose lines do not sum to zero, fails at the commit."""
    before = len(books.rows("SELECT FROM journal"))
    with pytest.raises(asyncpg.CheckViolationError) as raised:
        within(books, ENTRY.format("b"), *lines)
    assert raised.value.constraint_name == "balanced"
    assert len(books.rows("SELECT FROM journal")) == before


@pytest.mark.parametrize(
    ("account", "currency"),
    [("processor", "lamport"), ("chain:fees", "eur"), ("chain:fees", "sol")],
)
def test_units_are_not_mixed(books: Database, account: str, currency: str) -> None:
    """What a chain took is booked in lamports, and nothing else is."""
    lines = LINE.format(1, account, currency, 5), LINE.format(2, account, currency, -5)
    with pytest.raises(asyncpg.CheckViolationError) as raised:
        within(books, ENTRY.format("e"), *lines)
    assert raised.value.constraint_name == "unit"


def test_lamports_and_cents_do_not_balance(books: Database) -> None:
    """Each unit sums to zero by itself."""
    lines = LINE.format(1, "chain:fees", "lamport", 5), LINE.format(2, "processor", "eur", -5)
    with pytest.raises(asyncpg.CheckViolationError) as raised:
        within(books, ENTRY.format("f"), *lines)
    assert raised.value.constraint_name == "balanced"


def test_a_later_line_is_refused(books: Database) -> None:
    """An entry that balanced can't be unbalanced by one more line."""
    within(
        books, ENTRY.format("c"), LINE.format(1, "processor", "eur", 5),
        LINE.format(2, "organizer", "eur", -5),
    )  # fmt: skip
    with pytest.raises(asyncpg.CheckViolationError):
        within(books, LINE.format(3, "organizer", "eur", -1))


def test_a_temporary_table_can_not_stand_in(books: Database) -> None:
    """The check looks at the books, and not at what its caller calls so. In a copy of a database
    the service may make such tables: that is told of the database, and not of what is in it."""
    shadow = "CREATE TEMPORARY TABLE posting ON COMMIT DROP AS TABLE public.posting WITH NO DATA"
    real = LINE.replace("INTO posting", "INTO public.posting").format(1, "processor", "eur", 5)
    feigned = (
        "INSERT INTO pg_temp.posting (tenant_id, journal_id, currency, amount)"
        " SELECT tenant_id, max(journal_id), 'eur', 0 FROM journal GROUP BY tenant_id"
    )
    with pytest.raises(asyncpg.CheckViolationError) as raised:
        within(books, ENTRY.format("e"), shadow, real, feigned)
    assert raised.value.constraint_name == "balanced"


@pytest.mark.parametrize("table", ["journal", "posting"])
@pytest.mark.parametrize("change", ["UPDATE {} SET tenant_id = tenant_id", "DELETE FROM {}"])
def test_nothing_is_changed_or_deleted(books: Database, table: str, change: str) -> None:
    """The service may do neither, and a superuser meets the trigger."""
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        within(books, change.format(table))
    with pytest.raises(asyncpg.RestrictViolationError):
        books.run(change.format(table))


def test_a_fact_is_booked_once(books: Database) -> None:
    """The same fact of the same subject again breaks the transaction."""
    entry = [
        ENTRY.format("d"), LINE.format(1, "processor", "eur", 5),
        LINE.format(2, "organizer", "eur", -5),
    ]  # fmt: skip
    within(books, *entry)
    with pytest.raises(asyncpg.UniqueViolationError):
        within(books, *entry)
    within(books, *entry, tenant=1)  # another tenant's is another fact


async def paged(pool: Pool, tenant: str, subject: str, wanted: int) -> list[repository.Entry]:
    """Return entries, page by page, until there are as many as wanted: an entry is shown once no
    open transaction of this server, whosever it is, could write an older one."""
    found: list[repository.Entry] = []
    place = repository.Place(0, 0)
    while True:
        async with tenant_tx(pool, UUID(tenant), WORKER, NOW) as tx:
            booked = await repository.entries(tx, place, subject, 1)
        if booked:
            place = booked[-1].place
            found.append(booked[-1].entry)
        elif len(found) >= wanted:
            return found


def test_appending_and_reading(books: Database) -> None:
    """What is appended is read back, with balances that sum to zero; nothing is booked of zero."""

    async def run() -> None:
        pool = await books.pool(1)
        try:
            async with tenant_tx(pool, UUID(TENANTS[0]), WORKER, NOW) as tx:
                postings = (Posting("processor", 9), Posting("organizer", -9))
                await repository.append(tx, Fact.SALE, "order:1", "chf", postings)
                await repository.append(tx, Fact.SALE, "order:2", "chf", ())
                found = {each.account: each.balance for each in await repository.balances(tx)
                         if each.currency == "chf"}  # fmt: skip
                assert found == {"organizer": -9, "processor": 9}
                costs = {
                    f"transaction:{n}": model.chain_cost(n, 3 * n, deposit=n > 1) for n in (1, 2, 0)
                }
                await repository.append_all(tx, Fact.CHAIN_COST, model.LAMPORT, costs)
            (cost,) = await paged(pool, TENANTS[0], "transaction:2", 1)
            assert [(line.account, line.amount) for line in cost.postings] == [
                ("chain:fees", 2), ("chain:deposits", 4), ("chain:payer", -6)
            ]  # fmt: skip
            assert not await paged(pool, TENANTS[0], "transaction:0", 0)
            (entry,) = await paged(pool, TENANTS[0], "order:1", 1)
            assert not await paged(pool, TENANTS[0], "order:2", 0)
        finally:
            await pool.close()
        assert [(line.account, line.amount) for line in entry.postings] == [
            ("processor", 9),
            ("organizer", -9),
        ]
        assert (entry.fact, entry.actor) == ("sale", "worker")

    awaited(run())


def test_an_entry_that_commits_late_is_not_skipped(books: Database) -> None:
    """Whoever pages through entries while others are written gets each of them once."""
    tenant = UUID(TENANTS[1])

    async def book(tx: TenantTx, name: str) -> None:
        await repository.append(tx, Fact.SALE, f"order:{name}", "usd", model.sale(100, 5))

    async def run() -> None:
        pool = await books.pool(3)
        try:
            before = len(await paged(pool, TENANTS[1], "", 0))
            async with tenant_tx(pool, tenant, WORKER, NOW) as late:
                await book(late, "late")
                async with tenant_tx(pool, tenant, WORKER, NOW) as early:
                    await book(early, "early")
                assert len(await paged(pool, TENANTS[1], "", before)) == before
            after = await paged(pool, TENANTS[1], "", before + 2)
        finally:
            await pool.close()
        assert [each.subject for each in after[before:]] == ["order:late", "order:early"]

    awaited(run())
