"""/v1: lanes of third parties. A key of the lane is all it takes, and all there is to lose."""

from typing import Any, Final

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency

from edge.gate.state import Counts, LaneState, Status
from edge.gate.verdict import Verdict
from edge.web import asked, openapi
from edge.web.house import House

AGE: Final = "Usher-Data-Age"  # seconds; absent without a list
WAITING: Final = "Usher-Waiting"


class LaneAndCounts(msgspec.Struct, frozen=True):
    """How a lane is set, how many people passed, and how the gate does: how old its lists are, and
    how many of its records the cloud has not confirmed."""

    lane: LaneState
    counts: Counts
    status: Status


@post("/scan", status_code=200)
async def scan(
    request: Request[Any, Any, Any],
    house: NamedDependency[House],
    keyed: NamedDependency[LaneState],
) -> Response[Verdict]:
    """Decide a code. The head says how old the lists are, and how many records wait."""
    said = await asked.read(request, asked.LaneScan)
    station, board = house.gate.station, house.gate.board
    verdict, status = await house.workers.scan(
        lambda: (station.scan(said.text, keyed.id, "api", said.people), board.status())
    )
    return Response(verdict, headers=_head(status))


@get("/lane")
async def lane(house: NamedDependency[House], keyed: NamedDependency[LaneState]) -> LaneAndCounts:
    """Tell how the lane is set, and how the gate does."""
    board = house.gate.board
    counts, status = await house.workers.read(lambda: (board.counts(keyed.id), board.status()))
    return LaneAndCounts(keyed, counts, status)


@get("/openapi.json", sync_to_thread=False)
def description() -> Response[bytes]:
    """Describe these addresses, by OpenAPI."""
    return Response(openapi.document(), media_type="application/json")


def _head(status: Status) -> dict[str, str]:
    age = {} if status.data_age is None else {AGE: str(status.data_age)}
    return {**age, WAITING: str(status.waiting)}


ROUTES = (scan, lane, description)
