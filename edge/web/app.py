"""The HTTP side of a gate, put together.

app = create_app(gate, frames, cameras, health, settings.web, keys)
await serve(app, server_context(certificate, key), host, port)
"""

from litestar import Litestar, Router
from litestar.di import Provide
from litestar.types import ControllerRouterHandler

from edge.gate.gate import Gate
from edge.settings import WebSettings
from edge.web import (
    house,
    lane_routes,
    live,
    open_routes,
    page_routes,
    preview_routes,
    problems,
    scan_routes,
    screens,
    third_party,
    tokens,
)
from edge.web.door import Door
from edge.web.house import House
from edge.web.limits import DEFAULT_LIMITS, Limits
from edge.web.ports import Cameras, FrameReader, Health
from edge.web.screens import Screens
from edge.web.tokens import Keys
from edge.web.workers import Places


def create_app(
    gate: Gate,
    frames: FrameReader | None,
    cameras: Cameras,
    health: Health,
    settings: WebSettings,
    keys: Keys,
    *,
    limits: Limits = DEFAULT_LIMITS,
    shown: Screens | None = None,
) -> Litestar:
    """Return the application. `keys`: what `tokens.hashed` makes of lanes' keys, with the lane."""
    shared = House(
        gate=gate,
        frames=frames,
        cameras=cameras,
        health=health,
        keys=tokens.Remembered(keys),
        limits=limits,
        screens=shown or screens.ours(),
        places=Places(limits.frames_at_once),
    )
    app = Litestar(
        route_handlers=_routers(),
        dependencies={"house": Provide(lambda: shared, sync_to_thread=False)},
        exception_handlers=problems.HANDLERS,
        after_exception=[problems.note_fault],
        request_max_body_size=limits.json_bytes,
        openapi_config=None,
        logging_config=None,
        debug=False,
    )
    app.asgi_handler = Door(app.asgi_handler, settings.names, limits)
    return app


def _routers() -> list[ControllerRouterHandler]:
    browser = {"lane": Provide(house.browser_lane)}
    keyed = {"keyed": Provide(house.keyed_lane)}
    own = [house.own_pages_only]
    api = (*lane_routes.ROUTES, *scan_routes.ROUTES, live.live)
    return [
        Router("/api", route_handlers=api, dependencies=browser, guards=own),
        Router("/v1", route_handlers=third_party.ROUTES, dependencies=keyed),
        Router("/", route_handlers=preview_routes.ROUTES, dependencies=browser),
        Router("/", route_handlers=(*page_routes.ROUTES, *open_routes.ROUTES)),
    ]
