"""The façade's HTTP, as plain ASGI: JSON-RPC at any path, and its own `/faults`."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
from msgspec import Struct

from cloud.db.connect import Pool, open_pool
from cloud.ledger.embedded.chain import EmbeddedChain
from tests.cloud.ledger.rpc.facade.faults import Fault, Faults, patched
from tests.cloud.ledger.rpc.facade.index import Index
from tests.cloud.ledger.rpc.facade.node import Json, Node, Refusal, name_of

Receive = Callable[[], Awaitable[Json]]
Send = Callable[[Json], Awaitable[None]]
SECRET: Final = bytes(range(32))  # counts only where the ledger begins
JSON: Final = {"content-type": "application/json"}


class Asked(Struct, frozen=True):
    """A call."""

    number: Any
    method: str
    params: Any


class App:
    """One node with its index, over the ledger of a database."""

    def __init__(self, url: str, clock: Callable[[], float]) -> None:
        self._url = url
        self._clock = clock
        self._ahead = 0.0
        self._held: list[Asked] = []
        self.faults = Faults()
        self._pool: Pool
        self._chain: EmbeddedChain
        self._node: Node
        self._index: Index

    async def __call__(self, scope: Json, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        told = json.loads(await _body(receive))
        if scope["path"] == "/faults":
            await _answer(send, await self._control(told))
            return
        asked = Asked(told["id"], told["method"], told.get("params", []))
        fault = self.faults.take(asked.method, asked.params)
        if fault is None:
            await _answer(send, await self._said(asked))
        elif not await self._carried(fault, asked, receive, send):
            await _not_carried(fault, asked, receive, send)

    async def _carried(self, fault: Fault, asked: Asked, receive: Receive, send: Send) -> bool:
        """Carry a call out, sooner or later, unless its fault is that it is not carried out."""
        match fault.kind:
            case "deaf":
                await self._said(asked)
                await _gone(receive)
            case "cut":
                await self._said(asked)
                await _start(send, 200, JSON | {"content-length": "9"})  # and then nothing
            case "late":
                self._held.append(asked)
                await _answer(send, _result(asked, name_of(asked.params[0])))
            case "twice":
                said = await self._said(asked)
                await self._said(asked)
                await _answer(send, said)
            case "patch":
                said = await self._said(asked)
                await _answer(send, patched(said, ("result", *fault.path), fault.value))
            case _:
                return False
        return True

    async def _said(self, asked: Asked) -> Json:
        known = (self._node.methods | self._index.methods).get(asked.method)
        if known is None:
            return _error(asked, -32601, "Method not found")
        try:
            if isinstance(asked.params, dict):
                return _result(asked, await known(**asked.params))
            return _result(asked, await known(*asked.params))
        except Refusal as refusal:
            return _error(asked, refusal.code, refusal.message, refusal.data)

    async def _control(self, told: Json) -> Any:
        """Do what a test says."""
        for name, value in told.items():
            match name:
                case "fault":
                    self.faults.put(msgspec.convert(value, Fault))
                case "clear":
                    self.faults.clear()
                case "later":
                    self._ahead += value
                case "behind":
                    self._index.behind = value
                case "settling":
                    self._node.settling = value
                case "fees":
                    self._node.fees = value
                case "release":
                    while self._held:
                        await self._said(self._held.pop(0))
                case _:
                    raise ValueError(name)
        return {"met": self.faults.met, "last": self.faults.last}

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        self._pool = await open_pool(self._url)
        self._chain = await EmbeddedChain.open(
            self._pool, lambda: self._clock() + self._ahead, SECRET
        )
        self._node, self._index = Node(self._chain), Index(self._chain)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._chain.aclose()
        await self._pool.close()
        await send({"type": "lifespan.shutdown.complete"})


async def _not_carried(fault: Fault, asked: Asked, receive: Receive, send: Send) -> None:
    match fault.kind:
        case "silent":
            await _gone(receive)
        case "drop":
            await _answer(send, _result(asked, name_of(asked.params[0])))
        case "status":
            await _answer(send, {"busy": True}, fault.status, fault.headers)
        case "error":
            await _answer(send, _error(asked, fault.code, fault.message, fault.data))
        case "body":
            await _write(send, fault.body.encode())
        case _:
            await _drip(receive, send, 0.0 if fault.kind == "endless" else 0.05)


def _result(asked: Asked, result: Any) -> Json:
    return {"jsonrpc": "2.0", "result": result, "id": asked.number}


def _error(asked: Asked, code: int, message: str, data: Any = None) -> Json:
    error = {"code": code, "message": message}
    return {"jsonrpc": "2.0", "error": error | ({"data": data} if data else {}), "id": asked.number}


async def _body(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        piece = await receive()
        body += piece.get("body", b"")
        more = piece.get("more_body", False)
    return body


async def _gone(receive: Receive) -> None:
    """Wait until whoever asked has given up."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _answer(
    send: Send, told: Any, status: int = 200, headers: dict[str, str] | None = None
) -> None:
    await _start(send, status, JSON | (headers or {}))
    await send({"type": "http.response.body", "body": json.dumps(told).encode()})


async def _write(send: Send, body: bytes) -> None:
    await _start(send, 200, JSON)
    await send({"type": "http.response.body", "body": body})


async def _drip(receive: Receive, send: Send, pause: float) -> None:
    """Write what never ends, until it is broken off."""
    await _start(send, 200, JSON)
    piece = b" " if pause else b" " * 65536
    broken = asyncio.ensure_future(_gone(receive))
    while not broken.done():
        await send({"type": "http.response.body", "body": piece, "more_body": True})
        await asyncio.sleep(pause)


async def _start(send: Send, status: int, headers: dict[str, str]) -> None:
    told = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": told})
