"""The cloud's pages: nothing from outside, no fault in the console, and sound for axe."""

import secrets
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from litestar import Litestar, Response, get
from litestar.di import NamedDependency, Provide
from litestar.params import FromQuery
from playwright.sync_api import Browser, Page, expect

from cloud.http.description import complete, opts
from cloud.http.envelope import Envelope
from cloud.http.heading import methods_of
from cloud.notify import pages
from cloud.notify.mailbox import Box, Kept
from cloud.notify.mailbox_routes import one_sample, part_of_sample, samples
from cloud.notify.model import Kind
from cloud.notify.samples import STARTS, sample
from cloud.web.controller import ROUTES
from cloud.web.files import ours
from tests.browser.test_looks import AXE, SMALL
from tests.cloud.serving import serving

SIZES: Final = ((390, 844), (1280, 900))
PATHS: Final = ("/", "/docs", "/ledger", "/problems", "/problems/sold_out")
SECRET: Final = "0123456789abcdefMAILBOX"
BOX: Final = f"/mail/{SECRET}"
SAMPLE: Final = f"{BOX}/samples/order/en"
STATES: Final = (("kept", ""), ("sent", ""), ("bounced", "5.1.1"), ("waiting", "4.7.0"))
KEPT: Final = [
    *(Kept(None, state, STARTS, Kind.ORDER, state, fault, sample(Kind.ORDER, "en"))
      for state, fault in STATES),
    Kept(None, "gone", STARTS, Kind.ORDER, "kept", "", None, "gone"),
]  # fmt: skip
CUT: Final = """
    () => [...document.querySelectorAll(".to")]
        .filter((each) => each.scrollWidth > each.clientWidth)
        .map((each) => each.textContent)
"""
LOOKS: Final = ((SIZES[0], "dark"), (SIZES[1], "light"))
NewPage = Callable[..., Page]


@get("/v1/things", opt={"access": "scope", "scope": "things:read"}, tags=["things"], summary="List")
async def things(limit: FromQuery[int] = 5) -> dict[str, int]:
    """Return things."""
    return {"limit": limit}


@get("/v1/openapi.json", include_in_schema=False, sync_to_thread=False)
def description() -> dict[str, Any]:
    """Describe the one route above: the page shows whatever is described."""
    app = Litestar([things])
    return complete(app.openapi_schema.to_schema(), opts(app))


@get(BOX, sync_to_thread=False)
def listed(page_files: NamedDependency[Any]) -> Response[str]:
    """Show the list with a mail in every state: the service reads them from its tables."""
    return pages.response(pages.newest(page_files.base, BOX, KEPT))


def box() -> Box:
    """Return a mailbox that opens, of which samples alone are asked: they need no table."""
    nothing: Any = None
    return Box(SECRET, nothing, nothing, nothing, nothing)


def pages_beside(*routes: Any, **provided: Provide) -> Any:
    """Return the pages as the service serves them, beside other routes."""
    files = ours()
    given = {
        "page_files": Provide(lambda: files, sync_to_thread=False),
        "page_release": Provide(lambda: "0", sync_to_thread=False),
        **provided,
    }
    app = Litestar([*ROUTES, *routes], dependencies=given, openapi_config=None)
    return Envelope(app, lambda: secrets.token_hex(16), methods_of(app))


def application() -> Any:
    """Return the pages beside a small description, and a mailbox."""
    routes = (listed, samples, one_sample, part_of_sample, description)
    return pages_beside(*routes, mailbox=Provide(box, sync_to_thread=False))


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Serve the pages."""
    with serving(application) as at:
        yield at


@pytest.fixture
def faults() -> list[str]:
    """What pages asked of others, and what their consoles said."""
    return []


@pytest.fixture
def new_page(browser: Browser, address: str, faults: list[str]) -> Iterator[NewPage]:
    """Return what opens a page whose faults are noted."""
    contexts = []

    def made(path: str, size: tuple[int, int], scheme: str) -> Page:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme=scheme,  # type: ignore[arg-type]
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: faults.append(f"{said.type}: {said.text}"))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda asked: _inside(asked.url, address, faults))
        page.goto(address + path)
        if path == "/docs":
            expect(page.locator(".opblock-tag")).to_be_visible()
            page.locator(".opblock-tag").click()
            page.locator(".opblock-summary-control").click()
            expect(page.locator(".opblock-body")).to_be_visible()
        return page

    yield made
    for context in contexts:
        context.close()


def _inside(url: str, address: str, faults: list[str]) -> None:
    if not url.startswith((f"{address}/", "data:")):
        faults.append(f"outside: {url}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("path", PATHS)
def test_a_page_is_sound(
    new_page: NewPage, faults: list[str], path: str, size: tuple[int, int], scheme: str
) -> None:
    """On a phone and a desk, light and dark: no request outside, no fault, nothing for axe."""
    sound(new_page(path, size, scheme), faults)


def sound(page: Page, faults: list[str]) -> None:
    """Hold a page to what axe asks, to the width of its window and to no faults."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    assert [(each["id"], each["nodes"][0]["html"]) for each in found["violations"]] == []
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert (faults, wide <= 0) == ([], True)


@pytest.mark.parametrize(("size", "scheme"), LOOKS, ids=str)
@pytest.mark.parametrize("path", [BOX, SAMPLE], ids=["list", "mail"])
def test_a_page_of_mail_is_sound(
    new_page: NewPage, faults: list[str], path: str, size: tuple[int, int], scheme: str
) -> None:
    """What can be hit is large enough for a thumb, and no address is cut off."""
    page = new_page(path, size, scheme)
    sound(page, faults)
    assert page.evaluate(SMALL, 44) == []
    assert page.evaluate(CUT) == []


def test_mail_is_read_by_ear_and_by_keys(new_page: NewPage, faults: list[str]) -> None:
    """Rows have names with all that is seen, the language shown is said, and keys lead through."""
    page = new_page(BOX, SIZES[0], "light")
    row = page.get_by_role("listitem").nth(2).get_by_role("link")
    expect(row).to_have_accessible_name(
        "ada@example.org Your tickets for Spring Night 01 May 18:00 bounced 5.1.1"
    )
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Mailbox")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Samples")
    page.get_by_role("link", name="order Your tickets").press("Enter")
    expect(page.get_by_title("The mail as HTML")).to_be_visible()
    expect(page.locator("[aria-current=page]")).to_have_text("English")
    page.get_by_role("link", name="Deutsch").press("Enter")
    expect(page.locator("[aria-current=page]")).to_have_text("Deutsch")
    page.get_by_text("As text").press("Enter")
    expect(page.locator("pre")).to_contain_text("Spring Night")
    assert faults == []


def test_a_request_can_be_tried_out(new_page: NewPage, faults: list[str]) -> None:
    """The page sends it to the service itself, and shows what came back."""
    page = new_page("/docs", SIZES[1], "light")
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()
    expect(page.locator(".responses-table.live-responses-table")).to_contain_text("404")
    assert [fault for fault in faults if "404" not in fault] == []
