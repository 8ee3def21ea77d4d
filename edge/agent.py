"""The agent: the one process that decides and writes, put together and kept running.

    gate          decides; its calls block for a disk's sync, so they run on threads
    hub           cameras in, lamp and turnstile out, on a Unix socket
    web           screens and third-party lanes, over TLS
    lan           the other gates of the site, over TLS that knows them by their keys
    sync          the cloud: lists and tickets in, records and reports out
    readers       keyboard-wedge and serial readers
    housekeeping  checkpoints when nobody scans, locks idle lanes, looks at power and health

Whatever of these fails, the others go on; what has failed shows in the status strip.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from edge.certs import names_of, server_context
from edge.gate.bus import News
from edge.gate.desk import UNDONE
from edge.gate.gate import Gate, Machine, open_gate
from edge.gate.receipts import Receipts
from edge.gate.verdict import Verdict
from edge.health.report import Health
from edge.housekeeping import Housekeeping
from edge.lan.lan import Lan
from edge.lan.running import running as running_lan
from edge.link.cameras import Cameras
from edge.link.hub import Hub
from edge.link.messages import WIPED, Beat, Show
from edge.link.notify import notify
from edge.scan.isolated import Frames
from edge.scan.layouts import meant
from edge.scan.readers import run_readers
from edge.settings import Settings, WebSettings
from edge.sync.chores import keep_time
from edge.sync.running import running as running_sync
from edge.web.app import create_app
from edge.web.server import serve
from shared.lan import Type
from shared.outcomes import Outcome

BEAT_SECONDS: Final = 0.2
THREADS: Final = 12  # sources that wait for the disk at one time
PASSES: Final = frozenset({Outcome.ADMITTED.code, Outcome.READMITTED.code, Outcome.EXIT.code})


async def run_agent(
    settings: Settings, software: str, ready: Callable[[Gate], None] = lambda _: None
) -> None:
    """Run until SIGTERM or SIGINT. Raises what `open_gate` and the certificate do."""
    loop = asyncio.get_running_loop()
    folder = settings.data_folder
    certificate = folder / settings.web.certificate
    context = server_context(certificate, folder / settings.web.key)
    pool = ThreadPoolExecutor(THREADS, "scan")
    gate = await loop.run_in_executor(
        pool, partial(open_gate, settings, Machine(meant=meant), software)
    )
    cameras, frames = Cameras(), Frames()
    health = Health(gate, cameras.states)
    hub = Hub(settings.socket, cameras, partial(_scan, gate, pool), partial(_reload, gate, pool))
    app = create_app(gate, frames, cameras, health, _web(settings, certificate), gate.lanes.keys)
    keeping = Housekeeping(gate, cameras, health)
    gate.bus.listen(partial(_signal, hub, loop))
    gate.bus.listen(keeping.heard)
    await hub.start()
    try:
        async with (
            _jobs(keeping, hub, gate, pool),
            run_readers(settings, partial(_read, gate, pool)),
            running_lan(gate, Receipts(gate).take) as lan,
            running_sync(gate, partial(_relay, lan)),
        ):
            stop = _until_told(loop)
            server = asyncio.create_task(serve(app, context, settings.web.host, settings.web.port))
            ready(gate)
            notify("READY=1")
            await asyncio.wait({server, stop}, return_when=asyncio.FIRST_COMPLETED)
            notify("STOPPING=1")
            server.cancel()
            with suppress(asyncio.CancelledError):
                await server
    finally:
        await hub.stop()
        await frames.close()
        pool.shutdown(wait=True)
        gate.close()


def _web(settings: Settings, certificate: Path) -> WebSettings:
    """Return the settings of the pages; they answer to the certificate's names unless told."""
    names = settings.web.names or names_of(certificate.read_bytes())
    return msgspec.structs.replace(settings.web, names=names)


async def _scan(
    gate: Gate, pool: ThreadPoolExecutor, texts: Sequence[str], lane: str, source: str
) -> Verdict:
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(pool, gate.station.scan_several, texts, lane, source)


async def _read(gate: Gate, pool: ThreadPoolExecutor, text: str, lane: str, source: str) -> None:
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(pool, gate.station.scan, text, lane, source)


async def _reload(gate: Gate, pool: ThreadPoolExecutor) -> str:
    """Take up what a command has delivered; return why that is beyond this process."""
    await asyncio.get_running_loop().run_in_executor(pool, gate.reload)
    return WIPED if gate.held.succeeded() else ""


def _signal(hub: Hub, loop: asyncio.AbstractEventLoop, news: News) -> None:
    """Show a verdict on lamp and turnstile, called by the thread that decided."""
    if isinstance(news, Verdict) and not news.practice and news.code != UNDONE:
        if loop.is_closed():
            return
        passes = news.people if news.code in PASSES else 0
        show = Show(news.lane, news.signal.value, news.code, passes, news.exiting)
        loop.call_soon_threadsafe(hub.tell_signals, show)


@asynccontextmanager
async def _jobs(
    keeping: Housekeeping, hub: Hub, gate: Gate, pool: ThreadPoolExecutor
) -> AsyncIterator[None]:
    scheduler = AsyncIOScheduler(executors={"default": {"type": "threadpool", "max_workers": 2}})
    scheduler.add_job(keeping.tidy, "interval", seconds=5, max_instances=1, coalesce=True)
    scheduler.add_job(keeping.look, "interval", seconds=1, max_instances=1, coalesce=True)
    scheduler.start()
    tasks = [asyncio.create_task(_beat(hub, gate, pool)), asyncio.create_task(keep_time(scheduler))]
    try:
        yield
    finally:
        scheduler.shutdown(wait=False)
        for each in tasks:
            each.cancel()
            with suppress(asyncio.CancelledError):
                await each


async def _beat(hub: Hub, gate: Gate, pool: ThreadPoolExecutor) -> None:
    """Say that the agent lives: the loop turns, and the threads that decide do too."""
    loop = asyncio.get_running_loop()
    while True:
        await loop.run_in_executor(pool, gate.ledger.answers)
        status = await loop.run_in_executor(pool, gate.board.status)
        hub.tell_signals(Beat(status.ready))
        notify("WATCHDOG=1")
        await asyncio.sleep(BEAT_SECONDS)


def _relay(lan: Lan | None, receipt: bytes) -> None:
    """Pass a receipt of the cloud's on to the gates whose records it may be about."""
    if lan is not None:
        lan.relay(Type.RECEIPT, receipt)


def _until_told(loop: asyncio.AbstractEventLoop) -> "asyncio.Future[None]":
    """Return a future that is done once somebody asks this process to end."""
    stop: asyncio.Future[None] = loop.create_future()

    def told() -> None:
        if not stop.done():
            stop.set_result(None)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told)
    return stop
