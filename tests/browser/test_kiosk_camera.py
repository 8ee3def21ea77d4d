"""A kiosk with the gate's own camera, which runs in a process of its own."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Playwright, expect

from edge.practice.frames import Look, background, jpeg, render
from tests.browser.conftest import launch
from tests.browser.screen import Screen
from tests.edge.appliance import Appliance


def film(folder: Path, text: str) -> None:
    """Write what the camera sees: nobody, then a guest with a ticket, over and over."""
    folder.mkdir()
    rng = np.random.default_rng(5)
    empty = np.asarray(np.clip(background(rng), 0, 255), np.uint8)
    shown = render([text], Look(px=6, noise=3), rng)
    for number in range(60):
        picture = shown if number >= 40 else empty
        (folder / f"{number:03}.jpg").write_bytes(jpeg(picture))


@pytest.fixture(scope="module")
def seeing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Appliance]:
    """A gate with a camera."""
    folder = tmp_path_factory.mktemp("seeing")
    with Appliance.make(folder, tickets=10, camera=True) as made:
        film(folder / "film", made.world.code("seated"))
        made.start()
        (camera,) = made.settings.cameras
        line = ["camera", "--name", camera.name, "--source", camera.source, "--lane", camera.lane]
        made.command(*line, "--fps", "10", "--socket", str(made.settings.socket), wait=False)
        yield made


def test_the_gates_camera_shows_and_scans(playwright: Playwright, seeing: Appliance) -> None:
    """The kiosk shows what the camera sees and what came of it, also after a restart."""
    with launch(playwright, seeing) as browser:
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        screen = Screen(context.new_page(), seeing)
        screen.open_kiosk()
        preview = screen.page.locator("#preview")
        for again in (False, True):
            if again:
                seeing.kill()
                expect(screen.page.locator("#lost")).to_be_visible(timeout=10_000)
                seeing.start()
                screen.alive()
            expect(preview).to_be_visible(timeout=20_000)
            expect(preview).to_have_js_property("naturalWidth", 640, timeout=20_000)
            expect(screen.flood).to_be_visible(timeout=20_000)
        assert set(screen.heard()) <= {"admitted", "already_admitted", "agent_lost"}
        assert screen.faults == []
        context.close()
