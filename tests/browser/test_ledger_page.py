"""The page of what an event has spent: every lamport, why tickets wait, and what is not to be seen.

It is served beside an API that answers with the service's own types.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import pytest
from litestar import Request, Response, delete, get, post
from litestar.params import FromPath, JSONBody
from playwright.sync_api import Browser, BrowserContext, Page, expect

from cloud.ledger.web.shapes import EventOut, SpentOn, SpentOut, TreeOut
from cloud.ledger.work.planning import cost
from cloud.tenants.model import Membership
from tests.browser.test_cloud_pages import pages_beside, sound
from tests.browser.test_looks import SMALL
from tests.cloud.serving import serving

TENANT: Final = UUID(int=1)
STARTS: Final = datetime(2027, 5, 1, 18, tzinfo=UTC)
COST: Final = cost(1_234_567_891, 20_000)
TREES: Final = [
    TreeOut(0, "open", "v2", "7xKXtg2CW87d97TXJSDpbD5jBkheTqA83TZRuJosgAsU", 32_768, 12_345, COST,
            COST.total),
    TreeOut(1, "planned", "v2", None, 8, 0, COST, COST.total),
]  # fmt: skip
KINDS: Final = [
    SpentOn("mint", 4_115, 3, 20_575_000, 1_111_050_000, 0, 1_131_625_000),
    SpentOn("transfer", 17, 0, 85_001, 102_000, 0, 187_001),
]
STANDS: Final = {
    "Spring Night": EventOut(
        fault="tree_not_approved", minted=12_300, burnt=45, waiting=7, waiting_seconds=3_600,
        failed=2, lost=1, reviews=1, trees=TREES,
    ),
    "Inside": EventOut(minted=3, trees=TREES[:1]),
    "Nothing": EventOut(),
    "Secret": EventOut(paused=True, waiting=1, trees=TREES[:1]),
    "Split": EventOut(fault="rpc_split", waiting=1, trees=TREES[:1]),
}  # fmt: skip
SPENT: Final = {
    "Spring Night": SpentOut(COST.total * 2, 1_300_000_000, 1_131_625_000, 1_131_812_001, KINDS),
    "Inside": SpentOut(COST.total, 9, 0, 0, []),
}
IDS: Final = {name: str(UUID(int=place)) for place, name in enumerate(STANDS, 1)}
NAMES: Final = {number: name for name, number in IDS.items()}
PASSWORD: Final = "correct horse battery"
EVENTS: Final = f"/v1/tenants/{TENANT}/events"


@post("/v1/sessions", sync_to_thread=False)
def sign_in(data: JSONBody[dict[str, str]]) -> Response[Any]:
    """Know one password. The token is good for one question, then it is to be refreshed."""
    if data["password"] != PASSWORD:
        return Response({"title": "Refused."}, status_code=401)
    return Response({"access_token": "old", "refresh_token": "r"}, status_code=201)


@post("/v1/sessions/refresh", sync_to_thread=False)
def refresh(data: JSONBody[dict[str, str]]) -> Response[Any]:
    """Exchange the one refresh token."""
    good = data == {"refresh_token": "r"}
    told = {"access_token": "new", "refresh_token": "s"} if good else {"title": "Refused."}
    return Response(told, status_code=200 if good else 401)


@delete("/v1/sessions/current", status_code=204, sync_to_thread=False)
def sign_out() -> None:
    """End it."""


@get("/v1/tenants", sync_to_thread=False)
def tenants() -> list[Membership]:
    """Return one."""
    return [Membership(TENANT, "hall", "The Hall", "owner")]


@get(EVENTS, sync_to_thread=False)
def events(request: Request[Any, Any, Any]) -> Response[Any]:
    """Return two pages of them, to whoever has refreshed."""
    if request.headers["authorization"] != "Bearer new":
        return Response({"title": "Expired."}, status_code=401)
    found = [{"event_id": IDS[name], "name": name, "starts_at": STARTS} for name in IDS]
    if request.query_params["cursor"] == "":
        return Response({"items": found[:2], "next": "c"})
    return Response({"items": found[2:], "next": None})


@get(f"{EVENTS}/{{event_id:str}}/ledger", sync_to_thread=False)
def read_event(event_id: FromPath[str]) -> EventOut:
    """Return how one stands."""
    return STANDS[NAMES[event_id]]


@get(f"{EVENTS}/{{event_id:str}}/ledger/spent", sync_to_thread=False)
def read_spent(event_id: FromPath[str]) -> Response[Any]:
    """Return what it has spent, where that may be seen."""
    name = NAMES[event_id]
    if name not in SPENT and name != "Nothing":
        return Response({"title": "Not yours."}, status_code=403)
    return Response(SPENT.get(name, SpentOut(0, 0, 0, 0, [])))


def application() -> Any:
    """Return the page beside its API."""
    return pages_beside(sign_in, refresh, sign_out, tenants, events, read_event, read_spent)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Serve it."""
    with serving(application) as at:
        yield at


