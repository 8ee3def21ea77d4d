"""What the API and the worker are both made of: opened connections, keys, the provider."""

import asyncio
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import metadata
from pathlib import Path
from typing import Final, LiteralString

from redis.asyncio import ConnectionPool, Redis

from cloud.breakers.breaker import Breakers
from cloud.db.connect import Pool, new_pool, open_up
from cloud.db.migrate import is_current
from cloud.http.line import Line
from cloud.keys import master_file
from cloud.keys.issuers import Issuers
from cloud.keys.keyring import Keyring
from cloud.keys.sealing import MasterKey, parse_master_key
from cloud.payments.provider import RULE as PAYMENTS
from cloud.payments.provider import StripeProvider
from cloud.settings import Settings, Unfit

PROJECT: Final = Path(__file__).parents[1] / "pyproject.toml"  # of a checkout
REDIS_WAIT: Final = 2.0  # seconds
BOUND: Final[LiteralString] = """
    SELECT NOT (rolsuper OR rolbypassrls) AND NOT EXISTS (
           SELECT FROM pg_class WHERE oid = 'ticket'::regclass AND pg_has_role(relowner, 'MEMBER'))
      FROM pg_roles WHERE rolname = current_user
"""


class Parts:
    """Made inside the loop that runs them, and usable while `open` lasts."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.pool: Pool = new_pool(settings.database_url, size=settings.database_pool)
        self.redis = ConnectionPool.from_url(
            settings.redis_url, socket_timeout=REDIS_WAIT, socket_connect_timeout=REDIS_WAIT
        )
        self.sealer = master_key(settings)
        self.keyring = Keyring(self.sealer)
        self.issuers = Issuers(self.keyring)
        self.line = Line(self.redis)
        self.breakers = Breakers(self.line)
        self.provider = StripeProvider(
            settings.payments_key,
            settings.payments_url,
            at_once=settings.payments_at_once,
            breaker=self.breakers.of("payments", PAYMENTS),
        )

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Open the connections; close them at the end."""
        await open_up(self.pool)
        try:
            yield
        finally:
            await self.provider.aclose()
            await self.line.close()
            await self.redis.aclose()
            await self.pool.close()

    async def database_answers(self) -> bool:
        """Whether a query is answered."""
        async with self.pool.acquire(timeout=REDIS_WAIT) as conn:
            return await asyncio.wait_for(conn.fetchval("SELECT true"), REDIS_WAIT) is True

    async def is_migrated(self) -> bool:
        """Whether the database is at this build's version."""
        async with self.pool.acquire(timeout=REDIS_WAIT) as conn:
            return await is_current(conn)

    async def is_bound(self) -> bool:
        """Whether row-level security binds the service's role, which may change none of it."""
        async with self.pool.acquire(timeout=REDIS_WAIT) as conn:
            return await conn.fetchval(BOUND) is True

    async def cache_answers(self) -> bool:
        """Whether Redis answers."""
        return bool(await Redis(connection_pool=self.redis).ping())


def master_key(settings: Settings) -> MasterKey:
    """Return the key that seals the private keys, or raise `Unfit`."""
    try:
        if settings.master_key:
            return MasterKey(parse_master_key(settings.master_key))
        newest, *older = settings.master_key_file.split(",")
        return MasterKey(
            master_file.read(Path(newest)), [master_file.read(Path(each)) for each in older]
        )
    except (ValueError, master_file.BadKeyFile) as error:
        raise Unfit(str(error)) from error


def version() -> str:
    """Return the version that is installed; of a checkout, which one it is to become."""
    try:
        return metadata.version("usher")
    except metadata.PackageNotFoundError:
        project = tomllib.loads(PROJECT.read_text("utf-8"))["project"]
        return f"{project['version']}+checkout"
