"""`usher-cloud admin …`: what only the platform's operator does."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, LiteralString

from rich.progress import Progress

from cloud.accounts import signing_keys
from cloud.accounts.jobs import set_admin
from cloud.checkins import resealing as worker_keys
from cloud.commands.saying import CONSOLE, OUT, plainly
from cloud.db.tenancy import Origin, platform_tx, tenant_tx
from cloud.home import at_home
from cloud.hooks import resealing as hook_secrets
from cloud.keys import master_file
from cloud.ledger.work import keys as ledger_keys
from cloud.parts import Parts
from cloud.settings import Settings, Unfit
from cloud.working import utc_now

OPERATOR: Final = Origin("operator")
TENANTS: Final[LiteralString] = "SELECT tenant_id, slug FROM tenant ORDER BY slug"


def operate(settings: Settings, act: Callable[[Parts], Awaitable[None]]) -> None:
    """Run an act on opened parts; what it refuses ends the command with its sentence."""

    async def run(resolved: Settings) -> None:
        parts = Parts(resolved)
        async with parts.open():
            if not await parts.is_migrated():
                raise Unfit("The database is not at this version: run `usher-cloud migrate` first.")
            await act(parts)

    with plainly(), at_home(settings) as resolved:
        asyncio.run(run(resolved))


def grant(settings: Settings, email: str, *, admin: bool) -> None:
    """Make an account an administrator, or no more."""

    async def act(parts: Parts) -> None:
        async with platform_tx(parts.pool, OPERATOR, utc_now()) as tx:
            if await set_admin(tx, email, admin=admin) is None:
                raise Unfit(f"There is no account of {email}: sign up first (POST /v1/accounts).")
        OUT.print(f"{email} is {'an' if admin else 'no'} administrator now.")

    operate(settings, act)


def new_key(file: Path) -> None:
    """Make a master key."""
    with plainly():
        try:
            master_file.generate(file)
        except master_file.BadKeyFile as error:
            raise Unfit(str(error)) from error
    OUT.print(f"{file} is a new master key. Keep a copy where the database is not.")


def reseal(settings: Settings) -> None:
    """Seal anew what an older master key has sealed, tenant by tenant."""

    async def act(parts: Parts) -> None:
        async with platform_tx(parts.pool, OPERATOR, utc_now()) as ptx:
            done = await signing_keys.reseal(ptx, parts.sealer)
            done += await ledger_keys.reseal(ptx, parts.sealer)
            tenants = [row["tenant_id"] for row in await ptx.conn.fetch(TENANTS)]
        with Progress(console=CONSOLE) as bar:
            for tenant in bar.track(tenants, description="Sealing"):
                async with tenant_tx(
                    parts.pool, tenant, OPERATOR, utc_now(), suspended_too=True
                ) as tx:
                    done += await parts.keyring.reseal(tx)
                    done += await worker_keys.reseal(tx, parts.sealer)
                    done += await hook_secrets.reseal(tx, parts.sealer)
        OUT.print(f"Sealed {done} keys anew.")

    operate(settings, act)
