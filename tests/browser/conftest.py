"""One browser and one gate for all tests of pages; each test has a browser profile of its own.

The browser trusts the venue's authority because its user has installed it, as on a handheld:
no certificate error is ignored. Debian's Chromium is used, with nothing downloaded.
"""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Playwright, sync_playwright

from tests.browser.screen import Screen
from tests.edge.appliance import Appliance

ROOT = Path(__file__).parents[2]
CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--autoplay-policy=no-user-gesture-required",
)
NewScreen = Callable[..., Screen]


def trusting(gate: Appliance) -> dict[str, str]:
    """Return the environment of a browser whose user has installed the venue's authority."""
    home = gate.folder / "browser"
    store = home / ".pki" / "nssdb"
    if not store.exists():
        store.mkdir(parents=True)
        certutil = ("certutil", "-d", f"sql:{store}")
        subprocess.run([*certutil, "-N", "--empty-password"], check=True)
        added = ("-A", "-t", "C,,", "-n", "venue", "-i", str(gate.ca))
        subprocess.run([*certutil, *added], check=True)
    return {**os.environ, "HOME": str(home)}


def launch(playwright: Playwright, gate: Appliance, *more: str) -> Browser:
    """Return a browser that trusts the gate's authority."""
    return playwright.chromium.launch(
        executable_path=CHROMIUM, args=[*FLAGS, *more], env={**trusting(gate)}
    )


@pytest.fixture(scope="package", autouse=True)
def _vendored() -> None:
    """The decoder for handhelds is there."""
    subprocess.run([ROOT / "scripts" / "frontend"], check=True)


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    """The driver. It holds an event loop, so it ends with this package."""
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="package")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Appliance]:
    """A gate that runs."""
    with Appliance.make(tmp_path_factory.mktemp("gate"), tickets=400) as made:
        made.start()
        yield made


@pytest.fixture(scope="package")
def browser(playwright: Playwright, gate: Appliance) -> Iterator[Browser]:
    """A browser without a camera."""
    with launch(playwright, gate) as made:
        yield made


@pytest.fixture
def new_screen(browser: Browser, gate: Appliance) -> Iterator[NewScreen]:
    """Return what opens a screen of a new browser profile."""
    with ExitStack() as stack:

        def made(width: int = 360, height: int = 640, **options: object) -> Screen:
            context: BrowserContext = browser.new_context(
                viewport={"width": width, "height": height},
                **{"service_workers": "block", "locale": "en-GB", **options},  # type: ignore[arg-type]
            )
            stack.callback(context.close)
            screen = Screen(context.new_page(), gate)
            stack.callback(screen.leave)
            return screen

        yield made


@pytest.fixture
def handheld(new_screen: NewScreen) -> Screen:
    """A handheld, signed in by PIN and posted at North, entry."""
    screen = new_screen()
    screen.open_handheld()
    screen.sign_in()
    return screen


@pytest.fixture
def supervised(new_screen: NewScreen) -> Screen:
    """A handheld where a supervisor is on duty."""
    screen = new_screen()
    screen.open_handheld()
    screen.sign_in(badge=screen.gate.badge())
    return screen


@pytest.fixture
def kiosk(new_screen: NewScreen) -> Screen:
    """The kiosk, which scans without staff."""
    screen = new_screen(1280, 800)
    screen.open_kiosk()
    return screen
