"""The embedded service: its servers, its keys and its fake payment provider, in one folder.

    with at_home(settings) as resolved:      # Settings with every URL filled in
        ...

Nothing has to be installed or set up: the folder is made at the first start. While it is
running, other commands find its servers through `running.json`; the servers end with the
process that started them.
"""

import asyncio
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import msgspec
import structlog

from cloud.db.migrate import migrate
from cloud.db.roles import prepare
from cloud.embedded import notice
from cloud.embedded.beside import Beside
from cloud.embedded.files import write_private
from cloud.embedded.postgres import Postgres
from cloud.embedded.server import Server
from cloud.embedded.valkey import Valkey
from cloud.keys import master_file
from cloud.settings import Settings, Unfit

DATABASE: Final = "usher"
SECRETS: Final = "payments.json"
FAKE_STOP: Final = 5.0  # seconds
LOG = structlog.get_logger("usher.home")


class Payments(msgspec.Struct, frozen=True):
    """What the fake provider and we agree on."""

    key: str
    webhook_secret: str


def folder(settings: Settings) -> Path:
    """Return the data folder."""
    if settings.data:
        return Path(settings.data)
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "usher"


@contextmanager
def at_home(settings: Settings) -> Iterator[Settings]:
    """Yield the settings with everything embedded filled in, for a command.

    It uses the servers of who is serving there; otherwise it starts them for itself.
    """
    if not settings.embedded:
        yield settings
        return
    with ExitStack() as stack:
        place = folder(settings)
        if not notice.claim(stack, place):
            yield _of_running(place, settings)
            return
        yield _start(stack, place, settings, "").settings


class Household(NamedTuple):
    """The settings with everything embedded filled in, and what runs for them."""

    settings: Settings
    tend: Callable[[], None]  # starts again what has ended


@contextmanager
def household(settings: Settings, own_address: str) -> Iterator[Household]:
    """Run everything embedded for who serves at `own_address`, where webhooks shall go."""
    if not settings.embedded:
        yield Household(settings, lambda: None)
        return
    with ExitStack() as stack:
        place = folder(settings)
        if not notice.claim(stack, place):
            raise _taken(place)
        yield _start(stack, place, settings, own_address)


def _taken(place: Path) -> Unfit:
    address = notice.read(place).get("public_url", "")
    who = f"serves at {address} from" if address else "uses"
    return Unfit(
        f"Another usher-cloud {who} {place}. Stop it, or name another folder:"
        " USHER_DATA=… usher-cloud serve"
    )


def _of_running(place: Path, settings: Settings) -> Settings:
    told = notice.read(place)
    if not told:
        raise Unfit(f"Another usher-cloud is just starting or ending in {place}: try again.")
    return _filled(settings, told, place)


def _start(stack: ExitStack, place: Path, settings: Settings, own_address: str) -> Household:
    fake = None if settings.payments_url else _fake(stack, place, own_address)
    postgres = stack.enter_context(Postgres(place / "postgres").running())
    valkey = stack.enter_context(Valkey(place / "valkey").running())
    owner, app = (postgres.password(user) for user in ("usher_owner", "usher_app"))
    asyncio.run(prepare(postgres.superuser_url, DATABASE, owner_password=owner, app_password=app))
    told = {
        "database_url": postgres.url("usher_app", DATABASE),
        "owner_url": postgres.url("usher_owner", DATABASE),
        "redis_url": valkey.url(),
        "public_url": own_address,
        "mailbox": secrets.token_hex(16),
    }
    asyncio.run(migrate(told["owner_url"]))
    _master_key(place, settings)
    tended: list[Callable[[], None]] = [_again(postgres), _again(valkey)]
    if fake is not None:
        told |= fake.told()
        tended.append(fake.tend)
    notice.post(stack, place, told)
    return Household(_filled(settings, told, place), lambda: _call(tended))


def _call(acts: Iterable[Callable[[], None]]) -> None:
    for act in acts:
        act()


def _again(server: Server) -> Callable[[], None]:
    """Return what starts a server again that was killed: at its port, which others know."""

    def tend() -> None:
        if server.alive:
            return
        LOG.warning("server_ended", server=type(server).__name__)
        server.start(moving=False)

    return tend


def _filled(settings: Settings, told: dict[str, str], place: Path) -> Settings:
    changes: dict[str, object] = {
        "database_url": told["database_url"],
        "owner_url": told["owner_url"],
        "redis_url": told["redis_url"],
        "public_url": settings.public_url or told.get("public_url", ""),
    }
    if not (settings.smtp_url or settings.mailbox):
        changes["mailbox"] = told.get("mailbox", "")
    if not settings.payments_url:
        changes["payments_url"] = told["payments_url"]
        changes["payments_key"] = told["payments_key"]
        changes["webhook_secrets"] = (told["webhook_secret"],)
    if not (settings.master_key or settings.master_key_file):
        changes["master_key_file"] = str(place / "master.key")
    return msgspec.structs.replace(settings, **changes)


def _master_key(place: Path, settings: Settings) -> None:
    path = place / "master.key"
    if not (settings.master_key or settings.master_key_file or path.exists()):
        master_file.generate(path)


class Fake(Beside):
    """The fake provider as a process beside us, which calls our webhook."""

    def __init__(self, place: Path, own_address: str) -> None:
        super().__init__("fake payment provider", self._command)
        self._data = place / "payments.sqlite"
        self._webhook = f"{own_address}/v1/webhooks/stripe" if own_address else ""
        self._agreed = _agreed(place)
        self._port = 0

    def told(self) -> dict[str, str]:
        """Return how it is reached, once it is."""
        address = self.first_line()
        self._port = urlsplit(address).port or 0  # where it is found if it has to start again
        return {
            "payments_url": address,
            "payments_key": self._agreed.key,
            "webhook_secret": self._agreed.webhook_secret,
        }

    def _command(self) -> list[str]:
        return [
            "cloud.payments.fake", "--port", str(self._port), "--parent", str(os.getpid()),
            "--data", str(self._data), "--key", self._agreed.key,
            "--webhook", self._webhook, "--webhook-secret", self._agreed.webhook_secret,
        ]  # fmt: skip


def _fake(stack: ExitStack, place: Path, own_address: str) -> Fake:
    fake = Fake(place, own_address)
    stack.callback(fake.stop, FAKE_STOP)
    fake.start()
    return fake


def _agreed(place: Path) -> Payments:
    path = place / SECRETS
    try:
        return msgspec.json.decode(path.read_bytes(), type=Payments)
    except FileNotFoundError:
        agreed = Payments(f"sk_test_{secrets.token_hex(16)}", f"whsec_{secrets.token_hex(24)}")
        write_private(path, msgspec.json.encode(agreed))
        return agreed
