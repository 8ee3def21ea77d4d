"""The two roles and the database, made by a superuser (roles.sql)."""

from importlib import resources
from typing import Final, LiteralString

from cloud.db.connect import Connection, connect

ROLES: Final = (resources.files("cloud.db") / "roles.sql").read_text()
QUOTE: Final[LiteralString] = "SELECT format($1, VARIADIC $2::text[])"
EXISTS: Final[LiteralString] = "SELECT true FROM pg_database WHERE datname = $1"


async def prepare(url: str, database: str, *, owner_password: str, app_password: str) -> None:
    """Make the roles, with these passwords, and a database that usher_owner owns.

    `url` signs in as a superuser. What exists already is kept; passwords are set anew.
    """
    conn = await connect(url)
    try:
        await conn.execute(ROLES)
        for role, password in (("usher_owner", owner_password), ("usher_app", app_password)):
            await conn.execute(await _statement(conn, "ALTER ROLE %I PASSWORD %L", role, password))
        if not await conn.fetchval(EXISTS, database):
            create = "CREATE DATABASE %I OWNER usher_owner TEMPLATE template0 ENCODING 'UTF8'"
            await conn.execute(await _statement(conn, create, database))
    finally:
        await conn.close()


async def _statement(conn: Connection, template: str, *values: str) -> LiteralString:
    """Return a statement of definition, which takes no parameters, with its values quoted."""
    made: LiteralString = await conn.fetchval(QUOTE, template, list(values))
    return made
