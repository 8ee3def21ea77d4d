"""`usher-cloud ledger …`: how tickets stand on the ledger, and an operator's word."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from hashlib import sha256
from typing import Final, LiteralString
from uuid import UUID

from rich.table import Table

from cloud.commands.admin import OPERATOR, TENANTS, operate
from cloud.commands.saying import OUT
from cloud.db.connect import Row, new_pool
from cloud.db.tenancy import TenantTx, platform_tx, tenant_tx
from cloud.ledger.bubblegum.metadata import NAME
from cloud.ledger.values import Schema
from cloud.ledger.web import page, reading
from cloud.ledger.web.shapes import EventOut
from cloud.ledger.web.showing import Showing
from cloud.ledger.web.verifying import Verdict, verify
from cloud.ledger.work import acts, event_rows
from cloud.ledger.work import house as houses
from cloud.ledger.work.naming import REF_SIZE, ref_of
from cloud.ledger.work.planning import LAMPORTS, MOST, cost, rented, shape_for
from cloud.parts import Parts
from cloud.settings import Settings, Unfit
from cloud.working import utc_now

EVENTS: Final[LiteralString] = """
    SELECT a.event_id, e.name FROM asset_event a JOIN event e USING (tenant_id, event_id)
     WHERE a.tenant_id = current_tenant() ORDER BY e.starts_at
"""
STOP: Final[LiteralString] = "UPDATE ledger_root SET paused = $1"
STOPPED: Final[LiteralString] = "SELECT paused FROM ledger_root"
DOMAIN: Final = b"usher/asset/v1\0"
SIZES: Final = (10_000, 100_000, 1_000_000)
Act = Callable[[TenantTx, UUID], Awaitable[int]]


def status(settings: Settings) -> None:
    """Print a row for each event."""

    async def act(parts: Parts) -> None:
        table = Table(
            "event", "name", "minted", "burnt", "waiting", "for", "failed", "lost", "reviews",
            "state", box=None, header_style="bold",
        )  # fmt: skip
        for tenant in await tenants_of(parts):
            async with inside(parts, tenant) as tx:
                for row in await tx.conn.fetch(EVENTS):
                    _tell(table, row, await reading.event(tx, row["event_id"]))
        async with platform_tx(parts.pool, OPERATOR, utc_now()) as ptx:
            stopped = await ptx.conn.fetchval(STOPPED)
        keys = await houses.keys_of(parts.pool, parts.sealer, utc_now())
        OUT.print(table)
        OUT.print(f"payer and authority: {keys.parties.payer}")
        if stopped:
            OUT.print("Everything is paused: usher-cloud ledger resume")

    operate(settings, act)


def retry(settings: Settings, event: UUID | None) -> None:
    """Try again what was given up, of one event or of all."""
    _each(settings, event, acts.retry, "Tried again: {count}.")


def approve(settings: Settings, event: UUID) -> None:
    """Let an event's planned trees be paid for."""
    _each(settings, event, acts.approve, "Approved: {count} trees.")


def pause(settings: Settings, event: UUID | None, *, paused: bool) -> None:
    """Stop, or go on; without an event: everything."""
    done = "Paused." if paused else "Going on."

    async def one(tx: TenantTx, event_id: UUID) -> int:
        await acts.pause(tx, event_id, paused=paused)
        return 1

    async def everything(parts: Parts) -> None:
        await houses.keys_of(parts.pool, parts.sealer, utc_now())  # there is a row from now on
        async with platform_tx(parts.pool, OPERATOR, utc_now()) as tx:
            await tx.conn.execute(STOP, paused)
            await tx.audit("ledger.paused" if paused else "ledger.resumed", "ledger")
        OUT.print(done)

    if event is None:
        operate(settings, everything)
    else:
        _each(settings, event, one, done)


def show_cost(settings: Settings, event: UUID | None) -> None:
    """Print what minting costs: of an event, as it would be planned; else of usual sizes."""

    async def act(parts: Parts) -> None:
        opening = houses.reading(parts.pool, utc_now, parts.settings, parts.breakers)
        async with opening as chain:
            table = Table(
                "tickets", "depth", "canopy", "rent", "signatures", "protocol", "total (SOL)",
                "a ticket", box=None, header_style="bold",
            )  # fmt: skip
            schema = Schema(parts.settings.ledger_schema)
            named = "." * NAME if schema is Schema.V2 else None  # at most: of a few bytes
            for size in SIZES if event is None else [min(await _size(parts, event), MOST)]:
                shape = shape_for(size)
                sizes = rented(shape, parts.settings.reached_at, named)
                told = cost(sum([await chain.rent(each) for each in sizes]), size, schema)
                sums = (told.rent, told.fees, told.protocol, told.total, told.total / size)
                table.add_row(
                    f"{size:,}", str(shape.depth), str(shape.canopy),
                    *(f"{each / LAMPORTS:.6f}" for each in sums),
                )  # fmt: skip
        OUT.print(table)
        OUT.print(
            "Rent is a deposit, at this ledger's rate. The embedded ledger's SOL is no money."
        )

    operate(settings, act)


