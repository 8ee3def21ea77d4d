"""Calls to addresses that somebody else chose: never into a private network.

A name is resolved once, each address that it has is judged, and the connection is made to one of
those that were judged: between the look and the call the name can't become another address.
Redirects are not followed.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, NamedTuple

import httpcore

WAIT: Final = 15.0  # seconds for the whole of a call
MOST_ANSWER: Final = 1 << 16  # bytes that are read of an answer
OVERWHELMED: Final = 429  # says a receiver that has too much to do
AT_ONCE: Final = 64  # connections
HIDDEN: Final = tuple(  # they carry another address inside
    ipaddress.ip_network(each)
    for each in ("64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16")
)
INSIDE: Final = tuple(  # global by the registries, and yet answered inside some clouds and networks
    ipaddress.ip_network(each)
    for each in ("168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24", "fec0::/10", "3fff::/20")
)
# Resolving takes as long as somebody else's server likes. The loop's own threads are for us.
RESOLVING: Final = ThreadPoolExecutor(AT_ONCE, "resolving")
Resolve = Callable[[str, int], Awaitable[list[str]]]


class Answer(NamedTuple):
    """How a call went. `status` 0: there was no answer, and `fault` says why."""

    status: int
    fault: str = ""

    @property
    def taken(self) -> bool:
        """Whether the receiver has taken it."""
        return 200 <= self.status < 300

    @property
    def well(self) -> bool:
        """Whether the receiver is there, whatever it thinks of the call."""
        return 0 < self.status < 500 and self.status != OVERWHELMED


class Private(httpcore.ConnectError):
    """A name leads where nothing of ours may call."""


def is_public(address: str) -> bool:
    """Whether an address is one of the public internet."""
    try:
        told = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(told, ipaddress.IPv6Address):
        if told.ipv4_mapped is not None:
            told = told.ipv4_mapped
        elif any(told in each for each in HIDDEN):
            return False
    if any(told.version == each.version and told in each for each in INSIDE):
        return False
    return told.is_global and not told.is_multicast and not told.is_reserved


def is_public_or_loopback(address: str) -> bool:
    """The same for trying out on one machine."""
    try:
        return is_public(address) or ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


async def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a name."""
    ask = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(RESOLVING, ask)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


class Vetted(httpcore.AsyncNetworkBackend):
    """Connects to addresses that `allowed` lets through, and to no other."""

    def __init__(
        self,
        allowed: Callable[[str], bool],
        resolve: Resolve = resolve,
        backend: httpcore.AsyncNetworkBackend | None = None,
    ) -> None:
        self._allowed = allowed
        self._resolve = resolve
        self._backend = backend or httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  the interface has it
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Resolve, judge, connect."""
        try:
            addresses = await self._resolve(host, port)
        except (OSError, UnicodeError) as error:  # a name that can't be one is refused as such
            raise httpcore.ConnectError("no_address") from error
        if not all(map(self._allowed, addresses)):
            raise Private("address_private")
        return await self._first(addresses, port, timeout, local_address, socket_options)

    async def _first(self, addresses: Sequence[str], *others: Any) -> httpcore.AsyncNetworkStream:
        port, timeout, local_address, socket_options = others
        fault: Exception = httpcore.ConnectError("no_address")
        for address in addresses:
            try:
                return await self._backend.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                fault = error
        raise fault

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await self._backend.sleep(seconds)


class Caller:
    """Makes calls. `await caller.aclose()` in the end."""

    def __init__(self, backend: Vetted, tls: ssl.SSLContext, wait: float = WAIT) -> None:
        self._wait = wait
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls,
            network_backend=backend,
            max_connections=AT_ONCE,
            keepalive_expiry=30.0,
            retries=0,
        )

    async def post(self, url: str, headers: Sequence[tuple[str, str]], body: bytes) -> Answer:
        """Send a body; whatever happens is an answer."""
        try:
            async with asyncio.timeout(self._wait):
                return await self._post(url, headers, body)
        except (TimeoutError, httpcore.TimeoutException):
            return Answer(0, "timeout")
        except Private:
            return Answer(0, "address_private")
        except httpcore.ConnectError as error:
            return Answer(0, _connecting(error))
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol):
            return Answer(0, "broken")
        except ValueError:  # an address that passes for one until it is used
            return Answer(0, "address_malformed")

    async def _post(self, url: str, headers: Sequence[tuple[str, str]], body: bytes) -> Answer:
        async with self._pool.stream("POST", url, headers=list(headers), content=body) as answer:
            read = 0
            async for piece in answer.aiter_stream():
                read += len(piece)
                if read > MOST_ANSWER:
                    break
            return Answer(answer.status, "" if 200 <= answer.status < 300 else "status")

    async def aclose(self) -> None:
        """Hang up."""
        await self._pool.aclose()


def _connecting(fault: BaseException) -> str:
    """Name why no connection was made."""
    cause: BaseException | None = fault
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return "tls"
        if isinstance(cause, socket.gaierror):
            return "no_address"
        cause = cause.__cause__ or cause.__context__
    return "no_address" if "no_address" in fault.args else "connect"
