"""A request's headers, each once; and HEAD, which is GET without what it would bring (RFC 9110).

What is a list may come in several lines, which mean one (5.3). Of what has one value a second is
refused: another reader, a proxy say, may take the one that we don't.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from litestar import Litestar
from litestar.routes import HTTPRoute

from cloud.errors import Refusal

if TYPE_CHECKING:
    from litestar.types import Message, Scope, Send

Headers = dict[bytes, bytes]
Methods = Mapping[str, bytes]  # by a path's template, as Allow has them
HEADLESS: Final = "head"  # in a request's state: whether it is HEAD
# Two Content-Lengths end in the parser, two traceparents are none.
SINGLE: Final = frozenset({
    b"authorization", b"content-type", b"host", b"idempotency-key", b"stripe-signature",
})  # fmt: skip


def gathered(raw: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Return the value of each header; several lines of one are a list."""
    lines = list(raw)
    headers = dict(lines)
    if len(headers) < len(lines):
        for name in headers:
            headers[name] = b", ".join(value for each, value in lines if each == name)
    return headers


def refuse_repeated(raw: Iterable[tuple[bytes, bytes]]) -> None:
    """Refuse a second value of a header that has one."""
    seen = set()
    for name, _ in raw:
        if name in seen and name in SINGLE:
            raise Refusal("header_repeated", field=name.decode(), accepted="one value")
        seen.add(name)


def as_get(scope: "Scope") -> "Scope":
    """Return the scope to answer a request by: that of GET, if it is HEAD."""
    head = scope.get("method") == "HEAD"
    scope["state"] = {**(scope.get("state") or {}), HEADLESS: head}
    made: Any = {**scope, "method": "GET"} if head else scope
    return made  # type: ignore[no-any-return]


def bodiless(send: "Send") -> "Send":
    """Return `send` that tells everything of an answer but its body."""

    async def telling(message: "Message") -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return telling


def methods_of(app: Litestar) -> Methods:
    """Return what may be asked of each path.

    litestar's own answer to OPTIONS knows those methods alone that were there before the last.
    """
    return {
        route.path_format: b", ".join(sorted(_methods(route)))
        for route in app.routes
        if isinstance(route, HTTPRoute)
    }


def _methods(route: HTTPRoute) -> Iterator[bytes]:
    for method, (handler, _) in route.route_handler_map.items():
        yield method.encode()
        if method == "GET" and not signs(handler.opt):
            yield b"HEAD"


def signs(opt: Mapping[str, Any]) -> bool:
    """Whether who asks signs the method as well: such a route has no HEAD."""
    return opt.get("access") == "device"


def allowed(value: bytes) -> bytes:
    """Return an Allow header with HEAD in it, where GET is."""
    methods = {each.strip() for each in value.split(b",")}
    return b", ".join(sorted(methods | ({b"HEAD"} if b"GET" in methods else set())))
