"""Which server of several to use: the first that answers and fits.

asyncpg tries the hosts of an address in turn, under one time-out. One that is silent, because its
machine is gone, would use that up, and the standby that has taken over would never be asked. So
each is asked a moment after the one before, or as soon as that has failed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

STAGGER: Final = 1.0  # seconds from one host to the next
Dial = Callable[[str], Awaitable[Any]]


def each_host(url: str) -> list[str]:
    """Return an address for each host of `postgresql://user:password@one:5432,two:5432/name`."""
    parts = urlsplit(url)
    who, at, places = parts.netloc.rpartition("@")
    return [urlunsplit(parts._replace(netloc=f"{who}{at}{each}")) for each in places.split(",")]


async def first_that_fits(urls: Sequence[str], dial: Dial) -> Any:
    """Return the first connection that is had, or raise what was wrong with the last host."""
    left, tasks = list(urls), set[asyncio.Task[Any]]()
    fault: BaseException = ConnectionError()
    try:
        while left or tasks:
            if left:
                tasks.add(asyncio.create_task(_dialled(dial, left.pop(0))))
            await asyncio.wait(
                tasks, timeout=STAGGER if left else None, return_when="FIRST_COMPLETED"
            )
            for each in [task for task in tasks if task.done()]:
                tasks.remove(each)
                if (failed := each.exception()) is None:
                    return each.result()
                fault = failed
        raise fault
    finally:
        for each in tasks:
            each.cancel()
        for each in tasks:
            with suppress(BaseException):
                (await each).terminate()  # two were had


async def _dialled(dial: Dial, url: str) -> Any:
    return await dial(url)
