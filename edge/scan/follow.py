"""Following a device that types: read what comes, and come back when it is plugged in again."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from select import select
from typing import Final, Protocol

PAUSE: Final = 0.06  # seconds without a character after which a code is over
FIRST_WAIT, LONGEST_WAIT = 0.2, 5.0  # seconds before a lost device is looked for again
AT_ONCE: Final = 4096  # bytes
LONGEST: Final = 600  # characters of one code: what goes on is no code

OnText = Callable[[str], Awaitable[object]]


class Typing(Protocol):
    """What a device has typed so far."""

    def feed(self, data: bytes) -> list[str]:
        """Take bytes in; return the codes that they end."""

    def flush(self) -> str:
        """Return what is there after a pause, and begin anew."""


class Port(Protocol):
    """An open device."""

    def fileno(self) -> int:
        """Return its descriptor, for reading without waiting."""

    def close(self) -> None:
        """Let go of it."""


async def follow(
    opened: Callable[[], Port],
    typing: Callable[[], Typing],
    on_text: OnText,
    told: Callable[[bool], None] = lambda _: None,
    pause: float = PAUSE,
) -> None:
    """Follow a device until cancelled. `told` hears whether it is there."""
    wait = FIRST_WAIT
    while True:
        try:
            port = opened()
        except OSError:
            told(False)  # noqa: FBT003
            await asyncio.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT)
            continue
        told(True)  # noqa: FBT003
        wait = FIRST_WAIT
        try:
            await _read(port.fileno(), typing(), on_text, pause)
        finally:
            with suppress(OSError):
                port.close()


async def _read(file: int, typed: Typing, on_text: OnText, pause: float) -> None:
    """Read until the device is gone."""
    loop, readable = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(file, readable.set)
    try:
        while True:
            try:
                async with asyncio.timeout(pause):
                    await readable.wait()
            except TimeoutError:
                if text := typed.flush():
                    await on_text(text)
                await readable.wait()
            readable.clear()
            if not select([file], (), (), 0)[0]:
                continue  # read already: to read a terminal now would look like its end
            try:
                data = os.read(file, AT_ONCE)
            except OSError:
                return
            if not data:
                return
            for text in typed.feed(data):
                await on_text(text)
    finally:
        loop.remove_reader(file)
