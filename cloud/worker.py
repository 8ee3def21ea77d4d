"""The worker's composition root."""

import asyncio
import signal
import sys
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final

from cloud.accounts import jobs as account_jobs
from cloud.broker.burying import Burying
from cloud.broker.connection import address
from cloud.broker.consuming import Consuming
from cloud.broker.relay import Relay
from cloud.checkins import jobs as checkin_jobs
from cloud.db.tenancy import TenantTx
from cloud.devices import jobs as device_jobs
from cloud.events import jobs as event_jobs
from cloud.heap import settle
from cloud.hooks import jobs as hook_jobs
from cloud.incidents import jobs as incident_jobs
from cloud.incidents.jobs import Merging
from cloud.keys import jobs as key_jobs
from cloud.ledger.values import Schema
from cloud.ledger.work import house as ledger_house
from cloud.ledger.work import jobs as ledger_jobs
from cloud.ledger.work import told as ledger_told
from cloud.manifests import jobs as manifest_jobs
from cloud.messages.consumer import Consumer
from cloud.notify import house as mail
from cloud.notify import putting, sending
from cloud.orders import jobs as order_jobs
from cloud.parts import Parts, version
from cloud.search import jobs as search_jobs
from cloud.search.publisher import Keys as SearchKeys
from cloud.settings import Settings
from cloud.sweeps import EVERY_TENANT, OWN, OWN_PLATFORM, PlatformSweep, Sweep
from cloud.systemd import beat
from cloud.tickets import jobs as ticket_jobs
from cloud.tickets import resigning
from cloud.tracing import traced
from cloud.transfers import jobs as transfer_jobs
from cloud.working import Clock, Part, Worker, utc_now

KEYSET_EVERY: Final = 600  # seconds
ENDED_EVERY: Final = 60
NONCES_EVERY: Final = 300
MANIFESTS_EVERY: Final = 60
MERGES_EVERY: Final = 60
SEARCH_EVERY: Final = 5
ROSTERS_EVERY: Final = 5
ACCOUNTS_EVERY: Final = 3600
# Seconds that a thread which writes mail or signs tickets keeps what waits for the database or the
# network waiting; Python's own 5 ms are longer than most of what is waited for.
SWITCH: Final = 0.0005


def make_worker(parts: Parts, clock: Clock = utc_now) -> Worker:
    """Return a worker on opened parts."""
    told = consumers(parts)
    return Worker(
        parts.pool,
        parts.settings.database_url,
        told,
        sweeps(parts),
        platform_sweeps(),
        clock,
        (
            manifest_jobs.publishing(
                parts.pool, parts.settings.database_url, parts.keyring, clock
            ).run,
            Merging(parts.pool, parts.settings.database_url, clock).run,
            hook_jobs.sending(
                parts.pool,
                parts.settings.database_url,
                parts.sealer,
                clock,
                parts.breakers,
                loopback=parts.settings.hooks_loopback,
            ),
            *mail.parts(parts.settings, parts.pool, parts.sealer, clock, parts.breakers),
            *ledger_parts(parts, clock),
            *broker_parts(parts, told, clock),
            beat,
        ),
        relays=not parts.settings.broker_url,
    )


async def work(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT; what is in hand is finished first."""
    parts = Parts(settings)
    sys.setswitchinterval(SWITCH)
    with traced(settings, "worker", version()):
        await _work(parts)


async def _work(parts: Parts) -> None:
    async with parts.open():
        worker = make_worker(parts)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, worker.stop)
        settle()
        await worker.run()


def consumers(parts: Parts) -> tuple[Consumer, ...]:
    """Return who is told of which messages."""
    return (
        Consumer("orders", order_jobs.handlers(parts.provider)),
        Consumer(
            "tickets",
            {**ticket_jobs.handlers(parts.issuers), **resigning.handlers(parts.issuers)},
        ),
        hook_jobs.consumer(),
        putting.CONSUMER,
        *((ledger_told.CONSUMER,) if has_ledger(parts.settings) else ()),
    )


def has_ledger(settings: Settings) -> bool:
    """Whether tickets are minted."""
    return settings.ledger != "off"


def ledger_parts(parts: Parts, clock: Clock) -> tuple[Part, ...]:
    """Return what writes to the ledger, if there is one."""
    if not has_ledger(parts.settings):
        return ()
    settings = parts.settings

    def opening() -> AbstractAsyncContextManager[ledger_house.House]:
        if settings.ledger == "solana":
            return ledger_house.solana(parts.pool, clock, parts.sealer, settings, parts.breakers)
        return ledger_house.embedded(
            parts.pool,
            clock,
            parts.sealer,
            settings.reached_at,
            settings.ledger_programs,
            Schema(settings.ledger_schema),
        )

    return (ledger_jobs.writing(parts.pool, settings.database_url, opening, clock),)


def broker_parts(parts: Parts, told: Sequence[Consumer], clock: Clock) -> tuple[Part, ...]:
    """Return what takes messages to a broker and from it, if there is one."""
    if not parts.settings.broker_url:
        return ()
    where, url = address(parts.settings), parts.settings.database_url
    return (
        Relay(where, parts.pool, url, told, clock).run,
        Consuming(where, parts.pool, url, told, clock).run,
        Burying(where, parts.pool, told, clock).run,
    )


def sweeps(parts: Parts) -> tuple[Sweep, ...]:
    """Return what is due by itself in tenants."""
    lists = search_jobs.Lists(SearchKeys(parts.keyring, parts.sealer))

    async def keysets(tx: TenantTx) -> int:
        return await key_jobs.sweep_keyset(tx, parts.keyring)

    async def rosters(tx: TenantTx) -> int:
        return await device_jobs.sweep_roster(tx, parts.keyring)

    async def manifests(tx: TenantTx) -> int:
        return await manifest_jobs.sweep(tx, parts.keyring)

    return (
        *OWN,
        *order_jobs.sweeps(parts.provider, parts.issuers),
        Sweep("events.ended", ENDED_EVERY, event_jobs.tenants, event_jobs.sweep_ended),
        Sweep("keys.keyset", KEYSET_EVERY, key_jobs.tenants, keysets),
        Sweep("devices.rosters", ROSTERS_EVERY, device_jobs.tenants, rosters),
        Sweep("checkins.nonces", NONCES_EVERY, checkin_jobs.tenants, checkin_jobs.sweep_nonces),
        Sweep("incidents", MERGES_EVERY, incident_jobs.tenants, incident_jobs.sweep),
        Sweep("manifests", MANIFESTS_EVERY, manifest_jobs.tenants, manifests),
        Sweep("hooks", ACCOUNTS_EVERY, EVERY_TENANT, hook_jobs.sweep),
        Sweep("mail", ACCOUNTS_EVERY, EVERY_TENANT, sending.sweep),
        Sweep("search", SEARCH_EVERY, search_jobs.tenants, lists.sweep),
        *transfer_jobs.SWEEPS,
        *(ledger_jobs.SWEEPS if has_ledger(parts.settings) else ()),
    )


def platform_sweeps() -> tuple[PlatformSweep, ...]:
    """Return what is due outside every tenant."""

    return (*OWN_PLATFORM, PlatformSweep("accounts", ACCOUNTS_EVERY, account_jobs.sweep_ended))