@pytest.fixture
def faults() -> list[str]:
    """What pages said in their consoles."""
    return []


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser of somebody in Berlin, on a phone."""
    made = browser.new_context(
        viewport={"width": 390, "height": 844}, locale="de-DE", timezone_id="Europe/Berlin"
    )
    yield made
    made.close()


def opened(context: BrowserContext, address: str, faults: list[str], query: str = "") -> Page:
    """Open the page."""
    page = context.new_page()
    page.on("console", lambda said: faults.append(f"{said.type}: {said.text}"))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(f"{address}/ledger{query}")
    return page


def sign_in_at(page: Page, password: str = PASSWORD) -> None:
    """Sign in."""
    page.locator("[name=email]").fill("ada@example.org")
    page.locator("[name=password]").fill(password)
    page.locator("#door button").click()


def choose(page: Page, name: str) -> None:
    """Look at an event."""
    page.locator("[name=event]").select_option(IDS[name])


def text(page: Page) -> str:
    """Return what is told, in one line."""
    expect(page.locator("#told > *").first).to_be_visible()
    return re.sub(r"\s+", " ", page.locator("#told").inner_text())


SIZES: Final = (({"width": 390, "height": 844}, "light"), ({"width": 1280, "height": 900}, "dark"))


@pytest.mark.parametrize(("size", "scheme"), SIZES, ids=["phone", "desk"])
def test_every_lamport_is_told(
    browser: Browser, address: str, faults: list[str], size: Any, scheme: Any
) -> None:
    """By kind and in all, beside what was told before; what waits, since when and why."""
    context = browser.new_context(viewport=size, color_scheme=scheme, locale="en-GB")
    page = opened(context, address, faults)
    sign_in_at(page)
    told = text(page)
    for each in (
        "Spent in all 1.131812001 SOL", "Mints", "Transactions 4,115", "Of them failed 3",
        "Fees 0.000085001 SOL", "Deposits 0.000000000 SOL", "Together 0.000187001 SOL",
        "Tickets that wait 7", "usher-cloud ledger approve. (tree_not_approved)",
        "Given up 2", "Filled 12,345 of 32,768", "planned, not approved",
    ):  # fmt: skip
        assert each in told
    assert [fault for fault in faults if "401" not in fault] == []
    sound(page, [])
    assert page.evaluate(SMALL, 44) == []
    context.close()


def test_it_speaks_the_readers_language(
    context: BrowserContext, address: str, faults: list[str]
) -> None:
    """By the browser's wish, and by a choice that goes before it; numbers and times too."""
    page = opened(context, address, faults)
    sign_in_at(page)
    assert "Insgesamt ausgegeben 1,131812001 SOL" in text(page)
    page = opened(context, address, faults, "?lang=fr")
    sign_in_at(page)
    assert "Dépensé en tout 1,131812001 SOL" in text(page)
    for other in ("?lang=xx", "?lang=en"):
        page = opened(context, address, faults, other)
        wanted = "de" if other == "?lang=xx" else "en"
        expect(page.locator("html")).to_have_attribute("lang", wanted)


def test_what_is_not_there_is_said(
    context: BrowserContext, address: str, faults: list[str]
) -> None:
    """No ledger, one that costs nothing, nodes that differ, no right to the books, another's
    password; and who signs out leaves nothing behind."""
    page = opened(context, address, faults, "?lang=en")
    sign_in_at(page, "wrong")
    expect(page.get_by_role("alert")).to_have_text("E-mail or password is wrong.")
    sign_in_at(page)
    expect(page.locator("#told section").first).to_be_visible()
    for name, sentence in (
        ("Nothing", "Nothing of this event is on a ledger"),
        ("Inside", "The ledger inside the service costs nothing."),
        ("Inside", "Nothing waits."),
        ("Secret", "You may not see what was spent"),
        ("Secret", "The event is paused."),
        ("Split", "It is tried again by itself. (rpc_split)"),
    ):
        choose(page, name)
        expect(page.locator("#told")).to_contain_text(sentence)
    page.locator("[name=leave]").click()
    expect(page.locator("#told")).to_be_empty()
    expect(page.locator("#choice")).to_be_hidden()
    expect(page.locator("[name=password]")).to_have_value("")
