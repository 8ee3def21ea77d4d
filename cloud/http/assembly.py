"""A kernel and the features' routes, put together into one application."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, Final

from litestar import Litestar, Router
from litestar.config.cors import CORSConfig
from litestar.di import Provide
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme

from cloud.http.body import StrictRequest
from cloud.http.bulkheads import Bulkheads
from cloud.http.dependencies import DEPENDENCIES
from cloud.http.description import PATH, Description
from cloud.http.envelope import Count, Envelope
from cloud.http.front import Front
from cloud.http.heading import methods_of
from cloud.http.idempotency import Replay, on_replay
from cloud.http.kernel import Kernel
from cloud.http.problems import HANDLERS
from cloud.http.unit import UnitOfWork

if TYPE_CHECKING:
    from litestar.types import ASGIApp, ControllerRouterHandler

Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]
DESCRIPTION: Final = """\
Sells, signs and serves event tickets.

Every refusal is a problem document (RFC 9457) with a stable `code`. A POST with an
`Idempotency-Key` may be sent again: it has one effect and one answer. Lists come in pages; hand
`next` back as `cursor`. Money is in minor units, times are RFC 3339 in UTC."""
SCHEMES: Final = {
    "bearer": SecurityScheme(
        type="http",
        scheme="bearer",
        bearer_format="JWT",
        description="An access token of /v1/sessions or /v1/oauth/token, or an API key (usk_…).",
    ),
    "device": SecurityScheme(
        type="apiKey",
        name="Authorization",
        security_scheme_in="header",
        description="`Usher1 …`: the request signed by an enrolled device.",
    ),
}


def assemble(
    kernel: Kernel,
    routes: Sequence["ControllerRouterHandler"],
    dependencies: Mapping[str, Any],
    *,
    lifespan: Sequence[Lifespan] = (),
    cors_origins: Sequence[str] = (),
    version: str = "",
    count: Count | None = None,
    bulkheads: Bulkheads | None = None,
    trace_share: float | None = None,
) -> "ASGIApp":
    """Return the application. `dependencies`: objects that routes ask for by name."""
    given = {name: Provide(_constant(value), sync_to_thread=False, use_cache=True)
             for name, value in {"kernel": kernel, **dependencies}.items()}  # fmt: skip
    litestar = Litestar(
        route_handlers=list(routes),
        dependencies=DEPENDENCIES | given,
        middleware=[Front(kernel), *([bulkheads] if bulkheads else []), UnitOfWork(kernel)],
        request_class=StrictRequest,
        exception_handlers={**HANDLERS, Replay: on_replay},
        lifespan=list(lifespan),
        cors_config=_cors(cors_origins),
        openapi_config=_openapi(version),
        request_max_body_size=None,  # Front caps each route by itself
        logging_config=None,
    )
    methods = methods_of(litestar)
    return Envelope(litestar, kernel.new_id, methods, count, share=trace_share)


def _constant(value: object) -> Callable[[], Any]:
    def provide() -> Any:
        return value

    return provide


def _cors(origins: Sequence[str]) -> CORSConfig | None:
    if not origins:
        return None
    return CORSConfig(
        allow_origins=list(origins),
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=["authorization", "content-type", "idempotency-key", "if-none-match",
                       "x-request-id"],
        expose_headers=["etag", "idempotent-replayed", "location", "retry-after", "usher-data-age",
                        "usher-waiting", "x-request-id"],
        max_age=600,
    )  # fmt: skip


def _openapi(version: str) -> OpenAPIConfig:
    description = Description()
    return OpenAPIConfig(
        title="Usher",
        version=version or "0",
        description=DESCRIPTION,
        openapi_router=Router(
            PATH, route_handlers=[], include_in_schema=False, before_request=description.answer
        ),
        render_plugins=[description],
        components=Components(security_schemes=dict(SCHEMES)),
        use_handler_docstrings=True,
    )
