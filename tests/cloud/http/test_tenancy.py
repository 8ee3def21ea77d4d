"""The catalogue of the database: whatever table is added, it is bound to its tenant."""

from typing import Final
from uuid import UUID

import asyncpg
import pytest

from cloud.db.migrate import migrations
from cloud.db.tenancy import WORKER, tenant_tx
from cloud.errors import Refusal
from cloud.tickets.lifecycle import TABLE
from tests.cloud.clock import NOW
from tests.cloud.database import TEMPLATE, Database, awaited

A, B = UUID(int=0xA), UUID(int=0xB)
# Tables with no tenant's data, each with the reason.
PLATFORM: Final = {
    "tenant": "the tenants themselves: names that anybody may see",
    "account": "a person buys from many tenants",
    "identity": "who an account is elsewhere",
    "session": "an account's sign-ins",
    "refresh_token": "an account's sign-ins",
    "mail_secret": "an account's address, being proved",
    "spent_id_token": "outside sign-ins that must not be repeated",
    "token_key": "the issuer's own keys",
    "platform_audit": "what happens outside every tenant",
    "platform_idempotency": "requests outside every tenant",
    "platform_outbox": "messages about accounts",
    "ledger_root": "the ledger: the sealed secret of its keys, one for the platform",
    "ledger_head": "the ledger, which is as public as a chain",
    "ledger_transaction": "the ledger: signed transactions",
    "ledger_touch": "the ledger: its index of transactions",
    "ledger_account": "the ledger: accounts",
    "ledger_leaf": "the ledger: assets, by addresses and hashes",
    "legal_move": "a table of the lifecycle, the same for all",
    "migration": "what was applied",
}
TABLES: Final = """
    SELECT c.oid, c.relname AS name, c.relrowsecurity AS on_, c.relforcerowsecurity AS forced,
           c.relkind, c.relispartition,
           EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = 1
                      AND a.attname = 'tenant_id' AND a.attnotnull) AS tenant_first,
           ARRAY(SELECT pg_get_expr(p.polwithcheck, p.polrelid) FROM pg_policy p
                  WHERE p.polrelid = c.oid AND p.polname = 'tenant'
                    AND pg_get_expr(p.polqual, p.polrelid) = '(tenant_id = current_tenant())')
               AS policies
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p')
"""
UNIQUE: Final = """
    SELECT c.relname AS name, i.indexrelid::regclass::text AS index, a.attname AS first
      FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
      JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'
      LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
     WHERE i.indisunique
"""


def test_every_table_is_bound_to_its_tenant_or_named_here(database: Database) -> None:
    """Forced row-level security, the policy, tenant_id first and NOT NULL."""
    faults = [
        row["name"]
        for row in database.rows(TABLES)
        if row["name"] not in PLATFORM
        and not (
            row["on_"] and row["forced"] and row["tenant_first"]
            and row["policies"] == ["(tenant_id = current_tenant())"]
        )
    ]  # fmt: skip
    assert faults == []


def test_the_list_of_exceptions_is_true(database: Database) -> None:
    """A name on it is a table, and has no tenant's column that it would have to be bound by."""
    tables = {row["name"]: row for row in database.rows(TABLES)}
    assert PLATFORM.keys() <= tables.keys()
    assert [name for name in PLATFORM.keys() - {"tenant"} if tables[name]["tenant_first"]] == []


def test_every_unique_key_starts_with_the_tenant(database: Database) -> None:
    """Else ON CONFLICT would hide another tenant's row and drop ours."""
    faults = [
        row["index"]
        for row in database.rows(UNIQUE)
        if row["name"] not in PLATFORM and row["first"] != "tenant_id"
    ]
    assert faults == []


def test_the_service_owns_nothing_and_passes_by_nothing(database: Database) -> None:
    """Neither role is a superuser, nor passes by row-level security; usher_app has no table."""
    roles = database.rows(
        "SELECT rolname, rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb AS mighty"
        "  FROM pg_roles WHERE rolname LIKE 'usher%' ORDER BY 1"
    )
    assert [tuple(row) for row in roles] == [("usher_app", False), ("usher_owner", False)]
    owned = database.rows(
        "SELECT relname FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner"
        " WHERE r.rolname = 'usher_app'"
    )
    assert owned == []


def test_no_policy_lets_the_service_see_more(database: Database) -> None:
    """Policies add up: every other one is for the owner's functions alone."""
    others = database.rows(
        "SELECT tablename, policyname FROM pg_policies"
        " WHERE policyname <> 'tenant' AND roles <> '{usher_owner}'"
    )
    assert [tuple(row) for row in others] == []


