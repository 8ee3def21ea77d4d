"""`usher-cloud settings`: what may be set, and what is."""

from typing import Final

import msgspec
from rich.table import Table

from cloud.commands.saying import OUT
from cloud.settings import PREFIX, Settings

SECRET: Final = frozenset(
    {
        "ledger_indexes",
        "ledger_nodes",
        "mailbox",
        "master_key",
        "payments_key",
        "webhook_secrets",
    }
)
URLS: Final = frozenset({"database_url", "owner_url", "redis_url", "broker_url", "smtp_url"})


def show(settings: Settings) -> None:
    """Print a table. What is secret is only said to be set."""
    table = Table("setting", "environment", "now", box=None, header_style="bold")
    for name, value in msgspec.structs.asdict(settings).items():
        table.add_row(name, PREFIX + name.upper(), _shown(name, value))
    OUT.print(table)


def _shown(name: str, value: object) -> str:
    if name in SECRET:
        return "(set)" if value else ""
    if name in URLS and value:
        return "(set)" if "@" in str(value) else str(value)
    return str(value)
