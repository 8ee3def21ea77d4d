"""The API's composition root: every object of its processes is made here, and nowhere else."""

import os
import secrets
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
import structlog
from litestar import Litestar

from cloud.accounts.controller import ROUTES as ACCOUNTS
from cloud.accounts.gatekeeper import BearerGatekeeper
from cloud.accounts.service import build as build_accounts
from cloud.audit.controller import ROUTES as AUDIT
from cloud.books.controller import ROUTES as BOOKS
from cloud.checkins.assembly import make_redeemer
from cloud.checkins.controller import ROUTES as CHECKINS
from cloud.checkins.devices import check_device
from cloud.checkins.tallies import Tallies
from cloud.db.connect import new_pool, open_up
from cloud.devices.controller import ROUTES as DEVICES
from cloud.events.controller import ROUTES as EVENTS
from cloud.heap import settle
from cloud.hooks.routes import ROUTES as HOOKS
from cloud.http.assembly import assemble
from cloud.http.bulkheads import Bulkheads, Places
from cloud.http.health import ROUTES as HEALTH
from cloud.http.health import Health
from cloud.http.kernel import Clock, Kernel, Rates
from cloud.http.rate_limit import RateLimiter
from cloud.http.shedding import bounds_of
from cloud.incidents.routes import ROUTES as INCIDENTS
from cloud.keys.controller import ROUTES as KEYS
from cloud.lately import Lately
from cloud.ledger.web.public import ROUTES as ASSETS
from cloud.ledger.web.routes import ROUTES as LEDGER
from cloud.ledger.web.showing import CONNECTIONS, Showing
from cloud.manifests.routes import ROUTES as MANIFESTS
from cloud.messages.routes import ROUTES as MESSAGES
from cloud.notify.house import house
from cloud.notify.mailbox import Box
from cloud.notify.routes import ROUTES as MAIL
from cloud.orders.controller import ROUTES as ORDERS
from cloud.orders.holding import Limits
from cloud.orders.till import Till
from cloud.orders.webhook import ROUTES as WEBHOOKS
from cloud.orders.webhook import WebhookSecrets
from cloud.parts import Parts, version
from cloud.privacy.controller import ROUTES as PRIVACY
from cloud.search.routes import ROUTES as SEARCH
from cloud.settings import FILE, Settings, read
from cloud.sync.hub import Hub
from cloud.sync.log_routes import ROUTES as LOGS
from cloud.sync.reading import Reading
from cloud.sync.routes import ROUTES as SYNC
from cloud.telemetry import configure_logs
from cloud.tenants.controller import ROUTES as TENANTS
from cloud.tickets.controller import ROUTES as TICKETS
from cloud.tracing import traced
from cloud.transfers.controller import ROUTES as TRANSFERS
from cloud.watch.exporter import counted
from cloud.web.controller import ROUTES as PAGES
from cloud.web.files import ours
from cloud.working import utc_now

if TYPE_CHECKING:
    from litestar.types import ASGIApp, ControllerRouterHandler

ROUTES: Final[tuple["ControllerRouterHandler", ...]] = (
    *HEALTH, *ACCOUNTS, *TENANTS, *EVENTS, *KEYS, *ORDERS, *WEBHOOKS, *BOOKS, *CHECKINS,
    *AUDIT, *PRIVACY, *PAGES, *TICKETS, *TRANSFERS, *MANIFESTS, *DEVICES,
    *SYNC, *LOGS, *INCIDENTS, *SEARCH, *HOOKS, *MESSAGES, *MAIL, *LEDGER, *ASSETS,
)  # fmt: skip


SCANS: Final = 4  # connections of a process, for as many tenants whose doors are open
OUTSIDE_WAIT: Final = 5.0  # seconds for an outside issuer
LOG = structlog.get_logger("usher.app")


def factory() -> "ASGIApp":
    """Return the application of one process, told by its environment (cloud/commands/serve.py)."""
    configure_logs()
    file = os.environ.get(FILE)
    return create_app(read(Path(file) if file else None, os.environ))


@contextmanager
def _start_told() -> Iterator[None]:
    """Say why a start failed: the server itself would say it in a trace, which no log takes."""
    try:
        yield
    except Exception as fault:
        LOG.error("start_failed", fault=type(fault).__name__)
        raise


def create_app(settings: Settings, clock: Clock = utc_now) -> "ASGIApp":
    """Return the application. Call it inside the loop that will run it."""
    parts = Parts(settings)
    limiter = RateLimiter(parts.line)
    http = httpx.AsyncClient(timeout=OUTSIDE_WAIT)
    accounts = build_accounts(
        settings, parts.pool, clock, parts.sealer, limiter, http, settings.reached_at
    )
    hub = Hub(settings.database_url)
    gatekeeper = BearerGatekeeper(accounts.rules, accounts.keys)
    scans = new_pool(settings.database_url, size=SCANS)
    redeemer = make_redeemer(
        scans,
        settings.database_url,
        gatekeeper,
        parts.sealer,
        now=clock,
        monotonic=time.monotonic,
        software=f"usher-cloud {version()}",
    )
    kernel = Kernel(
        pool=parts.pool,
        clock=clock,
        sealer=parts.sealer,
        gatekeeper=gatekeeper,
        devices=check_device,
        limiter=limiter,
        rates=Rates(
            settings.rate_address,
            settings.rate_account,
            settings.rate_key,
            settings.rate_device,
            settings.rate_sensitive,
        ),
        new_id=lambda: secrets.token_hex(16),
        trusted_proxies=settings.trusted_proxies,
    )

    showing = Showing(
        new_pool(settings.database_url, size=CONNECTIONS), clock, settings, parts.breakers
    )
    places = Places(bounds_of(settings.database_pool))
    count = counted()

    @asynccontextmanager
    async def life(_: Litestar) -> AsyncIterator[None]:
        opened = (http, parts.open(), accounts.keys.fresh(), hub.open(), places.watching(),
                  showing.open())  # fmt: skip
        with traced(settings, "api", version()):
            async with AsyncExitStack() as stack:
                with _start_told():
                    for each in opened:
                        await stack.enter_async_context(each)
                    await open_up(scans)
                settle()
                yield
                await redeemer.close()
                await scans.close()

    dependencies: dict[str, Any] = {
        "settings": settings,
        "page_files": ours(),
        "page_release": version(),
        "accounts": accounts,
        "sealer": parts.sealer,
        "issuers": parts.issuers,
        "provider": parts.provider,
        "till": Till(parts.provider, settings.payments_at_once),
        "hold_limits": Limits(settings.hold_seconds, settings.holds_per_account),
        "webhook_secrets": WebhookSecrets(settings.webhook_secrets),
        "redeemer": redeemer,
        "lately": Lately(scans, clock, time.monotonic),
        "tallies": Tallies(),
        "hub": hub,
        "ledger_showing": showing,
        "reading": Reading(parts.pool, hub, clock),
        "mailbox": Box(settings.mailbox, parts.pool, parts.sealer, house(settings), clock),
        "health": Health(
            parts.database_answers, parts.is_migrated, parts.cache_answers, parts.breakers.open
        ),
    }
    return assemble(
        kernel,
        ROUTES,
        dependencies,
        lifespan=[life],
        cors_origins=settings.cors_origins,
        version=version(),
        count=count,
        trace_share=settings.trace_share if settings.trace_url else None,
        bulkheads=Bulkheads(places, count.shed if count else None),
    )