def test_no_view_goes_around_the_policies(database: Database) -> None:
    """A view asks as its owner, and a materialized one is a copy without any policy."""
    views = database.rows(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = 'public' AND c.relkind IN ('v', 'm', 'f')"
    )
    assert [row["relname"] for row in views] == []


def test_everything_is_in_one_schema(database: Database) -> None:
    """What this file looks at is all there is."""
    schemas = database.rows("SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_'")
    assert sorted(row["nspname"] for row in schemas) == ["information_schema", "public"]


def test_functions_look_at_temporary_tables_last(database: Database) -> None:
    """Where nothing is said of them they come first, and anybody's stands in for ours."""
    faults = database.rows(
        "SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace"
        "   AND (p.prosecdef OR p.proconfig::text LIKE '%search_path%' OR p.proname = 'balanced')"
        "   AND 'search_path=pg_catalog, public, pg_temp' <> ALL (coalesce(p.proconfig, '{}'))"
    )
    assert [row["proname"] for row in faults] == []


def test_the_service_makes_no_temporary_tables(database: Database) -> None:
    """Where the migrations ran: what belongs to a database is not in its copies."""
    (told,) = database.rows(
        "SELECT has_database_privilege('usher_app', $1, 'TEMPORARY') AS it", TEMPLATE
    )
    assert told["it"] is False


@pytest.mark.parametrize("table", ["journal", "posting", "ticket_move", "audit", "record"])
def test_what_only_grows_can_not_be_changed_by_the_service(database: Database, table: str) -> None:
    """Neither updated nor deleted."""
    granted = database.rows(
        "SELECT privilege_type FROM information_schema.table_privileges"
        " WHERE grantee = 'usher_app' AND table_name = $1 AND privilege_type IN"
        " ('UPDATE', 'DELETE', 'TRUNCATE')",
        table,
    )
    columns = database.rows(
        "SELECT column_name FROM information_schema.column_privileges"
        " WHERE grantee = 'usher_app' AND table_name = $1 AND privilege_type = 'UPDATE'",
        table,
    )
    assert (granted, columns) == ([], [])


def test_no_tenant_no_rows_and_no_writing(database: Database) -> None:
    """Without one set, a query sees nothing and an insert fails; also after a transaction."""

    async def look() -> list[int]:
        pool = await database.pool(1)
        async with tenant_tx(pool, A, WORKER, NOW) as tx:
            await tx.audit("seen", "x")
            ours: int = await tx.conn.fetchval("SELECT count(*) FROM audit")
        async with pool.acquire() as conn:
            outside: int = await conn.fetchval("SELECT count(*) FROM audit")
            with pytest.raises(asyncpg.PostgresError):
                await conn.execute("INSERT INTO audit (action, subject) VALUES ('a', 'b')")
        async with tenant_tx(pool, B, WORKER, NOW) as tx:
            theirs: int = await tx.conn.fetchval("SELECT count(*) FROM audit")
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with tx.conn.transaction():
                    await tx.conn.execute(
                        "INSERT INTO audit (tenant_id, action, subject) VALUES ($1, 'a', 'b')", A
                    )
        await pool.close()
        return [ours, outside, theirs]

    database.run(
        f"INSERT INTO tenant (tenant_id, slug, name) VALUES ('{A}', 'aa', 'A'), ('{B}', 'bb', 'B')"
    )
    assert awaited(look()) == [1, 0, 0]


def test_a_tenant_that_is_not_there_is_not_entered(database: Database) -> None:
    """Nor one that is suspended."""

    async def enter(tenant: UUID) -> None:
        pool = await database.pool(1)
        try:
            async with tenant_tx(pool, tenant, WORKER, NOW):
                pass
        finally:
            await pool.close()

    gone = UUID(int=0xC)
    database.run(
        f"INSERT INTO tenant (tenant_id, slug, name, suspended_at)"
        f" VALUES ('{gone}', 'cc', 'C', now())"
    )
    for tenant in (gone, UUID(int=0xD)):
        with pytest.raises(Refusal, match="not_found"):
            awaited(enter(tenant))


def test_the_databases_lifecycle_is_the_codes(database: Database) -> None:
    """Both tables of legal moves say the same."""
    rows = database.rows("SELECT from_state, move, to_state, gen_step FROM legal_move")
    told = {(r["from_state"], r["move"]): (r["to_state"], r["gen_step"]) for r in rows}
    coded = {
        (state.value, move.value): (step.state.value, step.gen)
        for (state, move), step in TABLE.items()
    }
    assert told == coded


def test_migrations_are_numbered_without_a_gap() -> None:
    """1, 2, 3, …"""
    assert [each.number for each in migrations()] == list(range(1, len(migrations()) + 1))
