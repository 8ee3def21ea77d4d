"""Pages and the files that belong to them."""

from typing import Any, Final

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Redirect
from litestar.types import Scope

from edge.gate.state import LaneState
from edge.web import tokens
from edge.web.assets import Asset
from edge.web.house import House
from edge.web.problems import Problem

FOR_EVER: Final = "public, max-age=31536000, immutable"
ASK_AGAIN: Final = "no-cache"
NOT_MODIFIED: Final = 304


@get("/")
async def start(scope: Scope, house: NamedDependency[House]) -> Redirect:
    """Send a browser to the page of its lane."""
    lane = await house.lane_of_cookie(scope)
    kiosk = lane is not None and lane.kind == "kiosk"
    return Redirect("/kiosk" if kiosk else "/handheld", status_code=303)


@get("/kiosk")
async def kiosk(
    request: Request[Any, Any, Any], house: NamedDependency[House], key: FromQuery[str] = ""
) -> Response[Any]:
    """Show the kiosk of this browser; with a kiosk's key, make this browser that kiosk."""
    if key:
        return await _bound(house, key)
    lane = await house.lane_of_cookie(request.scope)
    if lane is None or lane.kind != "kiosk":
        return house.screens.page(request, "unbound.html")
    return house.screens.page(request, "kiosk.html", lane=lane)


async def _bound(house: House, key: str) -> Response[Any]:
    """Bind a browser. The key is the token: who changes the key locks every copy of it out."""
    if not tokens.well_formed(key) or await house.keyed(tokens.hashed(key), "kiosk") is None:
        raise Problem(403, "kiosk_key")
    response = Redirect("/kiosk", status_code=303)
    response.set_cookie(tokens.cookie(tokens.LANE, key))
    return response


@get("/handheld")
async def handheld(request: Request[Any, Any, Any], house: NamedDependency[House]) -> Response[Any]:
    """Show the handheld; a browser without a lane gets one."""
    lane = await house.lane_of_cookie(request.scope)
    if lane is not None and lane.kind == "kiosk":
        return Redirect("/kiosk", status_code=303)
    if lane is not None:
        return house.screens.page(request, "handheld.html", lane=lane)
    token = tokens.new_token()
    lane = await house.workers.read(lambda: _opened(house, token))
    response = house.screens.page(request, "handheld.html", lane=lane)
    response.set_cookie(tokens.cookie(tokens.LANE, token))
    return response


def _opened(house: House, token: str) -> LaneState:
    return house.gate.lanes.open_handheld(tokens.hashed(token))


@get("/health")
async def health(request: Request[Any, Any, Any], house: NamedDependency[House]) -> Response[Any]:
    """Show how this device does, to anybody."""
    checks = await house.workers.read(house.health.report)
    status = await house.workers.read(house.gate.board.status)
    return house.screens.page(request, "health.html", checks=checks, status=status)


@get("/static/{path:path}", sync_to_thread=False)
def static(request: Request[Any, Any, Any], house: NamedDependency[House]) -> Response[bytes]:
    """Send a file."""
    asset, for_ever = house.screens.files.asked(request.scope["path"].removeprefix("/static/"))
    return _sent(request, asset, FOR_EVER if for_ever else ASK_AGAIN)


@get(["/sw.js", "/manifest.webmanifest"], sync_to_thread=False)
def at_root(request: Request[Any, Any, Any], house: NamedDependency[House]) -> Response[bytes]:
    """Send a file that browsers look for at the root."""
    return _sent(request, house.screens.files.get(request.scope["path"][1:]), ASK_AGAIN)


def _sent(request: Request[Any, Any, Any], asset: Asset | None, caching: str) -> Response[bytes]:
    if asset is None:
        raise Problem(404, "not_found")
    headers = {"etag": asset.etag, "cache-control": caching}
    if request.headers.get("if-none-match") == asset.etag:
        return Response(b"", status_code=NOT_MODIFIED, headers=headers)
    return Response(asset.content, media_type=asset.media_type, headers=headers)


ROUTES = (start, kiosk, handheld, health, static, at_root)
