"""Make the README's picture anew: four screens of a real gate in a real browser.

make picture
"""

import io
import tempfile
from pathlib import Path
from typing import Final

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from tests.browser.conftest import launch
from tests.browser.screen import Screen
from tests.edge.appliance import Appliance

PICTURE: Final = Path(__file__).parents[1] / "docs" / "gate.png"
SIZE: Final = (800, 480)
GAP: Final = 8
COLOURS: Final = 64


def screens(browser: Browser, gate: Appliance) -> list[Image.Image]:
    """Return a kiosk that waits, admits, refuses, and has lost its gate."""
    width, height = SIZE
    page = browser.new_page(viewport={"width": width, "height": height})
    screen = Screen(page, gate)
    shown: list[Image.Image] = []

    def shoot() -> None:
        page.wait_for_timeout(900)
        shown.append(Image.open(io.BytesIO(page.screenshot())))

    screen.open_kiosk()
    shoot()
    for text in (gate.world.code("seated"), gate.world.code("revoked")):
        screen.type(text)
        shoot()
    gate.kill()
    page.wait_for_timeout(1000)
    shoot()
    return shown


def main() -> None:
    """Write the picture."""
    with (
        tempfile.TemporaryDirectory(prefix="usher-") as name,
        Appliance.make(Path(name)) as gate,
        sync_playwright() as playwright,
    ):
        gate.start()
        with launch(playwright, gate) as browser:
            shown = screens(browser, gate)
    width, height = SIZE
    whole = Image.new("RGB", (2 * width + GAP, 2 * height + GAP), "white")
    for index, each in enumerate(shown):
        whole.paste(each, (index % 2 * (width + GAP), index // 2 * (height + GAP)))
    small = whole.resize((whole.width * 5 // 8, whole.height * 5 // 8), Image.Resampling.LANCZOS)
    small.quantize(COLOURS).save(PICTURE, optimize=True)


if __name__ == "__main__":
    main()
