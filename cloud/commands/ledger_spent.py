"""`usher-cloud ledger spent`: what events have spent, as the books have it."""

from uuid import UUID

from rich.table import Column, Table

from cloud.commands.admin import operate
from cloud.commands.ledger import EVENTS, inside, tenants_of
from cloud.commands.saying import OUT
from cloud.ledger.web import reading, spending
from cloud.ledger.web.shapes import SpentOut
from cloud.ledger.work.planning import LAMPORTS
from cloud.parts import Parts
from cloud.settings import Settings, Unfit


def show(settings: Settings, event: UUID | None) -> None:
    """Print what an event has spent, kind by kind; without one: a row for each event."""

    async def act(parts: Parts) -> None:
        OUT.print(await (_all(parts) if event is None else _one(parts, event)))
        OUT.print("In SOL, of transactions on Solana alone: the embedded ledger costs nothing.")

    operate(settings, act)


async def _all(parts: Parts) -> Table:
    event = Column("event", min_width=36)
    table = _table(event, "name", "told before", "of that, so far", "for that", "in all")
    for tenant in await tenants_of(parts):
        async with inside(parts, tenant) as tx:
            for row in await tx.conn.fetch(EVENTS):
                table.add_row(
                    str(row["event_id"]),
                    row["name"],
                    *_sums(await spending.spent(tx, row["event_id"])),
                )
    return table


async def _one(parts: Parts, event: UUID) -> Table:
    for tenant in await tenants_of(parts):
        async with inside(parts, tenant) as tx:
            if await reading.event_exists(tx, event):
                return _kinds(await spending.spent(tx, event))
    raise Unfit(f"There is no event {event}.")


def _kinds(told: SpentOut) -> Table:
    table = _table("", "transactions", "failed", "fees", "protocol", "deposits", "total")
    for each in told.spent:
        sums = (each.fees, each.protocol, each.deposits, each.total)
        counts = (each.transactions, each.failed)
        table.add_row(each.kind, *map(str, counts), *map(_sol, sums))
    lines = ("told before", "of that, so far", "spent for that", "spent in all")
    for name, total in zip(lines, _sums(told), strict=True):
        table.add_row(name, *[""] * 5, total)
    return table


def _sums(told: SpentOut) -> list[str]:
    return [_sol(each) for each in (told.estimate, told.foreseen, told.minting, told.total)]


def _sol(lamports: int) -> str:
    """Return SOL with every lamport: a signature's five thousand are not to be rounded away."""
    whole, rest = divmod(abs(lamports), LAMPORTS)
    return f"{'-' if lamports < 0 else ''}{whole}.{rest:09d}"


def _table(*columns: str | Column) -> Table:
    return Table(*columns, box=None, header_style="bold")
