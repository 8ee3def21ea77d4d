"""From a reader's last key at a kiosk's page to the verdict on the screen, in a real browser.

Everything lies between: the page, HTTPS on loopback, the station, the disk, the answer, and the
frame in which the colour is painted.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec
from playwright.sync_api import Page, sync_playwright

from benchmarks.report import Row, percentile
from tests.browser.conftest import launch
from tests.edge.appliance import KIOSK_KEY, Appliance

SCANS = 120
TYPE = """
    (text) => new Promise((done, fail) => {
        const flood = document.getElementById("flood");
        const press = (key) => document.body.dispatchEvent(
            new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
        for (const key of text) press(key);
        const begin = performance.now();
        const watch = new MutationObserver(() => {
            if (flood.hidden || flood.dataset.signal === "checking") return;
            watch.disconnect();
            const signal = flood.dataset.signal;
            const spent = () => done([performance.now() - begin, signal]);
            requestAnimationFrame(() => setTimeout(spent));
        });
        setTimeout(() => fail(new Error("no verdict")), 10000);
        press("Enter");
        watch.observe(flood, { attributes: true, childList: true });
    })
"""
CLEAR = """() => new Promise((done) => {
    document.querySelector("[data-deed=clear], #flood button:last-of-type")?.click();
    setTimeout(done, 50);
})"""


def verdicts(page: Page, gate: Appliance) -> list[float]:
    """Return how many milliseconds each took, sorted."""
    spent = []
    for index in range(SCANS):
        answer: Any = page.evaluate(TYPE, gate.world.bulk(2 * index))
        if answer[1] != "green":
            raise SystemExit(f"a benchmark's ticket was not admitted: {answer[1]}")
        spent.append(float(answer[0]))
        page.evaluate(CLEAR)
    return sorted(spent)


def main() -> None:
    """Print rows as JSON."""
    with (
        tempfile.TemporaryDirectory(prefix="usher-") as name,
        Appliance.make(Path(name), tickets=2 * SCANS) as gate,
        sync_playwright() as playwright,
    ):
        gate.start()
        with launch(playwright, gate) as browser:
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.goto(f"{gate.url}/kiosk?key={KIOSK_KEY}")
            page.locator("body[data-state=live]").wait_for()
            spent = verdicts(page, gate)
    what = "a reader's last key to the painted verdict, kiosk page"
    rows = [
        Row(f"{what}: median", percentile(spent, 0.5), "ms", 150, "at most"),
        Row(f"{what}: 95 of 100", percentile(spent, 0.95), "ms", 150, "at most",
            "Chromium, HTTPS on loopback"),
    ]  # fmt: skip
    sys.stdout.buffer.write(msgspec.json.encode(rows))


if __name__ == "__main__":
    main()
