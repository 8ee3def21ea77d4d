"""From a purchase to its mail at the mail server, at 50 purchases a second on two cores.

Orders of one free ticket are placed and paid by the service's own functions, a durable transaction
each. Two `usher-cloud work` carry the message to the mail, write it with its code and its PDF, and
hand it to aiosmtpd, which only notes when it came. Buyers, workers, PostgreSQL and the mail server
share the cores. A purchase begins when it is due, whether or not those before it are done.

    python -m benchmarks mail
"""

import asyncio
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final
from uuid import UUID

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from benchmarks.cloud.place import Place, tell
from benchmarks.report import Row
from cloud.commands.serve import environment
from cloud.embedded.ports import free_port
from cloud.settings import Settings
from tests.cloud.orders.shop import SCENE, Class, Desk, Shop
from tests.cloud.payments import processes
from tests.cloud.service import running

PURCHASES: Final = 1000
WARM: Final = 400
RATE: Final = 50.0  # a second
WORKERS: Final = 2
WITHIN: Final = 120.0  # seconds after the last purchase
NAME: Final = re.compile(rb"^Message-ID: <([0-9a-f]{32})@", re.MULTILINE)
PROVED: Final = "UPDATE account SET email_verified_at = now()"
OF: Final = "SELECT mail_id, about->>'order_id' AS order_id FROM mail WHERE state = 'sent'"


class Post:
    """A mail server that takes everything. `came`: when, by the mail's id."""

    def __init__(self) -> None:
        self.came: dict[UUID, float] = {}

    async def handle_DATA(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Note that a mail came."""
        assert isinstance(envelope.content, bytes)
        found = NAME.search(envelope.content)
        if found is not None:
            self.came.setdefault(UUID(found[1].decode()), time.perf_counter())
        return "250 taken"


def rows_of(place: Place, purchases: int = PURCHASES, rate: float = RATE) -> list[Row]:
    """Buy so much, at that rate; each purchase must have come to one mail."""
    place.database.run(SCENE + PROVED)
    post, port = Post(), free_port()
    controller = Controller(post, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        with (
            processes.fake(place.folder / "fake.db") as fake,
            _workers(_settings(place, port), place.folder),
        ):
            shop = Shop(place.database, fake)
            event = shop.event(Class(price=0, count=purchases + WARM))
            asyncio.run(_bought(shop, event, post, WARM, 25.0))
            began, cpu = time.perf_counter(), _cpu()
            bought = asyncio.run(_bought(shop, event, post, purchases, rate))
            took, used = time.perf_counter() - began, _cpu() - cpu
    finally:
        controller.stop()
    return [_row(_waits(shop, post, bought), rate, took, used)]


def _settings(place: Place, port: int) -> Settings:
    more = {
        "smtp_url": f"smtp://127.0.0.1:{port}",
        "mail_from": "Usher <mail@tickets.example.org>",
        "public_url": "https://tickets.example.org",
    }
    with running(place.database, place.redis_url, place.folder, **more) as service:
        return service.settings


@contextmanager
def _workers(settings: Settings, folder: Path) -> Iterator[None]:
    told = os.environ | environment(settings)
    with ExitStack() as stack:
        log = stack.enter_context((folder / "workers.log").open("wb"))
        for _ in range(WORKERS):
            worker = subprocess.Popen(
                [sys.executable, "-m", "cloud", "work"], env=told, stdout=log, stderr=log
            )
            stack.callback(worker.wait)
            stack.callback(worker.terminate)
        yield


async def _bought(
    shop: Shop, event: UUID, post: Post, many: int, rate: float
) -> Mapping[UUID, float]:
    """Buy; return when each was due, once all their mails have come."""
    already = len(post.came)
    due: dict[UUID, float] = {}
    async with shop.open(16) as desk:
        if not already:
            async with desk.tx() as tx:
                await shop.issuers.begin(tx, event)  # as publishing does
        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for number in range(many):
                at = began + number / rate
                await asyncio.sleep(max(0.0, at - time.perf_counter()))
                group.create_task(_buy(desk, event, number, at, due))
    async with asyncio.timeout(WITHIN):
        while len(post.came) < already + many:  # noqa: ASYNC110 - another thread's server tells
            await asyncio.sleep(0.05)
    return due


async def _buy(desk: Desk, event: UUID, number: int, at: float, due: dict[UUID, float]) -> None:
    order = await desk.hold(event, number % 1000)
    await desk.ask(order)
    due[order] = at


def _waits(shop: Shop, post: Post, bought: Mapping[UUID, float]) -> Sequence[float]:
    """Return the seconds from each purchase to its mail, least first."""
    end = time.monotonic() + 10
    while True:  # the last mails are noted a moment after they came
        of = {UUID(row["order_id"]): row["mail_id"] for row in shop.rows(OF)}
        if bought.keys() <= of.keys():
            return sorted(post.came[of[order]] - at for order, at in bought.items())
        if time.monotonic() > end:
            raise SystemExit(f"{len(bought)} purchases, {len(of)} mails sent")
        time.sleep(0.1)


def _cpu() -> float:
    """Return the seconds of processor that the machine's processes have used."""
    with Path("/proc/stat").open(encoding="ascii") as stat:
        user, nice, system = (int(each) for each in stat.readline().split()[1:4])
    return (user + nice + system) / os.sysconf("SC_CLK_TCK")


def _row(waits: Sequence[float], rate: float, took: float, used: float) -> Row:
    middle, late = waits[len(waits) // 2], waits[len(waits) * 95 // 100]
    return Row(
        f"purchase to mail handed over, {rate:g}/s: p95", late, "s", 1.0, "at most",
        f"median {middle:.2f} s, longest {waits[-1]:.2f} s; {len(waits)} in {took:.0f} s, while "
        f"the machine used {used / took:.1f} cores",
    )  # fmt: skip


if __name__ == "__main__":
    tell(rows_of)
