"""What screens hear while they are open: verdicts as they fall, and a beat that says we live.

A page that misses beats shows that the gate's computer does not answer; so a beat is sent only
after the gate itself has answered, and never from a timer alone.
"""

import asyncio
from contextlib import suppress
from typing import Any, Final, Literal

import msgspec
from litestar import WebSocket, websocket
from litestar.di import NamedDependency
from litestar.exceptions import WebSocketDisconnect

from edge.errors import Refused
from edge.gate.bus import LaneChanged, Subscription
from edge.gate.state import Counts, LaneState, Status
from edge.gate.verdict import Verdict
from edge.web.house import House

GONE = 4404  # the lane is: the page asks for a new one


class Beat(msgspec.Struct, frozen=True, tag="beat"):
    """How everything is at this moment."""

    status: Status
    counts: Counts


class Fallen(msgspec.Struct, frozen=True, tag="verdict"):
    """A verdict."""

    verdict: Verdict


class Changed(msgspec.Struct, frozen=True, tag="lane"):
    """The lane was set differently, or somebody signed in or out."""

    lane: LaneState
    challenge: str  # 8 hex digits on show, or empty


Said = Beat | Fallen | Changed


class Here(msgspec.Struct, frozen=True):
    """All that a screen ever says."""

    type: Literal["here"]


HERE: Final = msgspec.json.Decoder(Here)


@websocket("/live")
async def live(
    socket: WebSocket[Any, Any, Any],
    house: NamedDependency[House],
    lane: NamedDependency[LaneState],
) -> None:
    """Tell a screen what happens at its lane."""
    await socket.accept()
    try:
        async with house.gate.bus.subscribe(lane.id) as news:
            await _greet(socket, house, lane.id)
            async with asyncio.TaskGroup() as tasks:
                telling = (
                    tasks.create_task(_beat(socket, house, lane)),
                    tasks.create_task(_tell(socket, house, lane.id, news)),
                )
                await _listen(socket)
                for task in telling:
                    task.cancel()
    except* Refused:
        with suppress(OSError):  # it may have gone by itself meanwhile
            await socket.close(GONE, "lane_unknown")
    except* OSError:
        pass  # the client went away while we spoke


async def _greet(socket: WebSocket[Any, Any, Any], house: House, lane: str) -> None:
    """Tell a new screen all that it has to show."""
    await _send(socket, _changed(house, lane))
    await _send(socket, await _now(house, lane))
    shown = house.gate.lanes.lane(lane).shown
    if shown is not None:
        await _send(socket, Fallen(shown))


async def _beat(socket: WebSocket[Any, Any, Any], house: House, lane: LaneState) -> None:
    while await house.still(socket.scope, lane):
        await asyncio.sleep(house.limits.beat_seconds)
        await _send(socket, await _now(house, lane.id))
    raise Refused("lane_unknown")


async def _tell(
    socket: WebSocket[Any, Any, Any], house: House, lane: str, news: Subscription
) -> None:
    async for each in news:
        said = _changed(house, lane) if isinstance(each, LaneChanged) else Fallen(each)
        await _send(socket, said)


async def _listen(socket: WebSocket[Any, Any, Any]) -> None:
    """Wait until the client has gone, or has said what it has no business saying."""
    try:
        while True:
            HERE.decode(await socket.receive_data(mode="text"))
    except WebSocketDisconnect:
        return
    except (msgspec.MsgspecError, RecursionError):
        await socket.close(1008, "bad_request")


async def _now(house: House, lane: str) -> Beat:
    board = house.gate.board
    return await house.workers.read(lambda: Beat(board.status(), board.counts(lane)))


def _changed(house: House, lane: str) -> Changed:
    lanes = house.gate.lanes
    challenge = lanes.lane(lane).challenged(house.seconds())
    return Changed(lanes.get(lane), challenge.hex() if challenge else "")


async def _send(socket: WebSocket[Any, Any, Any], said: Said) -> None:
    await socket.send_data(msgspec.json.encode(said))
