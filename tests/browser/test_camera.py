"""Scanning with a phone's camera: our decoder, and the gate where the decoder can't be had."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Playwright, expect

from edge.practice.frames import Look, background, render
from edge.practice.videos import write_y4m
from tests.browser.conftest import launch
from tests.browser.screen import Screen
from tests.edge.appliance import Appliance

FPS = 10


def film(path: Path, *texts: str) -> Path:
    """Write what a camera sees that a guest holds codes before, over and over."""
    rng = np.random.default_rng(3)
    shown = render(list(texts), Look(px=5, noise=2), rng)
    empty = np.asarray(np.clip(background(rng), 0, 255), np.uint8)
    write_y4m(path, [empty] * FPS + [shown] * (5 * FPS), FPS)
    return path


@pytest.fixture(scope="module")
def filmed(
    playwright: Playwright, gate: Appliance, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Browser]:
    """A browser whose camera sees one ticket."""
    path = film(tmp_path_factory.mktemp("film") / "seated.y4m", gate.world.code("seated"))
    with launch(playwright, gate, *camera_flags(path)) as made:
        yield made


def camera_flags(path: Path) -> tuple[str, ...]:
    """Return the flags that make a film the camera."""
    return (
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={path}",
    )


@pytest.fixture
def phone(filmed: Browser, gate: Appliance) -> Iterator[Screen]:
    """A phone with that camera."""
    context: BrowserContext = filmed.new_context(
        viewport={"width": 360, "height": 640}, locale="en-GB", service_workers="block"
    )
    screen = Screen(context.new_page(), gate)
    yield screen
    screen.leave()
    context.close()


def test_the_decoder_in_the_page_reads_a_ticket(phone: Screen) -> None:
    """The ticket in view is scanned once, by WebAssembly of the gate's own, and not again."""
    asked: list[str] = []
    phone.page.on("request", lambda request: asked.append(request.url))
    phone.page.route("**/api/frame", lambda route: route.abort())
    phone.open_handheld()
    phone.sign_in()
    expect(phone.flood).to_be_visible(timeout=20_000)
    assert phone.heard()[:1] in (["admitted"], ["already_admitted"])
    expect(phone.page.locator("#view")).to_have_attribute("data-camera", "live")
    assert any(url.endswith(".wasm") for url in asked)
    assert [url for url in asked if not url.startswith((phone.gate.url, "blob:"))] == []
    assert sum(url.endswith("/api/scan") for url in asked) == 1


def test_where_no_decoder_runs_the_gate_reads(phone: Screen) -> None:
    """Without WebAssembly, a picture goes to the gate, which reads it."""
    phone.page.route("**/zxing_reader.wasm", lambda route: route.abort())
    phone.open_handheld()
    with phone.page.expect_request("**/api/frame", timeout=20_000) as sent:
        phone.sign_in()
    assert sent.value.headers["content-type"] == "image/jpeg"
    expect(phone.flood).to_be_visible(timeout=20_000)
    assert phone.heard()[:1] in (["admitted"], ["already_admitted"])


def test_the_camera_rests_while_a_field_is_filled_in(phone: Screen) -> None:
    """With a sheet open, what the camera sees is not scanned."""
    phone.open_handheld()
    phone.page.route("**/api/scan", lambda route: route.abort())
    phone.page.route("**/api/frame", lambda route: route.abort())
    phone.sign_in()
    phone.shows("machine")  # it reads, and nobody answers
    phone.press("Done")
    phone.tool("more")
    before = len(phone.heard())
    phone.page.wait_for_timeout(2500)  # longer than the same code is passed over
    assert phone.heard()[before:] == []


def test_a_phone_without_a_camera_says_what_to_do(handheld: Screen) -> None:
    """Without a camera the page says so in words, and a reader goes on working."""
    expect(handheld.page.locator("#camera-note")).to_have_text("No camera here. Use a reader.")
    expect(handheld.page.locator("#tool-torch")).to_be_disabled()
    handheld.type(handheld.fresh())
    handheld.shows("green")


def test_a_badge_is_read_by_the_camera(
    playwright: Playwright, gate: Appliance, tmp_path: Path
) -> None:
    """A badge held before the phone's camera signs in."""
    path = film(tmp_path / "badge.y4m", gate.badge())
    with launch(playwright, gate, *camera_flags(path)) as made:
        context = made.new_context(viewport={"width": 360, "height": 640}, service_workers="block")
        screen = Screen(context.new_page(), gate)
        screen.open_handheld()
        screen.press("Scan a badge")
        expect(screen.page.locator("#signin #video")).to_be_visible()
        staff = screen.page.locator("#strip .staff")
        expect(staff).to_have_text("Sue Supervisor, supervisor", timeout=20_000)
        screen.leave()
        context.close()
