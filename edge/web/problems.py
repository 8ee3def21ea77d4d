"""What goes wrong with a request, as problem+json (RFC 9457) with a stable code.

The title is English and fixed for each code. Nothing of what a client sent is repeated, and
nothing of what went wrong inside is told: that goes to the log, without texts of codes.
"""

import logging
import traceback
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, LitestarException, WebSocketException
from litestar.routes import HTTPRoute
from litestar.types import Scope
from litestar.utils import normalize_path
from uvicorn.protocols.utils import ClientDisconnected

from edge import errors
from edge.errors import Refused
from edge.store.database import StorageFailed
from edge.web import headers

log = logging.getLogger("usher.web")
MEDIA_TYPE: Final = "application/problem+json"

SENTENCES: Final[Mapping[str, str]] = {
    "bad_request": "That request can't be understood.",
    "body_malformed": "The body is not what this address takes.",
    "picture_unreadable": "That is no picture this gate can read.",
    "no_lane": "This browser has no lane here. Open the handheld's page, or the kiosk's address.",
    "api_key": "That key opens no lane.",
    "origin": "Only this gate's own pages may ask for that.",
    "kiosk_key": "That key belongs to no kiosk of this gate.",
    "preview_refused": "Only this camera's kiosk and technicians may see that.",
    "not_found": "There is nothing at this address.",
    "no_challenge": "No challenge is on show.",
    "method_not_allowed": "This address can't be used in that way.",
    "body_slow": "The body came too slowly.",
    "body_too_large": "The body is too large.",
    "headers_too_large": "The address and the headers are too large.",
    "wrong_host": "This gate does not go by that name.",
    "server_fault": "Something in this gate broke. It is in the log.",
    "frames_busy": "Too many pictures at once. Send the next one later.",
    "frames_failed": "Reading that picture failed. Send another one.",
    "no_decoder": "This gate can't read pictures.",
}
# What is refused to staff, where it is not a plain 403.
STATUSES: Final[Mapping[str, int]] = {
    "lane_unknown": 404,
    "post_event": 422,
    "post_gate": 422,
    "post_direction": 422,
    "scan_unknown": 404,
    "nothing_to_undo": 409,
    "override_reason": 422,
    "ticket_unknown": 404,
    "no_search_list": 409,
    "too_many_lanes": 503,
    "storage_failed": 503,
    "gate_locked": 409,
}
BY_STATUS: Final[Mapping[int, str]] = {
    404: "not_found",
    405: "method_not_allowed",
    413: "body_too_large",
}


class Problem(WebSocketException):
    """A request that gets a problem for an answer. On a WebSocket, the handshake fails by it."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(detail=code, code=4000 + status)
        self.status = status
        self.problem = code


def known(code: str) -> bool:
    """Whether a code is one that clients may be told."""
    return code in SENTENCES or code in errors.SENTENCES


def title(code: str) -> str:
    """Return the sentence of a code."""
    return SENTENCES[code] if code in SENTENCES else errors.SENTENCES[code]


def body(status: int, code: str) -> bytes:
    """Return a problem's body."""
    told = {"type": "about:blank", "title": title(code), "status": status, "code": code}
    return msgspec.json.encode(told)


def raw(status: int, code: str) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Return all headers and the body of a problem that no framework helps to send."""
    content = body(status, code)
    sent = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", str(len(content)).encode()),
    ]
    return headers.completed(sent), content


def respond(status: int, code: str, more: Mapping[str, str] | None = None) -> Response[bytes]:
    """Return the response that tells of a problem."""
    sent = dict(more or {})
    if code == "body_slow":
        sent["connection"] = "close"  # nobody waits for the rest
    content = body(status, code)
    return Response(content, status_code=status, media_type=MEDIA_TYPE, headers=sent)


def refused(error: Refused) -> Problem:
    """Return the problem that a refusal is over HTTP."""
    return Problem(STATUSES.get(error.code, 403), error.code)


def of_problem(_: Request[Any, Any, Any], error: Problem) -> Response[bytes]:
    """Answer with the problem that was raised."""
    return respond(error.status, error.problem)


def of_refused(_: Request[Any, Any, Any], error: Refused) -> Response[bytes]:
    """Answer with what the gate refused."""
    made = refused(error)
    return respond(made.status, made.problem)


def of_storage(_: Request[Any, Any, Any], __: StorageFailed) -> Response[bytes]:
    """Answer that the disk fails."""
    return respond(503, "storage_failed")


def of_http(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """Answer what the framework found wrong, in our words."""
    status = error.status_code
    if status >= 500:
        return respond(500, "server_fault")
    sent = {"allow": ", ".join(_methods(request))} if status == 405 else {}
    return respond(status, BY_STATUS.get(status, "bad_request"), sent)


def _methods(request: Request[Any, Any, Any]) -> list[str]:
    """Return how an address can be used. Those with a name in them can only be got."""
    path = normalize_path(request.scope["path"])
    routes = (route for route in request.app.routes if isinstance(route, HTTPRoute))
    exact = [sorted(map(str, route.methods)) for route in routes if route.path == path]
    return exact[0] if exact else ["GET", "OPTIONS"]


def of_fault(_: Request[Any, Any, Any], __: Exception) -> Response[bytes]:
    """Answer a fault of ours."""
    return respond(500, "server_fault")


async def note_fault(error: Exception, _: Scope) -> None:
    """Log a fault of ours; what clients do wrong is not one."""
    if not isinstance(error, Refused | WebSocketException | HTTPException | ClientDisconnected):
        note(error)


def note(error: BaseException) -> None:
    """Log what broke and where, and not what it says: that may repeat a guest's code."""
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            note(each)
        return
    if isinstance(error, LitestarException) and error.__cause__ is not None:
        note(error.__cause__)  # the framework's own says only that an answer had begun
        return
    frames = traceback.extract_tb(error.__traceback__)
    where = " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames[-6:]))
    log.error("%s in %s", type(error).__name__, where)


HANDLERS: Final[dict[int | type[Exception], Any]] = {
    Problem: of_problem,
    Refused: of_refused,
    StorageFailed: of_storage,
    HTTPException: of_http,
    Exception: of_fault,
}
