"""What all routes share, and the lane that a request speaks for."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from litestar.connection import ASGIConnection
from litestar.di import NamedDependency
from litestar.enums import ScopeType
from litestar.handlers import BaseRouteHandler
from litestar.types import Scope

from edge.errors import Refused
from edge.gate.gate import Gate
from edge.gate.state import LaneState
from edge.store.database import StorageFailed
from edge.web import problems, tokens
from edge.web.door import header
from edge.web.limits import Limits
from edge.web.ports import Cameras, FrameReader, Health
from edge.web.problems import Problem
from edge.web.screens import Screens
from edge.web.workers import Places, Workers

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class House:
    """Built once, by `create_app`."""

    gate: Gate
    frames: FrameReader | None
    cameras: Cameras
    health: Health
    keys: tokens.Keys
    limits: Limits
    screens: Screens
    places: Places
    workers: Workers = field(default_factory=Workers)
    seconds: Callable[[], float] = time.monotonic  # the clock that the gate's challenges go by

    @property
    def camera_names(self) -> frozenset[str]:
        """The cameras that this device has."""
        return frozenset(camera.name for camera in self.gate.settings.cameras)

    async def lane_of_cookie(self, scope: Scope) -> LaneState | None:
        """Return the lane of a browser, if it has one. A handheld's comes back by itself."""
        token_hash = _token_hash(scope)
        if not token_hash:
            return None
        if (kiosk := await self.keyed(token_hash, "kiosk")) is not None:
            return kiosk
        lanes = self.gate.lanes
        return lanes.by_token(token_hash) or await self.workers.read(
            lambda: lanes.open_handheld(token_hash)
        )

    async def still(self, scope: Scope, lane: LaneState) -> bool:
        """Whether a browser may go on listening: a kiosk's key may have been replaced."""
        return lane.kind != "kiosk" or await self.keyed(_token_hash(scope), "kiosk") is not None

    async def keyed(self, token_hash: str, kind: str) -> LaneState | None:
        """Return the lane of this kind that a key opens."""
        lane = (await self.workers.read(self.keys)).get(token_hash)
        if lane is None:
            return None
        state = self.gate.lanes.get(lane)
        return state if state.kind == kind else None


def _token_hash(scope: Scope) -> str:
    """Return what is kept of a browser's token; empty where it has none of ours."""
    token = ASGIConnection[Any, Any, Any, Any](scope).cookies.get(tokens.LANE, "")
    return tokens.hashed(token) if tokens.well_formed(token) else ""


async def browser_lane(house: NamedDependency[House], scope: Scope) -> LaneState:
    """Return the lane that a browser's request speaks for."""
    try:
        lane = await house.lane_of_cookie(scope)
    except Refused as error:
        raise problems.refused(error) from None
    except StorageFailed:
        raise Problem(503, "storage_failed") from None
    if lane is None:
        raise Problem(401, "no_lane")
    return lane


async def keyed_lane(house: NamedDependency[House], scope: Scope) -> LaneState:
    """Return the lane that a third party's key opens."""
    kind, _, key = header(scope, b"authorization").partition(" ")
    lane = await house.keyed(tokens.hashed(key), "api")
    if lane is None or kind.lower() != "bearer":
        raise Problem(401, "api_key")
    return lane


def own_pages_only(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Let pass what our own pages send: whatever changes something, and every WebSocket.

    No other site can add X-Usher to a request, nor leave out or choose the Origin. A browser
    sends a WebSocket's handshake with an Origin and without our header.
    """
    scope: Any = connection.scope  # of either kind
    origin = header(scope, b"origin")
    ours = f"https://{header(scope, b'host')}".lower()
    if scope["type"] == ScopeType.WEBSOCKET:
        allowed = origin.lower() == ours
    elif scope["method"] in SAFE:
        allowed = True
    else:
        absent = not any(name == b"origin" for name, _ in scope["headers"])
        allowed = header(scope, b"x-usher") == "1" and (absent or origin.lower() == ours)
    if not allowed:
        raise Problem(403, "origin")
