"""What a browser's lane is, who works there and where it stands."""

from typing import Any

import msgspec
from litestar import Request, get, post
from litestar.di import NamedDependency

from edge.gate.acts import REASONS
from edge.gate.state import Counts, EventPosts, LaneState, Session, Status
from edge.web import asked
from edge.web.house import House
from edge.web.problems import Problem


class Whole(msgspec.Struct, frozen=True):
    """All that a page needs to begin."""

    lane: LaneState
    status: Status
    counts: Counts
    posts: list[EventPosts]
    languages: tuple[str, ...]
    quick_reasons: tuple[str, ...]


@get("/lane")
async def lane_state(house: NamedDependency[House], lane: NamedDependency[LaneState]) -> Whole:
    """Tell a page how its lane and this device are."""
    board = house.gate.board
    languages, reasons = house.screens.languages, tuple(REASONS)

    def look() -> Whole:
        return Whole(lane, board.status(), board.counts(lane.id), board.posts(), languages, reasons)

    return await house.workers.read(look)


@post("/sign-in", status_code=200)
async def sign_in(
    request: Request[Any, Any, Any],
    house: NamedDependency[House],
    lane: NamedDependency[LaneState],
) -> Session:
    """Begin a session by a PIN or by a badge."""
    said = await asked.read(request, asked.SignIn)
    staff = house.gate.staff
    if bool(said.pin) is bool(said.badge):
        raise Problem(400, "body_malformed")
    if said.badge:
        return await house.workers.sign(lambda: staff.sign_in_badge(lane.id, said.badge))
    return await house.workers.sign(lambda: staff.sign_in_pin(lane.id, said.pin))


@post("/sign-out", status_code=204)
async def sign_out(house: NamedDependency[House], lane: NamedDependency[LaneState]) -> None:
    """Lock the lane."""
    await house.workers.scan(lambda: house.gate.staff.sign_out(lane.id))


@post("/lane/post", status_code=200)
async def choose(
    request: Request[Any, Any, Any],
    house: NamedDependency[House],
    lane: NamedDependency[LaneState],
) -> LaneState:
    """Post the lane at a gate, in a direction."""
    said = await asked.read(request, asked.Choose)
    lanes = house.gate.lanes
    return await house.workers.scan(
        lambda: lanes.choose(lane.id, said.event, said.gate, exiting=said.exiting)
    )


@post("/lane/practice", status_code=200)
async def practise(
    request: Request[Any, Any, Any],
    house: NamedDependency[House],
    lane: NamedDependency[LaneState],
) -> LaneState:
    """Begin or end practice."""
    said = await asked.read(request, asked.Practise)
    return await house.workers.scan(lambda: house.gate.lanes.practise(lane.id, on=said.on))


ROUTES = (lane_state, sign_in, sign_out, choose, practise)
