"""Refusals and faults as RFC 9457 problem documents: the only place that knows both.

    {"type": "/problems/sold_out", "title": …, "status": 409, "code": "sold_out",
     "request_id": …, "errors": [{"field": "/items/0", "accepted": …}]}

No stack trace, SQL or other tenant's data is ever in one: whatever is not a `Refusal` is
logged, and answered `internal`.
"""

import re
from typing import Any, Final

import asyncpg
import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from cloud.errors import Refusal
from cloud.http.catalogue import CATALOGUE

UNFIT: Final = "unfit"  # in a request's state: why its body is refused (cloud/http/body.py)
LONGEST_MESSAGE: Final = 300  # characters; an unknown member's name may be long
MEDIA_TYPE: Final = "application/problem+json"
LOG = structlog.get_logger("usher.http")
# What a second try may cure: nobody's request is wrong.
RETRIABLE: Final = (
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.LockNotAvailableError,
)
AWAY: Final = (
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the connection broke in the middle of an exchange
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # it starts, stops, has crashed, or took too long
    asyncpg.ReadOnlySQLTransactionError,  # it is a standby now
    asyncpg.TooManyConnectionsError,
    ConnectionError,
    TimeoutError,
    OSError,
)
BY_STATUS: Final = {
    401: "credentials_missing",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    413: "body_too_large",
    415: "media_type",
    429: "rate_limited",
    503: "unavailable",
}


# How msgspec puts it: "Expected `int`, got `str` - at `$.items[0].quantity`".
SAID: Final = re.compile(r"(?P<what>.*?)(?: - at `\$(?P<path>[^`]*)`)?", re.DOTALL)
EXPECTED: Final = re.compile(r"Expected (.+?)(?:, got .*)?", re.DOTALL)
MISSING: Final = re.compile(r"Object missing required field `([^`]*)`")


class FieldError(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which part of the request was not taken, and what would be."""

    field: str
    accepted: str = ""


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """A problem document (RFC 9457). `code` is stable; `title` is its English sentence."""

    type: str
    title: str
    status: int
    code: str
    request_id: str = ""
    errors: tuple[FieldError, ...] = ()


def answer(refusal: Refusal, request_id: str) -> Response[Any]:
    """Return the response that a refusal is."""
    entry = CATALOGUE[refusal.code]
    errors = (FieldError(refusal.field, refusal.accepted),) if _says_more(refusal) else ()
    document = msgspec.to_builtins(
        Problem(
            f"/problems/{refusal.code}",
            entry.sentence,
            entry.status,
            refusal.code,
            request_id,
            errors,
        )
    )
    headers = {"WWW-Authenticate": "Bearer"} if entry.status == 401 else {}
    if (wait := refusal.facts.get("retry_after")) is not None or entry.status == 503:
        headers["Retry-After"] = str(wait or 1)
    return Response(
        document | msgspec.to_builtins(refusal.facts),
        status_code=entry.status,
        media_type=MEDIA_TYPE,
        headers=headers,
    )


def on_refusal(request: Request[Any, Any, Any], refusal: Refusal) -> Response[Any]:
    """Answer what the service refuses."""
    return answer(refusal, request_id(request))


def on_validation(request: Request[Any, Any, Any], error: ValidationException) -> Response[Any]:
    """Answer a request that is not in the declared form; values sent are never echoed.

    Where a route judges its caller itself, who shows no credentials is told that first.
    """
    if _is_nobody(request):
        return answer(Refusal("credentials_missing"), request_id(request))
    if (unfit := request.scope["state"].get(UNFIT)) is not None:
        return answer(unfit, request_id(request))
    extra = error.extra
    if not (isinstance(extra, list) and extra and isinstance(extra[0], dict)):
        return answer(Refusal("invalid_request"), request_id(request))
    key, said = (str(extra[0].get(name, "")) for name in ("key", "message"))
    if extra[0].get("source", "body") == "body":
        refusal = refused_value(said, "" if key == "data" else f".{key}")
    else:
        refusal = Refusal("invalid_request", field=key, accepted=_wanted(said))
    return answer(refusal, request_id(request))


def on_http(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    """Answer what the framework refuses by itself."""
    if error.status_code >= 500 and error.status_code != 503:
        return on_fault(request, error)
    code = BY_STATUS.get(error.status_code, "invalid_request")
    response = answer(Refusal(code), request_id(request))
    response.headers.update(error.headers or {})
    return response


def on_fault(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Answer what nobody foresaw. It is logged by type and place, never by content."""
    if isinstance(error, asyncpg.CheckViolationError) and error.constraint_name == "legal_move":
        return answer(Refusal("illegal_move"), request_id(request))
    if isinstance(error, RecursionError | UnicodeDecodeError):  # a body too deep, or no UTF-8
        return answer(Refusal("body_malformed"), request_id(request))
    if isinstance(error, asyncpg.DataError):  # a NUL in a text, a number or a time out of range
        LOG.warning("value_refused", fault=type(error).__name__, places=_places(error))
        return answer(Refusal("invalid_request"), request_id(request))
    if isinstance(error, RETRIABLE):
        request.scope["state"]["retriable"] = True
        return answer(Refusal("busy"), request_id(request))
    code = "unavailable" if isinstance(error, AWAY) else "internal"
    LOG.error("request_failed", fault=type(error).__name__, code=code, places=_places(error))
    return answer(Refusal(code), request_id(request))


def request_id(request: Request[Any, Any, Any]) -> str:
    """Return the id that this request is logged under."""
    return str(request.scope["state"].get("request_id", ""))


def _is_nobody(request: Request[Any, Any, Any]) -> bool:
    principal = request.scope["state"].get("principal")
    anyone = request.route_handler.opt.get("access") == "anyone"
    return not anyone and principal is not None and principal.kind == "anonymous"


def _says_more(refusal: Refusal) -> bool:
    return bool(refusal.field or refusal.accepted)


def refused_value(said: str, field: str = "") -> Refusal:
    """Return the refusal of a body, from what msgspec says is wrong in it, or in its `field`."""
    match = SAID.fullmatch(said)
    what, path = (match["what"], match["path"] or "") if match else ("", "")
    pointer = re.sub(r"\[(\d+)\]", r"/\1", field + path).replace(".", "/")
    if missing := MISSING.fullmatch(what):
        return Refusal("invalid_request", field=f"{pointer}/{missing[1]}", accepted="a value")
    return Refusal("invalid_request", field=pointer, accepted=_wanted(what))


def _wanted(what: str) -> str:
    """Return what would be taken, without the value that was sent."""
    if what.startswith("Invalid enum value"):
        return "one of the declared values"
    if what.startswith("Object contains unknown field"):
        return "the declared fields alone"
    if expected := EXPECTED.fullmatch(what):
        return expected[1].replace("`", "")[:LONGEST_MESSAGE]
    return what[:LONGEST_MESSAGE]


def _places(error: BaseException) -> str:
    """Return where it was raised: files and lines, without the values in its message."""
    places, traceback = [], error.__traceback__
    while traceback is not None:
        code = traceback.tb_frame.f_code
        places.append(f"{code.co_filename.rpartition('/cloud/')[2]}:{traceback.tb_lineno}")
        traceback = traceback.tb_next
    return " > ".join(places[-6:])


HANDLERS: Final[dict[int | type[Exception], Any]] = {
    Refusal: on_refusal,
    ValidationException: on_validation,
    HTTPException: on_http,
    Exception: on_fault,
}
