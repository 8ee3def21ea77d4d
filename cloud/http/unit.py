"""One request is one transaction: opened when a route first needs it, committed before the
answer is sent.

The answer is kept back until the transaction is committed, so that nobody is told of what
didn't happen. An answer of 400 or above rolls back. What a deadlock or a serialization failure
broke is run again from the start, a few times.
"""

from asyncio import timeout
from contextlib import nullcontext, suppress
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from litestar import Request
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.utils.scope.state import ScopeState

from cloud.db.connect import Connection, Transaction
from cloud.db.tenancy import ACT, Origin, PlatformTx, TenantTx, enter
from cloud.errors import Refusal
from cloud.http import idempotency
from cloud.http.access import Caller, Principal
from cloud.http.kernel import Kernel
from cloud.http.problems import AWAY, on_fault

if TYPE_CHECKING:
    from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

ATTEMPTS: Final = 4
WAIT: Final = 5.0  # seconds for a free connection
AT_ONCE: Final = nullcontext()
Asked = Request[Any, Any, Any]


class Signed:
    """What a device signed of a request: see `kernel.SignedRequest`."""

    def __init__(self, request: Asked, body: bytes) -> None:
        scope = request.scope
        self.method = str(scope["method"])
        self.host = request.headers.get("host", "")
        query = scope["query_string"].decode("latin-1")
        self.target = scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
        self.authorization = request.headers.get("authorization", "")
        self.body = body


