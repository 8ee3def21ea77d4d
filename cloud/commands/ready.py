"""What must hold before processes are started: said in one sentence, and not by each of them."""

import asyncio

from cloud.notify.house import courier, house
from cloud.parts import Parts, master_key
from cloud.settings import Settings, Unfit


def fit(settings: Settings) -> None:
    """Raise if a key that is named can't be used, or mail can't be sent as the settings have it."""
    if settings.master_key or settings.master_key_file:  # else one is made
        master_key(settings)
    house(settings)
    courier(settings)


def check(settings: Settings) -> None:
    """Raise if the settings aren't fit, or the database can't be used, is of another version, or
    would not keep tenants apart."""
    fit(settings)
    asyncio.run(_check(settings))


async def _check(settings: Settings) -> None:
    parts = Parts(settings)
    async with parts.open():
        if not await parts.is_migrated():
            raise Unfit("The database is not at this version: run `usher-cloud migrate` first.")
        if not await parts.is_bound():
            raise Unfit(
                "The role of database_url may do too much: it passes by the walls between tenants "
                "or owns the tables. Use the role usher_app (`usher-cloud admin roles`)."
            )
