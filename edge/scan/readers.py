"""All readers of an appliance, followed side by side."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from edge.scan import keyboard, serial_reader
from edge.scan.follow import follow
from edge.settings import ReaderSettings, Settings

Read = Callable[[str, str, str], Awaitable[object]]  # text, lane, source


@asynccontextmanager
async def run_readers(settings: Settings, read: Read) -> AsyncIterator[None]:
    """Follow every reader of the settings while the block runs."""
    tasks = [asyncio.create_task(_follow(reader, read)) for reader in settings.readers]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _follow(reader: ReaderSettings, read: Read) -> None:
    source = f"{reader.kind}:{reader.name}"

    async def on_text(text: str) -> None:
        await read(text, reader.lane, source)

    if reader.kind == "keyboard":
        opened = partial(keyboard.Device, Path(reader.device))
        await follow(opened, keyboard.Typed, on_text)
    else:
        port = partial(serial_reader.open_port, reader.device, reader.baud)
        await follow(port, serial_reader.Lines, on_text)
