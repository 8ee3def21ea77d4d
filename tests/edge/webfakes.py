"""A whole gate served over TLS on loopback, and the few things around it that are made up.

The gate, its tickets, its staff and its certificates are the practice world's: real ones. Made
up are what stands outside the gate: a camera, the health checks, a reader of pictures.
"""

import asyncio
import contextlib
import datetime
import itertools
import ssl
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from edge import certs
from edge.gate.gate import Gate, Machine, open_gate
from edge.practice.world import EVENT, NORTH, World, post_lane
from edge.scan.isolated import Frames
from edge.settings import CameraSettings, LaneSettings, Settings, WebSettings
from edge.web import screens, tokens
from edge.web.app import create_app
from edge.web.limits import Limits
from edge.web.ports import FrameReader
from edge.web.screens import Screens
from edge.web.server import serve
from tests.edge.webscreens import Clients, Screen, open_screen

NAMES = ("localhost", "127.0.0.1", "gate.example")
KIOSK_KEY, OTHER_KEY, LANE_KEY = (tokens.new_token() for _ in range(3))
OURS = {"X-Usher": "1"}
JPEG = {"Content-Type": "image/jpeg"}
TEMPLATES = {
    "kiosk.html": "<title>{{ t('title') }}</title><p id=lane>{{ lane.id }}</p>",
    "handheld.html": "<html lang={{ lang }}><p>{{ lane.event_name }}</p>{{ t('title') }}</html>",
    "unbound.html": "<p>{{ t('unbound') }}</p><img src='{{ static('icon.svg') }}'>",
    "health.html": "{% for each in checks %}{{ each.value }}{% endfor %}{{ status.device }}",
}


class Picture(NamedTuple):
    """What a reader says of one picture."""

    texts: tuple[str, ...]


class NoPicture(NamedTuple):
    """Why a reader did not look at one."""

    reason: str


class PictureReader:
    """Reads "pictures" that are their codes' texts, one a line."""

    async def read(self, jpeg: bytes) -> Picture | NoPicture:
        """Return the lines; a first line `!reason` is a failure."""
        lines = [line for line in jpeg.decode("latin-1").splitlines() if line.strip()]
        if lines and lines[0].startswith("!"):
            return NoPicture(lines[0][1:])
        return Picture(tuple(lines))


CHECK = {
    "name": "disk",
    "state": "ok",
    "code": "",
    "value": "<b>12 GB</b>",
    "sentence": "There is room for the log.",
    "todo": "",
}


class FakeCameras:
    """`front` shows three pictures and is unplugged; `back` goes on until nobody watches."""

    def __init__(self) -> None:
        self.left = threading.Event()
        self.broken = False

    async def previews(self, name: str) -> AsyncIterator[bytes]:
        """Yield pictures."""
        try:
            for number in range(3) if name == "front" else itertools.count():
                yield f"{name} {number}".encode()
                await asyncio.sleep(0)
                if self.broken:
                    raise RuntimeError("a camera that breaks")
        finally:
            self.left.set()


class Checks:
    """Health with one check."""

    def report(self) -> Sequence[Mapping[str, Any]]:
        """Return a check that would like to be markup."""
        return [CHECK]

    def metrics(self) -> str:
        """Return one metric."""
        return "usher_up 1\n"


@dataclass(repr=False)
class Site:
    """A gate that is being served."""

    gate: Gate
    world: World
    port: int
    trusted: ssl.SSLContext
    authority: Path
    cameras: FakeCameras
    clients: Clients
    opened: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def tidy(self) -> None:
        """Close what a test has opened and lock what it has left open."""
        self.opened.close()
        for lane in self.gate.lanes.all():
            if lane.duty is not None:
                self.gate.staff.sign_out(lane.id)

    @property
    def origin(self) -> str:
        """Where it is served."""
        return f"https://localhost:{self.port}"

    def client(self, headers: Mapping[str, str] = OURS, **named: Any) -> httpx.Client:
        """Return a client without a cookie that trusts the venue's authority."""
        made = httpx.Client(
            base_url=self.origin, verify=self.trusted, headers=dict(headers), timeout=20, **named
        )
        return self.opened.enter_context(made)

    def handheld(self, person: str = "", gate: int = NORTH) -> httpx.Client:
        """Return a handheld's browser, with somebody signed in and posted at a gate."""
        browser = self.client()
        assert browser.get("/handheld").status_code == 200
        if person:
            self.sign_in(browser, person, gate)
        return browser

    def kiosk(self, person: str = "", key: str = KIOSK_KEY) -> httpx.Client:
        """Return the browser of a kiosk."""
        browser = self.client()
        assert browser.get("/kiosk", params={"key": key}).status_code == 303
        if person:
            self.sign_in(browser, person)
        return browser

    def sign_in(self, browser: httpx.Client, person: str, gate: int = NORTH) -> None:
        """Sign somebody in at a browser's lane and post it."""
        badge = self.world.organizer.badge(person)
        assert browser.post("/api/sign-in", json={"badge": badge}).status_code == 200
        post = {"event": EVENT.hex(), "gate": gate, "exiting": False}
        assert browser.post("/api/lane/post", json=post).status_code == 200

    def live(self, browser: httpx.Client, host: str = "localhost", **headers: str) -> Screen:
        """Return the live socket of a browser's lane."""
        sent = {"Origin": self.origin, "Cookie": cookies(browser)} | headers
        origin = sent.pop("Origin")
        given = {name: value for name, value in sent.items() if value}
        made = open_screen(self.clients, self.port, self.trusted, host, origin, given)
        return self.opened.enter_context(made)


