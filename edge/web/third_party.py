"""/v1: lanes of third parties. A key of the lane is all it takes, and all there is to lose."""

from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency

from edge.gate.state import Counts, LaneState
from edge.gate.verdict import Verdict
from edge.web import asked, openapi
from edge.web.house import House


class LaneAndCounts(msgspec.Struct, frozen=True):
    """How a lane is set, and how many people passed."""

    lane: LaneState
    counts: Counts


@post("/scan", status_code=200)
async def scan(
    request: Request[Any, Any, Any],
    house: NamedDependency[House],
    keyed: NamedDependency[LaneState],
) -> Verdict:
    """Decide a code."""
    said = await asked.read(request, asked.LaneScan)
    station = house.gate.station
    return await house.workers.scan(lambda: station.scan(said.text, keyed.id, "api", said.people))


@get("/lane")
async def lane(house: NamedDependency[House], keyed: NamedDependency[LaneState]) -> LaneAndCounts:
    """Tell how the lane is set."""
    counts = await house.workers.read(lambda: house.gate.board.counts(keyed.id))
    return LaneAndCounts(keyed, counts)


@get("/openapi.json", sync_to_thread=False)
def description() -> Response[bytes]:
    """Describe these addresses, by OpenAPI."""
    return Response(openapi.document(), media_type="application/json")


ROUTES = (scan, lane, description)
