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
        try:
            if await _read(port.fileno(), typing(), on_text, pause):
                wait = FIRST_WAIT
        finally:
            with suppress(OSError):
                port.close()
        await asyncio.sleep(wait)  # one that ends at once is no reason to turn in circles


async def _read(file: int, typed: Typing, on_text: OnText, pause: float) -> bool:
    """Read until the device is gone; say whether anything came."""
    loop, readable, came = asyncio.get_running_loop(), asyncio.Event(), False
    loop.add_reader(file, readable.set)
    try:
        while True:
            try:
                async with asyncio.timeout(pause):
                    await readable.wait()
            except TimeoutError:
                # Where this process stood still, it was no pause of the reader's.
                if not _waits(file) and (text := typed.flush()):
                    await on_text(text)
                await readable.wait()
            readable.clear()
            if not _waits(file):
                continue  # read already: to read a terminal now would look like its end
            try:
                data = os.read(file, AT_ONCE)
            except OSError:
                return came
            if not data:
                return came
            came = True
            for text in typed.feed(data):
                await on_text(text)
    finally:
        loop.remove_reader(file)


def _waits(file: int) -> bool:
    """Whether something is there to be read, if only the end."""
    return bool(select([file], (), (), 0)[0])