class Unit:
    """A request's transaction, not opened yet."""

    def __init__(self, kernel: Kernel, principal: Principal, origin: Origin) -> None:
        self.kernel = kernel
        self.principal = principal
        self.origin = origin
        self.now = kernel.clock()
        self.claim: idempotency.Claim | None = None
        self._lent: Connection | None = None
        self._transaction: Transaction | None = None

    async def tenant(self, request: Asked, tenant: UUID) -> tuple[TenantTx, Caller]:
        """Enter a tenant, once, and say who calls in it."""
        conn = await self._connection()
        principal = self.principal
        entered = await enter(conn, tenant, self.origin.actor, principal.account, principal.epoch)
        if not entered.known or principal.tenant not in (None, tenant):
            raise Refusal("not_found")
        if principal.account is not None and not entered.current:
            raise Refusal("credentials_invalid")
        tx = TenantTx(conn, tenant, self.origin, self.now)
        return tx, await self._caller(request, tx, entered.role)

    async def platform(self, request: Asked) -> PlatformTx:
        """Open a transaction outside every tenant, once."""
        conn = await self._connection()
        await conn.execute(ACT, self.origin.actor)
        tx = PlatformTx(conn, self.origin, self.now)
        # Without credentials nothing tells two strangers apart but where they call from.
        who = self.origin.actor
        await self.claim_key(request, tx, f"{self.origin.address}" if who == "anonymous" else who)
        return tx

    async def _connection(self) -> Connection:
        if self._lent is not None:
            raise RuntimeError("a request has one transaction")
        pool = self.kernel.pool
        # A timer only for who has to wait: asyncpg's own would be one more task.
        async with timeout(WAIT) if pool.get_idle_size() == 0 else AT_ONCE:
            conn = self._lent = await pool.acquire()
        transaction = conn.transaction()
        await transaction.start()
        self._transaction = transaction
        return conn

    async def _caller(self, request: Asked, tx: TenantTx, role: str | None) -> Caller:
        principal, gatekeeper = self.principal, self.kernel.gatekeeper
        opt = request.route_handler.opt
        if opt.get("access") == "device":
            if principal.kind != "device":
                raise Refusal("device_required")
            signed = Signed(request, await request.body())
            device = await self.kernel.devices(tx, signed, revoked_too=opt["revoked_too"])
            actor = f"device:{device.hex()}"
            await tx.conn.execute(ACT, actor)
            self.origin = tx.origin = tx.origin._replace(actor=actor)
            return Caller("device", actor, device=device)
        if principal.kind == "device":
            raise Refusal("credentials_invalid")
        if principal.kind == "key":
            actor, scopes = await gatekeeper.key_scopes(tx, principal.secret)
            await tx.conn.execute(ACT, actor)
            self.origin = tx.origin = tx.origin._replace(actor=actor)
            return Caller("key", actor, scopes=scopes)
        scopes = principal.scopes if principal.kind == "client" else gatekeeper.role_scopes(role)
        return Caller(principal.kind, principal.actor, principal.account, role, scopes)

    async def claim_key(self, request: Asked, tx: TenantTx | PlatformTx, who: str) -> None:
        """Take the idempotency key, or answer with what it was answered before."""
        if request.method != "POST" or (key := request.headers.get("idempotency-key")) is None:
            return
        body = await request.body()
        target = f"{request.method} {request.scope['path']}\0".encode()
        query = request.scope["query_string"] + b"\0"
        # Whom the header has not named yet may prove who they are in it: to the token endpoint.
        stranger = self.principal.kind == "anonymous"
        proof = request.headers.get("authorization", "") if stranger else ""
        fingerprint = sha256(target + query + proof.encode() + b"\0" + body).digest()
        self.claim = await idempotency.claim(tx, self.kernel.sealer, who, key, fingerprint)

    async def commit(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        """Keep the answer beside its idempotency key, and commit."""
        if self.claim is not None:
            await self.claim.keep(status, headers, body)
        if self._transaction is not None:
            transaction, self._transaction = self._transaction, None
            await transaction.commit()

    async def end(self) -> None:
        """Undo what is not committed, and give the connection back."""
        try:
            if self._transaction is not None:
                with suppress(*AWAY):  # where the connection is gone, so is what it did
                    await self._transaction.rollback()
        finally:
            if self._lent is not None:
                await self.kernel.pool.release(self._lent)


class UnitOfWork(ASGIMiddleware):
    """Gives each request a `Unit`, and commits it before the answer leaves."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel

    async def handle(
        self, scope: "Scope", receive: "Receive", send: "Send", next_app: "ASGIApp"
    ) -> None:
        """Run the request, and again where the database asks for it."""
        if scope["route_handler"].opt.get("streams"):  # answers piece by piece, without a unit
            await next_app(scope, receive, send)
            return
        replay = _Replay(receive)
        for attempt in range(1, ATTEMPTS + 1):
            answer = await self._attempt(_fresh(scope), replay.again(), next_app)
            if not (answer.retriable and attempt < ATTEMPTS):
                await answer.send(send)
                return

    async def _attempt(self, scope: "Scope", receive: "Receive", next_app: "ASGIApp") -> "_Answer":
        state = scope["state"]
        state["retriable"] = False
        unit = Unit(self.kernel, state["principal"], state["origin"])
        state["unit"] = unit
        answer = _Answer()
        try:
            await next_app(scope, receive, answer.take)
            if answer.status < 400:
                await unit.commit(answer.status, answer.headers, answer.body)
        except Exception as error:  # noqa: BLE001 - the commit may fail as any statement may
            request: Asked = Request(scope, receive)
            answer = _Answer()
            said = on_fault(request, error).to_asgi_response(None, request)
            await said(scope, receive, answer.take)
        finally:
            await unit.end()
        answer.retriable = bool(state["retriable"])
        return answer


class _Answer:
    """An answer that is kept back."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.retriable = False
        self.status = 500
        self.headers: list[tuple[bytes, bytes]] = []

    async def take(self, message: "Message") -> None:
        """Keep a message instead of sending it."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = list(message["headers"])
        self.messages.append(message)

    @property
    def body(self) -> bytes:
        """What was answered."""
        return b"".join(m["body"] for m in self.messages if m["type"] == "http.response.body")

    async def send(self, send: "Send") -> None:
        """Send it at last."""
        for message in self.messages:
            await send(message)


class _Replay:
    """A request's body, which a second attempt reads again."""

    def __init__(self, receive: "Receive") -> None:
        self._receive = receive
        self._seen: list[Any] = []

    def again(self) -> "Receive":
        """Return the messages from the first one on."""
        place = 0

        async def receive() -> Any:
            nonlocal place
            if place == len(self._seen):
                message = await self._receive()
                if message["type"] != "http.request":
                    return message
                self._seen.append(message)
            place += 1
            return self._seen[place - 1]

        return receive


def _fresh(scope: "Scope") -> "HTTPScope":
    """Return the scope for an attempt: what the one before has put into its state is gone."""
    ScopeState.from_scope(scope).response_started = False  # it never was: the answer is kept back
    return {**scope, "state": {**scope["state"]}}  # type: ignore[typeddict-item]
