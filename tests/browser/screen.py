"""A screen as staff use it: what they type, touch and see."""

import itertools
import json
import re
import time
from collections.abc import Mapping
from typing import Any, Final

from playwright.sync_api import Dialog, Locator, Page, WebSocketRoute, expect

from edge.practice.world import EVENT, NORTH
from tests.edge.appliance import KIOSK_KEY, Appliance

SOUNDS: Final = """
    window.heard = [];
    document.addEventListener("usher:sound", (event) => window.heard.push(event.detail.code));
"""
# As fast as a reader types, which no test driver is: all keys of a code in one go.
BURST: Final = """
    ([text, last]) => {
        const through = [];
        for (const key of [...text, ...last]) {
            for (const type of ["keydown", "keyup"]) {
                const event = new KeyboardEvent(type, { key, bubbles: true, cancelable: true });
                if (document.activeElement.dispatchEvent(event)) through.push(key);
            }
        }
        return through;
    }
"""
OUTSIDE: Final = """
    () => [...document.querySelectorAll("body *")]
        .filter((each) => {
            const { left, right, width } = each.getBoundingClientRect();
            const shown = each.checkVisibility({ checkVisibilityCSS: true }) && width > 1;
            const meant = shown && !each.closest(".unseen, .drawings, .preview");
            return meant && (right > innerWidth + 1 || left < -1);
        })
        .map((each) => `${each.tagName} ${each.className} ${each.textContent.slice(0, 30)}`)
"""
_numbers = itertools.count()
_scans = itertools.count(1)


class Screen:
    """One page of one browser profile."""

    def __init__(self, page: Page, gate: Appliance) -> None:
        self.page = page
        self.gate = gate
        self.faults: list[str] = []
        self.sockets: list[WebSocketRoute] = []
        self.held: set[str] = set()
        self.heard_of: dict[str, dict[str, Any]] = {}
        self.dialogs: list[str] = []
        page.on("dialog", self._dialog)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.add_init_script(SOUNDS)

    def _dialog(self, dialog: Dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    # -- going about --

    def open_handheld(self, query: str = "") -> None:
        """Open the handheld's page."""
        self.page.goto(f"{self.gate.url}/handheld{query}")
        self.alive()

    def open_kiosk(self) -> None:
        """Open the kiosk's page, bound by its key."""
        self.page.goto(f"{self.gate.url}/kiosk?key={KIOSK_KEY}")
        self.alive()

    def alive(self) -> None:
        """Wait until the page hears the gate."""
        expect(self.page.locator("body")).to_have_attribute("data-state", "live", timeout=20_000)

    def sign_in(self, badge: str = "", *, gate: int = NORTH, exiting: bool = False) -> None:
        """Sign somebody in and post the lane."""
        if badge:
            self.type(badge)
        else:
            for digit in self.gate.pin:
                self.page.locator(f"[data-key='{digit}']").click()
            self.page.locator("[data-key=go]").click()
        expect(self.page.locator("#signin")).to_be_hidden()
        post = {"event": EVENT.hex(), "gate": gate, "exiting": exiting}
        assert self.call("POST", "/api/lane/post", post) == 200
        expect(self.page.locator("#board")).to_be_visible()

    def leave(self) -> None:
        """Lock the lane, and see that no script of the page has failed."""
        if self.page.url.startswith("https") and not self.page.is_closed():
            self.call("POST", "/api/sign-out")
        assert self.faults == []

    def call(self, method: str, path: str, body: object = None) -> int:
        """Ask the gate as this browser; return the status, 0 where nobody answers."""
        answer = self.page.evaluate(
            """async ([method, path, body]) => {
                try {
                    const text = body === null ? undefined : JSON.stringify(body);
                    const headers = { "X-Usher": "1", "Content-Type": "application/json" };
                    return (await fetch(path, { method, headers, body: text })).status;
                } catch { return 0; }
            }""",
            [method, path, body],
        )
        return int(answer)

    # -- scanning --

    def type(self, text: str, last: str = "Enter") -> list[str]:
        """Type as a keyboard-wedge reader does; return the keys that what has the focus gets."""
        through: list[str] = self.page.evaluate(BURST, [text, [last] if last else []])
        return through

    def scan(self, label: str) -> None:
        """Scan the ticket of a kind."""
        self.type(self.gate.world.code(label))

    def fresh(self) -> str:
        """Return the code of a ticket that nobody has used yet."""
        return self.gate.world.bulk(next(_numbers))

    def tool(self, name: str) -> None:
        """Touch a tool."""
        self.page.locator(f"#tool-{name}").click()

    # -- seeing --

    @property
    def flood(self) -> Locator:
        """The verdict's part of the page."""
        return self.page.locator("#flood")

    @property
    def sheet(self) -> Locator:
        """The sheet."""
        return self.page.locator("#sheet")

    def shows(self, signal: str, word: str = "") -> None:
        """Wait for a verdict."""
        expect(self.flood).to_be_visible()
        expect(self.flood).to_have_attribute("data-signal", signal)
        if word:
            expect(self.flood.locator(".word")).to_have_text(word)

    def press(self, text: str) -> None:
        """Touch the button with this text."""
        visible = self.page.locator("button:visible")
        visible.filter(has_text=re.compile(re.escape(text))).first.click()

    def heard(self) -> list[str]:
        """Return the codes that have sounded."""
        codes: list[str] = self.page.evaluate("window.heard")
        return codes

    # -- what the gate would tell --

    def between(self) -> None:
        """Stand between page and gate, to tell the page more than the gate does."""

        def opened(socket: WebSocketRoute) -> None:
            server = socket.connect_to_server()
            self.sockets.append(socket)
            server.on_message(lambda text: self._pass(socket, text))

        self.page.route_web_socket(re.compile("/api/live"), opened)

    def _pass(self, socket: WebSocketRoute, text: str | bytes) -> None:
        news = json.loads(text)
        if news["type"] not in self.held:
            self.heard_of[news["type"]] = news
            socket.send(text)

    def last(self, kind: str) -> dict[str, Any]:
        """Return the gate's last news of a kind; from now on it tells no more of it."""
        self.held.add(kind)
        return self.heard_of[kind]

    def say(self, news: Mapping[str, Any]) -> None:
        """Tell the page something in the gate's place."""
        self.sockets[-1].send(json.dumps(news))

    def told(self, verdict: Mapping[str, Any]) -> None:
        """Show a verdict of the gate's camera."""
        self.say({"type": "verdict", "verdict": verdict})

    def outside(self) -> list[str]:
        """Return what sticks out of the screen."""
        found: list[str] = self.page.evaluate(OUTSIDE)
        return found


def verdict(code: str, signal: str, **more: Any) -> dict[str, Any]:
    """Return a verdict as the gate tells it, with nothing left out."""
    empty: dict[str, Any] = {
        "scan": f"{next(_scans):016x}", "lane": "", "at": time.time_ns() // 1_000_000 + 2000,
        "code": code, "signal": signal, "source": "camera:front", "exiting": False,
        "practice": False, "repeat": False, "reason": "", "ticket_class": "", "name": "",
        "seat": "", "people": 0, "left": 0, "why": "", "flag": "", "attention": "",
        "questions": [], "prior": None, "gates": [], "when": None, "days": [], "challenge": "",
        "stale": False, "moved": False, "actions": [],
    }  # fmt: skip
    return {**empty, **more}
