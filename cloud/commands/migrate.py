"""`usher-cloud migrate`."""

import asyncio

from cloud.commands.saying import OUT, plainly
from cloud.db.migrate import migrate as apply
from cloud.home import at_home
from cloud.settings import Settings, Unfit


def migrate(settings: Settings) -> None:
    """Apply what is missing and say what that was."""
    with plainly():
        if not (settings.embedded or settings.owner_url):
            raise Unfit(
                "owner_url is needed: migrations run as usher_owner."
                " USHER_OWNER_URL=postgresql://usher_owner:…@HOST/DATABASE usher-cloud … migrate"
            )
        with at_home(settings) as resolved:
            applied = asyncio.run(apply(resolved.owner_url))
    for name in applied:
        OUT.print(f"applied {name}")
    OUT.print(f"The database is at {'this version' if applied else 'this version already'}.")
