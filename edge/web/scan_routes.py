"""Scans of browsers, and what staff do about them."""

from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery

from edge.gate.state import Findings, IncidentShown, LaneState
from edge.gate.verdict import Verdict
from edge.web import asked, drawing
from edge.web.house import House
from edge.web.limits import FRAME_BYTES
from edge.web.ports import NotRead
from edge.web.problems import Problem

PICTURES = ("image/jpeg", "image/png", "image/webp")


class Seen(msgspec.Struct, frozen=True):
    """What came of a picture."""

    verdict: Verdict | None
    seen: int  # codes in it


class Challenge(msgspec.Struct, frozen=True):
    """Four bytes on show, as hex."""

    challenge: str


class Recent(msgspec.Struct, frozen=True):
    """The last verdicts, the newest first."""

    recent: list[Verdict]


class Unsettled(msgspec.Struct, frozen=True):
    """Incidents, what changed last first."""

    incidents: list[IncidentShown]


@post("/scan", status_code=200)
async def scan(
    request: Request[Any, Any, Any],
    house: NamedDependency[House],
    lane: NamedDependency[LaneState],
) -> Verdict:
    """Decide a code that the browser read."""
    said = await asked.read(request, asked.Scan)
    station = house.gate.station
    return await house.workers.scan(lambda: station.scan(said.text, lane.id, said.source))


@post("/frame", status_code=200, request_max_body_size=FRAME_BYTES)
async def frame(
    request: Request[Any, Any, Any],
    house: NamedDependency[House],
    lane: NamedDependency[LaneState],
) -> Seen:
    """Read the codes in a picture and decide them. For browsers that can't read codes."""
    reader, station = house.frames, house.gate.station
    if reader is None:
        raise Problem(503, "no_decoder")
    if lane.session is None and not lane.unattended:
        raise Problem(403, "not_signed_in")  # a stranger's picture is not even taken in
    if request.content_type[0] not in PICTURES:
        raise Problem(400, "picture_unreadable")
    with house.places:
        picture = await request.body()
        read = await reader.read(picture)
    if isinstance(read, NotRead):
        raise _unread(read)
    texts = tuple(read.texts)
    if not texts:
        return Seen(None, 0)
    verdict = await house.workers.scan(lambda: station.scan_several(texts, lane.id, "handheld"))
    return Seen(verdict, len(texts))


def _unread(read: NotRead) -> Problem:
    if read.reason == "refused":
        return Problem(400, "picture_unreadable")
    return Problem(503, "frames_busy" if read.reason == "busy" else "frames_failed")


@post("/resolve", status_code=200)
async def resolve(
    request: Request[Any, Any, Any],
    house: NamedDependency[House],
    lane: NamedDependency[LaneState],
) -> Verdict:
    """Decide a scan again, with what staff say of it."""
    said = await asked.read(request, asked.Resolve)
    act, desk = asked.checked(said.act), house.gate.desk
    return await house.workers.scan(lambda: desk.resolve(lane.id, said.scan, act, said.badge))


@post("/undo", status_code=200)
async def undo(
    request: Request[Any, Any, Any],
    house: NamedDependency[House],
    lane: NamedDependency[LaneState],
) -> Verdict:
    """Take an admission back."""
    said = await asked.read(request, asked.Undo)
    desk = house.gate.desk
    return await house.workers.scan(lambda: desk.undo(lane.id, said.scan, said.badge))


@post("/challenge", status_code=200)
async def challenge(house: NamedDependency[House], lane: NamedDependency[LaneState]) -> Challenge:
    """Show four new bytes for the guest's phone to answer."""
    desk = house.gate.desk
    return Challenge(await house.workers.scan(lambda: desk.challenge(lane.id)))


@get("/challenge.svg", sync_to_thread=False)
def challenge_code(
    house: NamedDependency[House], lane: NamedDependency[LaneState]
) -> Response[bytes]:
    """Draw the challenge on show."""
    shown = house.gate.lanes.lane(lane.id).challenged(house.seconds())
    if shown is None:
        raise Problem(404, "no_challenge")
    return Response(drawing.code(shown.hex().upper()), media_type="image/svg+xml")


@get("/search")
async def search(
    house: NamedDependency[House], lane: NamedDependency[LaneState], q: FromQuery[str] = ""
) -> Findings:
    """Find tickets by name, seat or order."""
    desk, words = house.gate.desk, q[:200]
    return await house.workers.read(lambda: desk.find(lane.id, words))


@post("/by-hand", status_code=200)
async def by_hand(
    request: Request[Any, Any, Any],
    house: NamedDependency[House],
    lane: NamedDependency[LaneState],
) -> Verdict:
    """Decide on a ticket that was found."""
    said = await asked.read(request, asked.ByHand)
    act, desk = asked.checked(said.act), house.gate.desk
    return await house.workers.scan(lambda: desk.by_hand(lane.id, said.ticket, act))


@get("/incidents")
async def incidents(house: NamedDependency[House], lane: NamedDependency[LaneState]) -> Unsettled:
    """Tell a supervisor what the cloud says a person must settle."""
    desk = house.gate.desk
    return Unsettled(await house.workers.read(lambda: desk.incidents(lane.id)))


@get("/recent", sync_to_thread=False)
def recent(house: NamedDependency[House], lane: NamedDependency[LaneState]) -> Recent:
    """Tell of the lane's last scans."""
    return Recent(house.gate.board.recent(lane.id))


ROUTES = (
    scan, frame, resolve, undo, challenge, challenge_code, search, by_hand, incidents, recent,
)  # fmt: skip
