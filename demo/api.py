"""The cloud's API, asked as anybody asks it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, Self, TypeVar

import httpx

T = TypeVar("T")
PATIENCE: Final = 60.0  # seconds for one answer
PAGE: Final = 200  # the most items that a page has
AT_ONCE: Final = 16  # requests


class Refused(Exception):
    """The API said no; the message is its sentence."""


class Api:
    """Somebody who asks: a person with a token, a key, or a stranger."""

    def __init__(self, address: str, authorization: str = "") -> None:
        headers = {"authorization": f"Bearer {authorization}"} if authorization else {}
        limits = httpx.Limits(max_connections=AT_ONCE)
        self.address = address
        self._http = httpx.AsyncClient(
            base_url=address, headers=headers, timeout=PATIENCE, limits=limits, trust_env=False
        )

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Return an answer, or raise `Refused`."""
        answer = await self._http.request(method, path, **more)
        if not answer.is_success:
            raise Refused(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer

    async def get(self, path: str, **query: Any) -> Any:
        """Return a document."""
        return (await self.ask("GET", path, params=query)).json()

    async def text(self, path: str) -> str:
        """Return a text."""
        return (await self.ask("GET", path)).text

    async def post(self, path: str, body: object = None) -> Any:
        """Have something done."""
        answer = await self.ask("POST", path, json={} if body is None else body)
        return answer.json() if answer.content else None

    async def put(self, path: str, body: object) -> Any:
        """Put something in its place."""
        return (await self.ask("PUT", path, json=body)).json()

    async def all(self, path: str, **query: Any) -> list[Any]:
        """Return the items of every page."""
        found: list[Any] = []
        cursor = ""
        while True:
            page = await self.get(path, limit=PAGE, cursor=cursor, **query)
            found += page["items"]
            if not page["next"]:
                return found
            cursor = page["next"]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()


async def each(things: Iterable[T], act: Callable[[T], Awaitable[Any]]) -> None:
    """Do something with each of them, some at a time."""
    left = iter(things)

    async def work() -> None:
        for thing in left:
            await act(thing)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(AT_ONCE):
            tasks.create_task(work())


async def until(
    look: Callable[[], Awaitable[T]], seconds: float, what: str, every: float = 0.1
) -> T:
    """Return what `look` sees, once it sees something; `TimeoutError` if it does not."""
    try:
        async with asyncio.timeout(seconds):
            while True:
                if seen := await look():
                    return seen
                await asyncio.sleep(every)
    except TimeoutError:
        raise TimeoutError(f"{what}: not within {seconds:.0f} s") from None
