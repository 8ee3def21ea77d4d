"""What a lane's screen hears: verdicts as they fall, and how the gate does."""

import asyncio
import json
import ssl
from contextlib import suppress
from typing import Any, Final

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

COOKIE: Final = "__Host-lane"
AGAIN: Final = 0.3  # seconds until a screen that lost its gate looks for it again


class Screen:
    """A lane's screen, open for as long as `run` runs."""

    def __init__(self, host: str, key: str, context: ssl.SSLContext) -> None:
        self._host, self._key, self._context = host, key, context
        self._verdicts: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._seen = ""  # the scan that was told last
        self.open = False
        self.status: dict[str, Any] = {}
        self.counts: dict[str, Any] = {}
        self.shown: dict[str, Any] = {}  # the last verdict

    def forget(self) -> None:
        """Forget verdicts that nobody has asked for."""
        while not self._verdicts.empty():
            self._verdicts.get_nowait()

    async def verdict(self, seconds: float) -> dict[str, Any] | None:
        """Return the next verdict, None if none falls in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                return await self._verdicts.get()
        return None

    async def run(self) -> None:
        """Listen, and come back after every interruption."""
        while True:
            with suppress(OSError, TimeoutError, WebSocketException):
                async with self._connected() as socket:
                    self.open = True
                    async for message in socket:
                        self._hear(json.loads(message))
            self.open = False
            await asyncio.sleep(AGAIN)

    def _connected(self) -> connect:
        headers = {"Cookie": f"{COOKIE}={self._key}"}
        origin: Any = f"https://{self._host}"
        return connect(
            f"wss://{self._host}/api/live", ssl=self._context, origin=origin,
            additional_headers=headers, proxy=None,
        )  # fmt: skip

    def _hear(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "beat":
                self.status, self.counts = message["status"], message["counts"]
            case "verdict" if message["verdict"]["scan"] != self._seen:
                self.shown = message["verdict"]
                self._seen = self.shown["scan"]
                self._verdicts.put_nowait(self.shown)
