"""The cloud as a device asks it: every request signed, every answer bounded.

    async with Cloud(origin, tenant, me, stamp_ms) as cloud:
        answer = await cloud.get("/sync", most=65_536)
        async with cloud.open("/sync/stream") as response: ...

Raises `Away`, `Denied` and `Garbled`. An answer is taken as bytes: nothing is decompressed here,
so that no short answer can become a long one.
"""

import asyncio
import os
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType, TracebackType
from typing import Final, NamedTuple

import httpx

from edge.store.identity import Identity
from edge.sync.failures import Away, Denied, Garbled
from edge.sync.refusals import denied
from shared.devices.request import Request, body_hash, sign_request

OCTETS: Final = "application/octet-stream"
MOST_REFUSAL: Final = 1 << 16
OFF: Final = frozenset({"request_stale", "request_early"})
Milliseconds = Callable[[], int]


class Limits(NamedTuple):
    """Seconds. One byte every nine of them is no answer."""

    connect: float = 5.0
    patience: float = 10.0  # between two bytes
    whole: float = 30.0  # for a document
    longest: float = 120.0  # for an answer of chunks: what came is kept
    step: float = 600.0  # for answers that follow one another: what came is kept
    silence: float = 25.0  # of a stream, which gives a sign of life every ten
    stream: float = 3600.0  # for a whole stream: then a new one is opened


NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})


class Answer(NamedTuple):
    """A whole answer. `nonce`: the request's, which a stamp answers. `status`: 200 or 204."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    nonce: bytes


class Question(NamedTuple):
    """One request."""

    method: str
    path: str
    body: bytes = b""
    headers: Mapping[str, str] = NO_HEADERS
    signed: bool = True


class Cloud:
    """One device's requests to its tenant's part of the cloud."""

    def __init__(
        self,
        origin: str,
        tenant: bytes,
        me: Identity,
        clock: Milliseconds,
        *,
        verify: ssl.SSLContext | bool = True,
        limits: Limits = Limits(),  # noqa: B008  it never changes
        random: Callable[[int], bytes] = os.urandom,
        trace: bool = False,
    ) -> None:
        base = f"{origin}/v1/tenants/{_uuid(tenant)}"
        self._http = httpx.AsyncClient(
            base_url=base, verify=verify, trust_env=False, headers=_PLAIN
        )
        self.limits = limits
        self._me = me
        self._clock = clock
        self._random = random
        self._trace = trace
        self._hint: tuple[int, float] | None = None  # the cloud's ms, and when it said so

    async def __aenter__(self) -> "Cloud":
        return self

    async def __aexit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    async def get(self, path: str, most: int, *, signed: bool = True) -> Answer:
        """Ask for at most that many bytes."""
        return await self._whole(Question("GET", path, signed=signed), most)

    async def post(
        self,
        path: str,
        body: bytes,
        most: int,
        *,
        kind: str = OCTETS,
        signed: bool = True,
    ) -> Answer:
        """Send a body. Whoever calls knows that it may arrive twice."""
        asked = Question("POST", path, body, {"content-type": kind}, signed=signed)
        return await self._whole(asked, most)

    @asynccontextmanager
    async def open(
        self, path: str, headers: Mapping[str, str], *, patience: float = 0.0
    ) -> AsyncIterator[httpx.Response]:
        """Give an answer whose bytes are still to come (`aiter_raw`); its reader bounds it.
        `patience`: seconds between two of them, where that is another than usual."""
        asked = Question("GET", path, headers=headers)
        async with self._opened(asked, patience) as (response, _):
            yield response

    def time_is_known(self) -> None:
        """Sign by the caller's clock again: it has taken the time in."""
        self._hint = None

    async def _whole(self, asked: Question, most: int) -> Answer:
        try:
            async with (
                asyncio.timeout(self.limits.whole),
                self._opened(asked) as (response, nonce),
            ):
                body = await _bounded(response, most)
                return Answer(response.status_code, body, response.headers, nonce)
        except TimeoutError:
            raise Away("slow") from None

    @asynccontextmanager
    async def _opened(
        self, asked: Question, patience: float = 0.0
    ) -> AsyncIterator[tuple[httpx.Response, bytes]]:
        """Send, and once more where the cloud says that our time is wrong."""
        waits = httpx.Timeout(patience or self.limits.patience, connect=self.limits.connect)
        try:
            response, nonce = await self._sent(asked, waits)
            if (refusal := await _refusal(response)) and self._heeded(refusal):
                response, nonce = await self._sent(asked, waits)
                refusal = await _refusal(response)
            if refusal:
                raise refusal
            try:
                yield response, nonce
            finally:
                await response.aclose()
        except httpx.HTTPError as error:
            raise Away(type(error).__name__) from error

    async def _sent(self, asked: Question, waits: httpx.Timeout) -> tuple[httpx.Response, bytes]:
        nonce = self._random(16)
        request = self._http.build_request(
            asked.method,
            asked.path,
            content=asked.body or None,
            headers=asked.headers,
            timeout=waits,
        )
        if asked.signed:
            host, target = request.headers["host"], request.url.raw_path.decode()
            said = Request(asked.method, host, target, body_hash(asked.body))
            signed = sign_request(said, self._me.secret, self._time(), nonce)
            request.headers["authorization"] = signed
        if self._trace:
            request.headers["traceparent"] = _traceparent(self._random(24))
        return await self._http.send(request, stream=True), nonce

    def _time(self) -> int:
        """Return what requests say is the time. A hint tells only that: nothing goes by it."""
        if self._hint is None:
            return self._clock()
        said, at = self._hint
        return said + int((time.monotonic() - at) * 1000)

    def _heeded(self, refusal: Denied) -> bool:
        if refusal.code not in OFF or not refusal.server_ms:
            return False
        self._hint = refusal.server_ms, time.monotonic()
        return True


_PLAIN: Final = {"accept-encoding": "identity", "user-agent": "usher-edge"}


def _traceparent(random: bytes) -> str:
    """Return a new trace and its first span, kept, as W3C's Trace Context has it."""
    return f"00-{random[:16].hex()}-{random[16:].hex()}-01"


def _uuid(tenant: bytes) -> str:
    text = tenant.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


async def _refusal(response: httpx.Response) -> Denied | None:
    """Return how the cloud refused, None for a success. Raises `Away` for what isn't the cloud."""
    if response.status_code in (200, 204):
        return None
    try:
        return denied(response, await _bounded(response, MOST_REFUSAL))
    finally:
        await response.aclose()


async def _bounded(response: httpx.Response, most: int) -> bytes:
    if response.headers.get("content-encoding", "identity") != "identity":
        raise Garbled("answer_encoded")
    body = bytearray()
    async for piece in response.aiter_raw():
        body += piece
        if len(body) > most:
            raise Garbled("answer_too_large")
    return bytes(body)
