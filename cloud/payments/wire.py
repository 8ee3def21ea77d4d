"""How Stripe's client reaches the network.

`stripe.HTTPXClient` hands httpx its bodies in a way that httpx has deprecated, with a warning at
every call. So the client is given this one, by the interface that it has for others.
"""

import asyncio
import functools
import ssl
from collections.abc import Awaitable, Mapping
from typing import Any

import httpx
import stripe


class Wire(stripe.HTTPClient):
    """One pool of connections, for asynchronous calls alone."""

    name = "httpx"

    def __init__(self, timeout: float, at_once: int) -> None:
        super().__init__()
        # httpx looks through all that wait whenever one is done: hundreds would wait for that.
        self._places = asyncio.Semaphore(at_once)
        self._http = httpx.AsyncClient(timeout=timeout, verify=_trust())

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """Send one request. Which attempt it is, and when the next, is for Stripe's client."""
        try:
            async with self._places:
                answer = await self._http.request(method, url, headers=headers, content=post_data)
        except httpx.HTTPError as error:
            failure = type(error).__name__
        else:
            return answer.content, answer.status_code, answer.headers
        raise stripe.APIConnectionError(  # type: ignore[no-untyped-call]
            failure, should_retry=True
        )

    def sleep_async(self, secs: float) -> Awaitable[None]:
        """Wait before the next attempt."""
        return asyncio.sleep(secs)

    async def close_async(self) -> None:
        """Close the connections."""
        await self._http.aclose()


@functools.cache
def _trust() -> ssl.SSLContext:
    """Return the authorities that are trusted: read once, for it takes a tenth of a second."""
    return httpx.create_ssl_context()