def show_proof(settings: Settings, ticket: str) -> None:
    """Print what can be proved of a ticket's asset; exit with 1 if it is not as we say."""
    verdicts = []

    async def act(parts: Parts) -> None:
        showing = Showing(
            new_pool(parts.settings.database_url, size=2), utc_now, parts.settings, parts.breakers
        )
        async with showing.open():
            found = await showing.named(_ref(ticket))
            if found is None:
                raise Unfit(f"There is no asset of a ticket {ticket}.")
            tenant, event_id, ticket_id = found
            async with showing.tx(tenant) as tx:
                row = await reading.asset_row(tx, event_id, ticket_id)
                if row is None:
                    raise Unfit(f"There is no asset of a ticket {ticket}.")
                history = await reading.steps(tx, event_id, row)
            report = await verify(await showing.ledger(), row)
        told = page.told(row, report, history)
        head, lead = page.WORDS[told.verdict]
        OUT.print(f"{head}. {lead}")
        for what, good in told.checks.items():
            OUT.print(f"  {'yes' if good else 'NO '} {what}")
        facts = ("asset", "owner", "tree", "leaf", "leaf_hash", "root", "metadata")
        for name in facts:
            OUT.print(f"  {name}: {getattr(told, name)}")
        for step in told.history:
            OUT.print(f"  {step.at:%Y-%m-%d %H:%M:%S} {step.kind} {step.signature}")
        verdicts.append(told.verdict)

    operate(settings, act)
    if verdicts[0] not in (Verdict.PROVED, Verdict.BURNT):
        raise SystemExit(1)


def _ref(ticket: str) -> bytes:
    """Return the public name's bytes, of a ticket's id or of what stands in its page's address."""
    if (ref := ref_of(ticket)) is not None:
        return ref
    try:
        return sha256(DOMAIN + UUID(ticket).bytes).digest()[:REF_SIZE]
    except ValueError:
        raise Unfit("TICKET is a ticket's id, or its name in the address of its page.") from None


async def _size(parts: Parts, event: UUID) -> int:
    for tenant in await tenants_of(parts):
        async with inside(parts, tenant) as tx:
            if await reading.event_exists(tx, event):
                return max(1, await event_rows.size(tx, event))
    raise Unfit(f"There is no event {event}.")


def _each(settings: Settings, event: UUID | None, act: Act, sentence: str) -> None:
    """Act on one event, whoever's it is, or on all that are on the ledger."""

    async def run(parts: Parts) -> None:
        count, seen = 0, False
        for tenant in await tenants_of(parts):
            async with inside(parts, tenant) as tx:
                for row in await tx.conn.fetch(EVENTS):
                    if event in (None, row["event_id"]):
                        seen = True
                        done = await act(tx, row["event_id"])
                        count += done
                        await tx.audit("ledger.operated", f"event:{row['event_id']}", count=done)
        if event is not None and not seen:
            raise Unfit(f"Nothing of an event {event} is on the ledger.")
        OUT.print(sentence.format(count=count))

    operate(settings, run)


def _tell(table: Table, row: Row, told: EventOut) -> None:
    state = told.fault or ("paused" if told.paused else "")
    sums = (told.minted, told.burnt, told.waiting, f"{told.waiting_seconds} s", told.failed,
            told.lost, told.reviews)  # fmt: skip
    table.add_row(str(row["event_id"]), row["name"], *map(str, sums), state)


async def tenants_of(parts: Parts) -> list[UUID]:
    """Return all tenants."""
    async with platform_tx(parts.pool, OPERATOR, utc_now()) as tx:
        return [row["tenant_id"] for row in await tx.conn.fetch(TENANTS)]


def inside(parts: Parts, tenant: UUID) -> AbstractAsyncContextManager[TenantTx]:
    """Enter a tenant as an operator, suspended or not."""
    return tenant_tx(parts.pool, tenant, OPERATOR, utc_now(), suspended_too=True)
