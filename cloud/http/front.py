"""Who calls, how often, and with how much: judged before a request costs anything."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from ipaddress import IPv6Network, ip_address
from typing import TYPE_CHECKING, Any, Final

from litestar import Request
from litestar.enums import ScopeType
from litestar.exceptions import MethodNotAllowedException
from litestar.middleware import ASGIMiddleware

from cloud.db.tenancy import Origin
from cloud.errors import Refusal
from cloud.http.access import ANONYMOUS, Principal
from cloud.http.heading import HEADLESS, Headers, gathered, refuse_repeated, signs
from cloud.http.kernel import Kernel
from cloud.http.problems import answer

if TYPE_CHECKING:
    from litestar.types import ASGIApp, Receive, Scope, Send

SLOWEST: Final = 1 << 16  # bytes a second of a body, after
BEGINNING: Final = 10.0  # seconds
UNPROVED: Final = ("device", "key")  # until a tenant is entered


class Front(ASGIMiddleware):
    """Authenticates, counts and caps a request.

    A route's opt may say: `sensitive` (a tighter limit by address), `per_minute` (a limit of its
    own by address), `body_limit` (bytes), `own_credentials` (the Authorization header is the
    route's own business).
    """

    scopes = (ScopeType.HTTP,)

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel

    async def handle(
        self, scope: "Scope", receive: "Receive", send: "Send", next_app: "ASGIApp"
    ) -> None:
        """Let the request in, or answer it here."""
        lines = list(scope["headers"])
        headers = gathered(lines)
        opt = scope["route_handler"].opt
        limit = int(opt.get("body_limit", self.kernel.body_limit))
        try:
            if len(headers) < len(lines):
                refuse_repeated(lines)
            if scope["state"][HEADLESS] and signs(opt):  # and a stream of theirs has no end
                raise MethodNotAllowedException(headers={"Allow": "GET"})
            await self._admit(scope, headers, opt)
            await next_app(scope, capped(receive, limit, headers, patience(limit)), send)
        except Refusal as refusal:
            said = answer(refusal, scope["state"]["request_id"])
            await said.to_asgi_response(None, Request(scope))(scope, receive, send)

    async def _admit(self, scope: "Scope", headers: Headers, opt: dict[str, Any]) -> None:
        state = scope["state"]
        origin = self._address(scope, headers)
        state["principal"] = ANONYMOUS
        state["origin"] = Origin("anonymous", state["request_id"], origin)
        address = neighbourhood(origin)
        if opt.get("sensitive"):
            await self._count(f"sensitive:{address}", self.kernel.rates.sensitive)
        if own := opt.get("per_minute"):
            await self._count(f"{scope['path_template']}:{address}", own)
            return
        authorization = headers.get(b"authorization", b"").decode("latin-1")
        if not authorization or opt.get("own_credentials"):
            await self._count(f"address:{address}", self.kernel.rates.address)
            return
        try:
            principal = self.kernel.gatekeeper.principal(authorization, self.kernel.clock())
        except Refusal:
            await self._count(f"address:{address}", self.kernel.rates.address)
            raise
        state["principal"] = principal
        state["origin"] = Origin(principal.actor, state["request_id"], origin)
        if principal.kind in UNPROVED:  # else every made-up name would have a count of its own
            await self._count(f"unproved:{address}", self.kernel.rates.device)
        await self._count(*self._bucket(principal, authorization))

    def _bucket(self, principal: Principal, authorization: str) -> tuple[str, int]:
        rates = self.kernel.rates
        if principal.kind == "account":
            return principal.actor, rates.account
        if principal.kind == "device":  # its id is not proved yet, and is all that can be counted
            return f"device:{authorization[:40]}", rates.device
        return principal.actor, rates.key

    async def _count(self, bucket: str, per_minute: int) -> None:
        if wait := await self.kernel.limiter.hit(bucket, per_minute):
            raise Refusal("rate_limited", retry_after=wait)

    def _address(self, scope: "Scope", headers: Headers) -> str | None:
        """Return where the request came from, past as many proxies as are ours."""
        if ours := self.kernel.trusted_proxies:
            named = headers.get(b"x-forwarded-for", b"").decode("latin-1").split(",")
            if len(named) >= ours and (told := address_of(named[-ours].strip())):
                return told
        client = scope.get("client")
        return client[0] if client else None


@lru_cache(4096)
def neighbourhood(address: str | None) -> str:
    """Return what is counted of an address: in IPv6 its /64, which is one household's."""
    try:
        told = ip_address(address or "")
    except ValueError:
        return str(address)
    return str(told if told.version == 4 else IPv6Network((int(told), 64), strict=False))


def address_of(text: str) -> str | None:
    """Return an address as a proxy names it, perhaps with a port; None for anything else."""
    for form in (text, text.rpartition(":")[0], text.partition("]")[0].removeprefix("[")):
        with suppress(ValueError):
            return str(ip_address(form.partition("%")[0]))
    return None


def has_body(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a body follows a request's head (RFC 9112 §6.3)."""
    return headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers


def patience(limit: int) -> float:
    """Return how many seconds a body of up to `limit` bytes may take."""
    return BEGINNING + limit / SLOWEST


def capped(receive: "Receive", limit: int, headers: Headers, seconds: float) -> "Receive":
    """Return `receive` that refuses a body of over `limit` bytes or `seconds`, and half of one.

    Who hangs up in the middle is no fault of ours.
    """
    if not has_body(headers):
        return receive
    too_large = Refusal("body_too_large", accepted=f"at most {limit} bytes")
    declared = headers.get(b"content-length", b"0")
    if declared.isdigit() and int(declared) > limit:
        raise too_large
    seen, whole = 0, False
    due = asyncio.get_running_loop().time() + seconds

    async def in_time() -> Any:
        try:
            async with asyncio.timeout_at(due):
                return await receive()
        except TimeoutError:
            raise Refusal("body_slow", accepted=f"within {seconds:.0f} seconds") from None

    async def counting() -> Any:
        nonlocal seen, whole
        message: Any = await (receive() if whole else in_time())
        if message["type"] == "http.request":
            seen += len(message.get("body", b""))
            whole = not message.get("more_body")
            if seen > limit:
                raise too_large
        elif not whole:
            raise Refusal("body_cut")
        return message

    return counting
