"""One node, or one index: a question, and an answer that is capped in size and time.

Addresses hold keys: nothing here says or logs one.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

import httpx
import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from cloud.breakers.breaker import Breaker, Call, Resting
from cloud.breakers.model import Outcome, Rule
from cloud.ledger.faults import LedgerAway, LedgerMalformed, LedgerRefused
from cloud.ledger.rpc.answers import decoded
from cloud.ledger.rpc.cluster import Cluster, read_genesis

T = TypeVar("T")

WAIT: Final = 10.0  # seconds for a whole answer
MOST: Final = 16 * 2**20  # bytes: the largest account that Solana has, in base 64
LONGEST_REST: Final = 60.0  # seconds that a node may ask to be left alone for
RULE: Final = Rule(rest=10_000, probe=60_000)
HEADERS: Final = {"content-type": "application/json", "accept-encoding": "identity"}

BUSY: Final = {429, -32429}
DENIED: Final = {401, 402, 403, -32401, -32403}
BEHIND: Final = {-32004, -32005, -32007, -32009, -32011, -32014, -32016}
"""A block that isn't there yet or no more, a node that is unwell or not so far."""
BROKEN: Final = {-32601, -32603, -32700}


class Said(LedgerRefused):
    """A node understood, and said no. Its words are its own and go no further."""

    def __init__(self, number: int, words: str) -> None:
        super().__init__("rpc_refused", f"JSON-RPC {number}")
        self.number = number
        self.words = words


class _Error(Struct, frozen=True):
    code: int
    message: str = ""


class _Answer(Struct, frozen=True):
    id: int
    result: Raw | UnsetType = UNSET
    error: _Error | None = None


class Endpoint:
    """One address."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        url: str,
        breaker: Breaker,
        *,
        wait: float = WAIT,
        most: int = MOST,
        cluster: Cluster | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        logging.getLogger("httpx").setLevel(logging.WARNING)  # it tells whole addresses at INFO
        self._http = http
        self._url = url
        self._breaker = breaker
        self._wait = wait
        self._most = most
        self._clock = clock
        self._cluster = cluster or Cluster()
        self._belongs = False  # to the cluster, which it has said
        self._rests_until = 0.0
        self._number = 0

    async def ask(self, method: str, params: Any, read: Callable[[bytes], T]) -> T:
        """Return what *read* makes of the result.

        Raises `LedgerAway`, `LedgerMalformed` and, of one of another cluster, `LedgerUntrusted`
        where another node may do better, else `Said`.
        """
        if not self._belongs and self._cluster.genesis is not None:
            self._cluster.check(await self._ask("getGenesisHash", [], read_genesis))
            self._belongs = True
        return await self._ask(method, params, read)

    async def _ask(self, method: str, params: Any, read: Callable[[bytes], T]) -> T:
        rests = self._rests_until - self._clock()
        if rests > 0:
            raise LedgerAway("rpc_busy", "it asked to be left alone", rests)
        try:
            async with self._breaker.guarding() as call:
                return await self._asked(call, method, params, read)
        except Resting as resting:
            raise LedgerAway("rpc_resting", "it failed too often", resting.seconds) from None

    async def _asked(self, call: Call, method: str, params: Any, read: Callable[[bytes], T]) -> T:
        self._number += 1
        asked = {"jsonrpc": "2.0", "id": self._number, "method": method, "params": params}
        try:
            answer = await self._post(msgspec.json.encode(asked), call)
            if answer.id != asked["id"]:
                raise LedgerMalformed("rpc_answer", "to another question")
            if answer.error is not None:
                raise self._failure(answer.error, call)
            if answer.result is UNSET:
                raise LedgerMalformed("rpc_answer", "neither a result nor an error")
            return read(bytes(answer.result))
        except TimeoutError:
            raise LedgerAway("rpc_timeout", "no answer in time") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise LedgerAway("rpc_unreachable", type(error).__name__) from None

    async def _post(self, body: bytes, call: Call) -> _Answer:
        async with (
            asyncio.timeout(self._wait),
            self._http.stream("POST", self._url, content=body, headers=HEADERS) as answer,
        ):
            status = answer.status_code
            if status in BUSY:
                raise self._busy(answer.headers.get("retry-after", ""), call)
            if status in DENIED:
                raise self._denied(call)
            told = await self._body(answer)
        try:
            said: _Answer = decoded(told, _Answer)  # errors come with any status
        except LedgerMalformed:
            if status == httpx.codes.OK:
                raise
            raise LedgerAway("rpc_status", f"HTTP {status}") from None
        return said

    async def _body(self, answer: httpx.Response) -> bytes:
        if answer.headers.get("content-encoding", "identity") != "identity":
            raise LedgerMalformed("rpc_answer", "packed, though that wasn't asked for")
        body = bytearray()
        async for piece in answer.aiter_raw():
            body += piece
            if len(body) > self._most:
                raise LedgerMalformed("rpc_too_long", "longer than any answer may be")
        return bytes(body)

    def _failure(self, error: _Error, call: Call) -> Exception:
        if error.code in BUSY:
            return self._busy("", call)
        if error.code in DENIED:
            return self._denied(call)
        if error.code in BEHIND:
            call.outcome = Outcome.NONE
            return LedgerAway("rpc_behind", f"JSON-RPC {error.code}")
        if error.code in BROKEN:
            call.outcome = Outcome.GOOD if error.code == -32601 else Outcome.BAD
            return LedgerAway("rpc_failed", f"JSON-RPC {error.code}")
        call.outcome = Outcome.GOOD
        return Said(error.code, error.message)

    def _busy(self, after: str, call: Call) -> LedgerAway:
        call.outcome = Outcome.NONE
        seconds = min(float(after), LONGEST_REST) if after.isdecimal() else 1.0
        self._rests_until = self._clock() + seconds
        return LedgerAway("rpc_busy", "it asked to be left alone", seconds)

    def _denied(self, call: Call) -> LedgerAway:
        call.outcome = Outcome.NONE
        return LedgerAway("rpc_denied", "the key in its address is not taken")
