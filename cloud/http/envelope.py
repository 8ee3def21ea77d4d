"""The outermost layer, around the whole application: each request's id, the headers that every
answer has, the log line, and an answer whatever happens inside.
"""

import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import structlog
from litestar.enums import ScopeType
from opentelemetry.trace import Span, StatusCode

from cloud.http.etags import conditional
from cloud.http.heading import HEADLESS, Headers, Methods, allowed, as_get, bodiless, gathered
from cloud.spans import NONE, serving

if TYPE_CHECKING:
    from litestar.types import ASGIApp, Message, Receive, Scope, Send

Count = Callable[[str, int, float], None]  # a group of routes, the status, seconds
LOG = structlog.get_logger("usher.http")
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
GIVEN_ID: Final = re.compile(r"[0-9A-Za-z._-]{8,64}")
DEFAULTS: Final = tuple(
    (name, value)
    for name, value in {
        b"x-content-type-options": b"nosniff",
        b"referrer-policy": b"no-referrer",
        b"x-frame-options": b"DENY",
        b"cross-origin-resource-policy": b"same-origin",
        b"strict-transport-security": b"max-age=31536000",
        b"permissions-policy": b"camera=(), microphone=(), geolocation=()",
        b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
        b"cache-control": b"no-store",
    }.items()
)
BROKEN: Final = (
    b'{"type":"/problems/internal","title":"Something broke on our side. It is logged under the'
    b' request\'s id.","status":500,"code":"internal"}'
)


class Envelope:
    """An ASGI application around another. `count` is told of each request when it is over;
    `share`: of the traces, which are kept; None: a request that names no trace begins none."""

    def __init__(
        self,
        app: "ASGIApp",
        new_id: Callable[[], str],
        methods: Methods,
        count: Count | None = None,
        *,
        share: float | None = None,
    ) -> None:
        self._app = app
        self._methods = methods
        self._new_id = new_id
        self._count = count
        self._share = share

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Serve one request; anything else goes straight through."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        headers = gathered(scope["headers"])
        told = headers.get(b"traceparent", b"").decode("latin-1")
        traced = NONE if self._share is None and not told else serving(told, self._share or 0.0)
        with traced as span:
            await self._serve(as_get(scope), receive, send, headers, span)

    async def _serve(
        self,
        scope: "Scope",
        receive: "Receive",
        send: "Send",
        headers: Headers,
        span: Span,
    ) -> None:
        request_id = self._name(headers)
        scope["state"]["request_id"] = request_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request=request_id, **_trace(span))
        answered = _Answered(send, scope, self._methods)
        out = conditional(scope, headers, answered)
        began = time.perf_counter()
        try:
            await self._app(scope, receive, out)
        except Exception as error:  # noqa: BLE001 - the last net: nobody is left without an answer
            LOG.error("request_broke", fault=type(error).__name__)
            if answered.status == 0:
                await _break(answered)
        finally:
            took = time.perf_counter() - began
            _log(scope, answered.status, took)
            _describe(span, scope, answered.status)
            if self._count is not None:
                self._count(_group(scope), answered.status, took)

    def _name(self, headers: Headers) -> str:
        given = headers.get(b"x-request-id", b"").decode("latin-1")
        return given if GIVEN_ID.fullmatch(given) else self._new_id()


class _Answered:
    """Adds the headers that every answer has, and notes its status."""

    def __init__(self, send: "Send", scope: "Scope", methods: Methods) -> None:
        self._head = scope["state"][HEADLESS]
        self._send = bodiless(send) if self._head else send
        self._scope = scope
        self._methods = methods
        self._id = scope["state"]["request_id"].encode()
        self.status = 0

    async def __call__(self, message: "Message") -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            given = {name.lower() for name, _ in message["headers"]}
            added = [header for header in DEFAULTS if header[0] not in given]
            message["headers"] = [*message["headers"], *added, (b"x-request-id", self._id)]
            if b"allow" in given and not self._head:
                message["headers"] = list(map(self._allowing, message["headers"]))
        await self._send(message)

    def _allowing(self, header: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
        name, value = header
        if name.lower() != b"allow":
            return header
        known = self._methods.get(str(self._scope.get("path_template", "")))
        return name, known or allowed(value)


async def _break(send: "Send") -> None:
    head: Any = {
        "type": "http.response.start",
        "status": 500,
        "headers": [(b"content-type", b"application/problem+json")],
    }
    await send(head)
    await send({"type": "http.response.body", "body": BROKEN, "more_body": False})


def _trace(span: Span) -> dict[str, str]:
    context = span.get_span_context()
    return {"trace": f"{context.trace_id:032x}"} if context.is_valid else {}


def _describe(span: Span, scope: "Scope", status: int) -> None:
    if not span.is_recording():
        return
    method, route = _method(scope), str(scope.get("path_template", ""))
    span.update_name(f"{method} {route}".rstrip())
    span.set_attributes(
        {
            "http.request.method": method,
            "http.route": route,
            "http.response.status_code": status,
            "usher.request": str(scope["state"]["request_id"]),
            "usher.tenant": str(scope.get("path_params", {}).get("tenant_id", "")),
        }
    )
    if status >= 500:
        span.set_status(StatusCode.ERROR)


def _method(scope: "Scope") -> str:
    """Return the method; of those that are a caller's own words, `_OTHER`."""
    method = "HEAD" if scope["state"][HEADLESS] else str(scope.get("method"))
    return method if method in METHODS else "_OTHER"


def _group(scope: "Scope") -> str:
    """Return the group of a route, as the description has it. A path that is none's has none."""
    handler = scope.get("route_handler")
    return min(getattr(handler, "tags", None) or ("none",))


def _log(scope: "Scope", status: int, seconds: float) -> None:
    state = scope["state"]
    LOG.info(
        "request",
        method=_method(scope),
        route=str(scope.get("path_template", "")),
        tenant=str(scope.get("path_params", {}).get("tenant_id", "")),
        actor=state["origin"].actor if "origin" in state else "",
        status=status,
        ms=round(seconds * 1000, 1),
    )
