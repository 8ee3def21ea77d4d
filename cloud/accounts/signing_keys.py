"""The keys of access tokens, as a process holds them.

    keys = TokenKeys(pool, sealer, clock)
    async with keys.fresh():   # loads them, makes the first one, and reloads every minute
        keys.signer(), keys.public

What is held is what the database said at most a minute ago, well within the notice that a new
key is given (key_times.py). A token of a key that is not held makes the process ask at once,
but not more often than every `PAUSE`: made-up names must not become queries. That token is
refused; sent again, it is judged by what was learnt.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Final

import asyncpg
import structlog

from cloud.accounts import key_repository as repository
from cloud.accounts.jwks import SigningKey
from cloud.accounts.key_times import LAST_TOKENS, TokenKey, due, signing, verifying
from cloud.db.connect import Pool
from cloud.db.tenancy import Origin, PlatformTx, platform_tx
from cloud.errors import Refusal
from cloud.http.kernel import Clock
from cloud.keys.sealing import Sealer

LOG = structlog.get_logger("usher.accounts")
EVERY: Final = 60.0  # seconds between two looks
PAUSE: Final = 5.0  # seconds, at least
ORIGIN: Final = Origin("issuer")
SEED_SIZE: Final = 32
AWAY: Final = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)


class TokenKeys:
    """The keys that sign and verify access tokens."""

    def __init__(self, pool: Pool, sealer: Sealer, clock: Clock) -> None:
        self._pool = pool
        self._sealer = sealer
        self._clock = clock
        self._keys: list[TokenKey] = []
        self._opened: dict[str, SigningKey] = {}
        self._asked_at = -PAUSE
        self._asking: asyncio.Task[None] | None = None

    @property
    def public(self) -> Mapping[str, bytes]:
        """The public keys whose tokens are good now, by name."""
        return {key.kid: key.public for key in verifying(self._keys, self._clock())}

    def signer(self) -> SigningKey:
        """Return the key that signs now."""
        key = signing(self._keys, self._clock())
        if key is None:
            self.ask()
            raise Refusal("unavailable")
        if key.kid not in self._opened:
            seed = self._sealer.unseal(key.sealed, context(key.kid))
            self._opened[key.kid] = SigningKey.from_seed(seed)
        return self._opened[key.kid]

    async def load(self) -> None:
        """Read the keys anew, and make the one that is due."""
        now = self._clock()
        async with platform_tx(self._pool, ORIGIN, now) as ptx:
            self._keys = await rotate(ptx, self._sealer)
        held = {key.kid for key in self._keys}
        self._opened = {kid: key for kid, key in self._opened.items() if kid in held}

    def ask(self) -> None:
        """Have the keys read anew, beside this request, unless that was done a moment ago."""
        if time.monotonic() >= self._asked_at + PAUSE:
            self._asked_at = time.monotonic()
            self._asking = asyncio.get_running_loop().create_task(self._look())

    @asynccontextmanager
    async def fresh(self) -> AsyncIterator[None]:
        """Hold the keys, and keep them as the database has them."""
        await self.load()
        watch = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            for task in filter(None, (watch, self._asking)):
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            await self._look()

    async def _look(self) -> None:
        try:
            await self.load()
        except AWAY as error:  # what is held stays good for a while
            LOG.warning("token_keys_stale", fault=type(error).__name__)


async def rotate(ptx: PlatformTx, sealer: Sealer) -> list[TokenKey]:
    """Make the key that is due, if one is; return all that are in use."""
    keys = await repository.keys(ptx, ptx.now - LAST_TOKENS)
    if due(keys, ptx.now) is None:
        return keys
    await repository.lock(ptx)
    keys = await repository.keys(ptx, ptx.now - LAST_TOKENS)  # another process may have been first
    if (signs_from := due(keys, ptx.now)) is None:
        return keys
    await _make(ptx, sealer, signs_from)
    return await repository.keys(ptx, ptx.now - LAST_TOKENS)


async def withdraw(ptx: PlatformTx, sealer: Sealer, kid: str) -> bool:
    """Make a key void, with its tokens; another signs at once. Whether it was good."""
    await repository.lock(ptx)
    if not await repository.withdraw(ptx, kid):
        return False
    await ptx.audit("token_key.withdrawn", f"token_key:{kid}")
    await _make(ptx, sealer, ptx.now)
    return True


async def reseal(ptx: PlatformTx, sealer: Sealer) -> int:
    """Seal again, by the newest master key, what an older one has sealed; return how many."""
    await repository.lock(ptx)
    keys = await repository.keys(ptx, ptx.now - LAST_TOKENS)
    old = [key for key in keys if sealer.needs_reseal(key.sealed)]
    for key in old:
        seed = sealer.unseal(key.sealed, context(key.kid))
        await repository.reseal(ptx, key.kid, sealer.seal(seed, context(key.kid)))
    return len(old)


async def _make(ptx: PlatformTx, sealer: Sealer, signs_from: datetime) -> None:
    seed = secrets.token_bytes(SEED_SIZE)
    key = SigningKey.from_seed(seed)
    sealed = sealer.seal(seed, context(key.kid))
    await repository.succeed(ptx, key.kid, key.public, sealed, signs_from)
    await ptx.audit("token_key.made", f"token_key:{key.kid}")


def context(kid: str) -> str:
    """Return what a private half is sealed with: it opens in its own row alone."""
    return f"token-key/{kid}"
