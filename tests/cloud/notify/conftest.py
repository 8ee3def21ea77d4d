"""A service that sends its mail, with a worker beside it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from cloud.parts import Parts
from cloud.worker import make_worker
from tests.cloud.background import background
from tests.cloud.broker.papers import Authority
from tests.cloud.database import Database
from tests.cloud.notify.mailserver import PASSWORD, USER, MailServer, serving_mail
from tests.cloud.service import MASTER_KEY, Clock, Person, Service, Tenant, good, running

PUBLIC = "https://tickets.example.org"
FROM = "Usher <mail@tickets.example.org>"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who signs the mail server's certificate."""
    return Authority(tmp_path_factory.mktemp("papers"))


@pytest.fixture(scope="module")
def mails(authority: Authority) -> Iterator[MailServer]:
    """The mail server: TLS by STARTTLS, and a login."""
    with serving_mail(authority) as server:
        yield server


@pytest.fixture(scope="module")
def ahead() -> Clock:
    """The worker's clock, which may run ahead of the API's."""
    return Clock()


@pytest.fixture(scope="module")
def more() -> dict[str, str]:
    """What a file wants set beside where mail goes."""
    return {}


@pytest.fixture(scope="module")
def service(
    database: Database, redis_url: str, tmp_path_factory: pytest.TempPathFactory,
    mails: MailServer, authority: Authority, ahead: Clock, more: dict[str, str],
) -> Iterator[Service]:  # fmt: skip
    """A service with a worker beside it."""
    folder = tmp_path_factory.mktemp("service")
    with (
        running(database, redis_url, folder, **mail_settings(mails, authority), **more) as served,
        background(working(served, ahead)),
    ):
        yield served


def invite(owner: Person, tenant: Tenant, email: str, role: str = "staff") -> None:
    """Have somebody invited, by mail."""
    good(owner.post(f"{tenant.path}/invitations", json={"email": email, "role": role}))


def for_commands(service: Service) -> dict[str, str]:
    """Return the settings by which commands work on a service, as environment."""
    return {
        "USHER_DATABASE_URL": service.database.app_url,
        "USHER_REDIS_URL": service.settings.redis_url,
        "USHER_PAYMENTS_URL": service.settings.payments_url,
        "USHER_PAYMENTS_KEY": "sk",
        "USHER_WEBHOOK_SECRETS": "whsec",
        "USHER_MASTER_KEY": MASTER_KEY,
    }


def mail_settings(server: MailServer, authority: Authority) -> dict[str, str]:
    """Return the settings by which mail goes to a server."""
    password = PASSWORD.replace(":", "%3A").replace("/", "%2F").replace("@", "%40")
    return {
        "smtp_url": f"smtp://{USER}:{password}@localhost:{server.port}",
        "smtp_ca": str(authority.certificate),
        "mail_from": FROM,
        "public_url": PUBLIC,
    }


def working(service: Service, clock: Clock) -> Callable[[asyncio.Event], Awaitable[None]]:
    """Return a worker, as something that runs beside a test."""

    async def work(stop: asyncio.Event) -> None:
        parts = Parts(service.settings)
        async with parts.open():
            worker = make_worker(parts, clock)
            task = asyncio.create_task(worker.run())
            await stop.wait()
            worker.stop()
            await task

    return work


def eventually(look: Callable[[], Any], told: Callable[[Any], Any] = bool) -> Any:
    """Return what `look` sees once `told` says yes."""
    end = time.monotonic() + 30
    while not told(seen := look()):
        assert time.monotonic() < end, seen
        time.sleep(0.05)
    return seen
