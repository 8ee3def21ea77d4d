"""Parts of a worker that run beside a test, on a loop of their own."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

PATIENCE = 30  # seconds


@contextmanager
def background(run: Callable[[asyncio.Event], Awaitable[None]]) -> Iterator[None]:
    """Run something that ends soon after its event is set; what it raises ends the test."""
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    faults: list[BaseException] = []

    def thread() -> None:
        try:
            loop.run_until_complete(run(stop))
        except BaseException as fault:  # noqa: BLE001 - the test raises it
            faults.append(fault)

    running = threading.Thread(target=thread)
    running.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        running.join(PATIENCE)
        assert not running.is_alive()
        loop.close()
    if faults:
        raise faults[0]
