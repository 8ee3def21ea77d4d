"""The gate's computer hangs, dies or is slow: no screen may look as if somebody may pass."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Playwright, Route, expect

from tests.browser.conftest import launch
from tests.browser.screen import Screen
from tests.edge.appliance import Appliance

DONT = "Don't admit"


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Appliance]:
    """A gate that may be killed."""
    with Appliance.make(tmp_path_factory.mktemp("mortal"), tickets=100) as made:
        made.start()
        yield made


@pytest.fixture(scope="module")
def its_browser(playwright: Playwright, mortal: Appliance) -> Iterator[Browser]:
    """A browser that trusts that gate."""
    with launch(playwright, mortal) as made:
        yield made


@pytest.fixture
def screen(its_browser: Browser, mortal: Appliance) -> Iterator[Screen]:
    """The kiosk of that gate, with a service worker."""
    context = its_browser.new_context(viewport={"width": 800, "height": 480}, locale="en-GB")
    made = Screen(context.new_page(), mortal)
    made.open_kiosk()
    yield made
    context.close()
    assert made.faults == []


class Held:
    """Requests that are kept back: the first so many."""

    def __init__(self, most: int = 1) -> None:
        self.routes: list[Route] = []
        self._most = most

    def take(self, route: Route) -> None:
        """Keep one, or let it pass."""
        if len(self.routes) < self._most:
            self.routes.append(route)
        else:
            route.continue_()


def lost(screen: Screen) -> None:
    """See that the whole screen says so, and that nothing of a verdict is left."""
    expect(screen.page.locator("#lost")).to_be_visible(timeout=10_000)
    expect(screen.page.locator("#lost .word")).to_have_text(DONT)
    expect(screen.page.locator("#lost")).to_have_attribute("data-signal", "machine")
    expect(screen.flood).to_be_hidden()
    expect(screen.page.locator("[data-signal=green]")).to_have_count(0)


def test_a_gate_that_hangs_is_noticed_within_a_second(screen: Screen) -> None:
    """A second of the page's clock without a word takes the green away; and it comes back."""
    screen.page.clock.install()
    screen.open_kiosk()
    screen.type(screen.fresh())
    screen.shows("green")
    screen.gate.pause()
    try:
        screen.page.clock.run_for(1000)
        lost(screen)
        before = len(screen.heard())
        screen.type(screen.fresh())
        assert screen.heard()[before:] == ["agent_lost"]
    finally:
        screen.gate.resume()
    screen.page.clock.run_for(5000)
    screen.alive()
    expect(screen.page.locator("#lost")).to_be_hidden()


def test_a_gate_that_dies_takes_the_green_with_it(screen: Screen) -> None:
    """A killed gate takes green and open sheets away; started again, the screen is back."""
    screen.type(screen.fresh())
    screen.shows("green")
    screen.press("Next guest")
    screen.tool("more")
    expect(screen.sheet).to_be_visible()
    screen.gate.kill()
    lost(screen)
    expect(screen.sheet).to_be_hidden()
    screen.gate.start()
    screen.alive()
    screen.type(screen.fresh())
    screen.shows("green")


def test_a_reload_with_a_dead_gate_still_says_no(screen: Screen) -> None:
    """The service worker keeps the page, and nothing that the gate decides."""
    page = screen.page
    page.evaluate("navigator.serviceWorker.ready.then(() => null)")
    page.reload()
    screen.alive()
    screen.gate.kill()
    page.reload()
    lost(screen)
    kept = page.evaluate(
        """async () => {
            const names = await caches.keys();
            const lists = names.map(async (name) => (await (await caches.open(name)).keys()));
            const all = (await Promise.all(lists)).flat();
            return all.map((request) => new URL(request.url).pathname);
        }"""
    )
    assert "/kiosk" in kept
    assert [path for path in kept if not path.startswith("/static/") and path != "/kiosk"] == []
    screen.gate.start()
    screen.alive()


def test_a_slow_answer_is_waited_for(screen: Screen) -> None:
    """After half a second the screen says that it checks; the answer then shows."""
    held = Held()
    screen.type(screen.fresh())
    screen.shows("green")
    screen.page.route("**/api/scan", held.take)
    screen.type(screen.fresh())
    screen.shows("checking", "Checking")
    expect(screen.page.locator("[data-signal=green]")).to_have_count(0)
    held.routes[0].continue_()
    screen.shows("green", "Welcome")


def test_no_answer_is_trouble(screen: Screen) -> None:
    """After three seconds the screen says not to admit; a late answer changes nothing."""
    held = Held()
    screen.page.route("**/api/scan", held.take)
    before = len(screen.heard())
    screen.type(screen.fresh())
    expect(screen.flood).to_have_attribute("data-signal", "machine", timeout=10_000)
    expect(screen.flood.locator(".word")).to_have_text(DONT)
    assert screen.heard()[before:] == ["no_answer"]


def test_a_late_answer_is_not_the_next_guests(screen: Screen) -> None:
    """The answer to a scan that the next one has overtaken turns nothing green."""
    held = Held()
    screen.page.route("**/api/scan", held.take)
    before = len(screen.heard())
    screen.type(screen.fresh())
    screen.shows("checking")
    screen.scan("revoked")
    screen.shows("red", "Cancelled")
    with screen.page.expect_response("**/api/scan") as late:
        held.routes[0].continue_()
    assert late.value.json()["signal"] == "green"
    screen.shows("red", "Cancelled")
    assert screen.heard()[before:] == ["revoked"]