def cookies(browser: httpx.Client) -> str:
    """Return a browser's cookies as it sends them."""
    return "; ".join(f"{each.name}={each.value}" for each in browser.cookies.jar)


def settings_in(folder: Path) -> Settings:
    """Return the settings of a gate with two kiosks, a camera and a third party's lane."""
    folder.mkdir()
    return Settings(
        data=str(folder),
        clock="battery",
        web=WebSettings(names=NAMES),
        lanes=(
            LaneSettings("kiosk", camera="front"),
            LaneSettings("kiosk-2", camera="back"),
            LaneSettings("turnstile", kind="api", unattended=True),
        ),
        cameras=(
            CameraSettings("front", "folder", "kiosk"),
            CameraSettings("back", "folder", "kiosk-2"),
        ),
    )


def keys() -> Mapping[str, str]:
    """Return the keys of the lanes, hashed."""
    made = {KIOSK_KEY: "kiosk", OTHER_KEY: "kiosk-2", LANE_KEY: "turnstile"}
    return {tokens.hashed(key): lane for key, lane in made.items()}


def small_screens(folder: Path) -> Screens:
    """Return screens of a few words."""
    for name, text in TEMPLATES.items():
        _written(folder / "templates" / name, text)
    _written(folder / "locales" / "en.json", '{"title": "Gate", "unbound": "Bind <it>"}')
    _written(folder / "locales" / "es.json", '{"title": "Puerta"}')
    _written(folder / "static" / "icon.svg", "<svg xmlns='http://www.w3.org/2000/svg'/>")
    _written(folder / "static" / "sw.js", "const hash = '@HASH@'")
    _written(folder / "static" / "manifest.webmanifest", "{}")
    _written(folder / "static" / "notes.secret", "not for browsers")
    return screens.load(*(folder / name for name in ("templates", "locales", "static")))


def _written(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@contextlib.contextmanager
def open_site(
    folder: Path,
    *,
    limits: Limits | None = None,
    machine: Machine | None = None,
    lane_keys: tokens.Keys = keys,
    frames: FrameReader | None = PictureReader(),  # noqa: B008  it has no state
    shown: Callable[[Path], Screens | None] = small_screens,
) -> Iterator[Site]:
    """Serve a gate that was set up just now."""
    settings = settings_in(folder / "data")
    world = World.make(int(time.time()), tickets=20)
    world.install(settings)
    post_lane(settings, "turnstile")
    limits, cameras = limits or Limits(), FakeCameras()
    gate = open_gate(settings, machine, "0")
    try:
        app = create_app(
            gate,
            frames,
            cameras,
            Checks(),
            settings.web,
            lane_keys,
            limits=limits,
            shown=shown(folder),
        )
        with contextlib.ExitStack() as stack:
            authority, context = certificates(folder)
            clients = stack.enter_context(Clients().running())

            async def serving(heard: Callable[[int], None]) -> None:
                try:
                    await serve(app, context, "127.0.0.1", 0, limits=limits, listening=heard)
                finally:
                    if isinstance(frames, Frames):
                        await frames.close()

            port = stack.enter_context(served(serving))
            trusted = ssl.create_default_context(cafile=authority)
            site = Site(gate, world, port, trusted, authority, cameras, clients)
            stack.callback(site.tidy)
            yield site
    finally:
        gate.close()


def certificates(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """Return the authority's certificate and the context of a gate that it vouches for."""
    now = datetime.datetime.now(datetime.UTC)
    authority = certs.make_authority("Practice", NAMES, now)
    paths = folder / "tls.crt", folder / "tls.key"
    certs.store(certs.make_server(authority, NAMES, now), *paths)
    (folder / "ca.pem").write_bytes(authority.certificate)
    return folder / "ca.pem", certs.server_context(*paths)


@contextlib.contextmanager
def served(serving: Callable[[Callable[[int], None]], Any]) -> Iterator[int]:
    """Run a server in a loop of its own; yield its port."""
    begun: list[int] = []
    there = threading.Event()
    stop: list[Callable[[], object]] = []

    def heard(port: int) -> None:
        begun.append(port)
        there.set()

    async def run() -> None:
        task = asyncio.ensure_future(serving(heard))
        loop = asyncio.get_running_loop()
        stop.append(lambda: loop.call_soon_threadsafe(task.cancel))
        with contextlib.suppress(asyncio.CancelledError):
            await task

    def thread() -> None:
        try:
            asyncio.run(run())
        finally:
            there.set()

    running = threading.Thread(target=thread)
    running.start()
    try:
        assert there.wait(20)
        assert begun, "the server did not start"
        yield begun[0]
    finally:
        stop[0]()
        running.join(20)
        assert not running.is_alive(), "the server did not stop"
