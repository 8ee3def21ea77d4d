"""The fake as an application: what is served, and the courier beside it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from litestar import Litestar, Request, Response, Router
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import HTTPException

from cloud.payments.fake import api, control, pages, refusals
from cloud.payments.fake.answers import Answer
from cloud.payments.fake.desk import Desk
from cloud.payments.fake.refusals import Refusal
from cloud.payments.fake.serving import respond

BODY_MAX = 256 * 1024


def create_app(desk: Desk) -> Litestar:
    """Return the application."""
    return Litestar(
        route_handlers=[
            Router("/", route_handlers=api.ROUTES),
            Router("/", route_handlers=control.ROUTES, guards=[control.keyed]),
            Router("/", route_handlers=pages.ROUTES, exception_handlers={Refusal: pages.refused}),
        ],
        dependencies={"desk": Provide(lambda: desk, sync_to_thread=False)},
        exception_handlers={HTTPException: _unserved, Refusal: _refused},
        lifespan=[_courier],
        state=State({"desk": desk}),
        request_max_body_size=BODY_MAX,
        openapi_config=None,
        logging_config=None,
        debug=False,
    )


@contextlib.asynccontextmanager
async def _courier(app: Litestar) -> AsyncIterator[None]:
    desk: Desk = app.state.desk
    sending = asyncio.create_task(desk.courier.run())
    try:
        yield
    finally:
        sending.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sending
        desk.database.close()


def _refused(_: Request[object, object, State], refusal: Refusal) -> Response[bytes]:
    return respond(Answer(refusal.status, refusal.body))


def _unserved(_: Request[object, object, State], error: HTTPException) -> Response[bytes]:
    said = refusals.error("invalid_request_error", error.detail)
    return respond(Answer(error.status_code, said))
