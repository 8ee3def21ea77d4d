"""Parts of a worker that run beside a test, on a loop of their own."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from queue import Queue

PATIENCE = 30  # seconds


@contextmanager
def background(run: Callable[[asyncio.Event], Awaitable[None]]) -> Iterator[None]:
    """Run something that ends soon after its event is set; what it raises ends the test."""
    stop = asyncio.Event()
    loops: Queue[asyncio.AbstractEventLoop] = Queue()
    faults: list[BaseException] = []

    async def whole() -> None:
        loops.put(asyncio.get_running_loop())
        await run(stop)

    def thread() -> None:
        try:
            # It turns its loop after the end, too: what was closed last is gone then.
            asyncio.run(whole())
        except BaseException as fault:  # noqa: BLE001 - the test raises it
            faults.append(fault)

    running = threading.Thread(target=thread)
    running.start()
    loop = loops.get()
    try:
        yield
    finally:
        with suppress(RuntimeError):  # it has ended by itself: by a fault, which is told below
            loop.call_soon_threadsafe(stop.set)
        running.join(PATIENCE)
        assert not running.is_alive()
    if faults:
        raise faults[0]
