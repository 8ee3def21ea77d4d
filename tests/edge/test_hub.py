"""The agent's socket and bus go on, whatever one reading or one listener does."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edge.gate.bus import Bus, LaneChanged, News
from edge.gate.verdict import Verdict
from edge.link.cameras import Cameras
from edge.link.hub import Hub
from edge.link.messages import Answered, Hello, Message, Seen, encode
from edge.link.wire import receive
from shared.outcomes import Signal


async def reload() -> str:
    return ""


async def answer_after_a_fault(path: Path) -> tuple[Message | None, bool]:
    """Return what a camera hears after a reading that failed, and whether it is let go."""
    cameras, failed = Cameras(), asyncio.Event()

    async def scan(texts: Sequence[str], lane: str, source: str) -> Verdict:
        if "broken" in texts:
            failed.set()
            raise KeyError(lane)
        told: dict[str, Any] = {"scan": "1", "at": 0, "code": "admitted", "signal": Signal.ADMIT}
        return Verdict(lane=lane, source=source, **told)

    hub = Hub(path, cameras, scan, reload)
    await hub.start()
    try:
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(encode(Hello("camera", "front", "kiosk")) + encode(Seen(("broken",), "raw")))
        await writer.drain()
        async with asyncio.timeout(10):
            await failed.wait()
            writer.write(encode(Seen(("good",), "raw")))
            answer = await receive(reader)
            writer.close()
            while cameras.get("front") is not None:  # noqa: ASYNC110  nothing tells when
                await asyncio.sleep(0)
        return answer, cameras.get("front") is None
    finally:
        await hub.stop()


def test_a_reading_that_fails_costs_no_camera(tmp_path: Path) -> None:
    """The next one is answered, and a camera that leaves is gone."""
    answer, gone = asyncio.run(answer_after_a_fault(tmp_path / "agent.sock"))
    assert answer == Answered("admitted", "green")
    assert gone


def test_a_listener_that_raises_silences_nobody() -> None:
    """What was decided is told to all others."""
    heard: list[News] = []

    def raises(_: News) -> None:
        raise ValueError

    bus = Bus()
    bus.listen(raises)
    bus.listen(heard.append)
    bus.publish(LaneChanged("kiosk"))
    assert heard == [LaneChanged("kiosk")]


async def complaints_of_a_stop(path: Path) -> list[str]:
    """Return what the loop complains of where a hub stops with a camera connected."""
    complaints: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, told: complaints.append(str(told["message"])))

    async def scan(texts: Sequence[str], lane: str, source: str) -> Verdict:
        raise KeyError(lane)

    cameras = Cameras()
    hub = Hub(path, cameras, scan, reload)
    await hub.start()
    _, writer = await asyncio.open_unix_connection(path)
    writer.write(encode(Hello("camera", "front", "kiosk")))
    async with asyncio.timeout(10):
        while cameras.get("front") is None:  # noqa: ASYNC110  nothing tells when
            await asyncio.sleep(0)
    await hub.stop()
    writer.close()
    for _ in range(5):
        await asyncio.sleep(0)
    return complaints


def test_a_stop_hangs_up_on_a_camera_quietly(tmp_path: Path) -> None:
    """Ctrl-C ends a gate whose camera is connected without a traceback on the screen."""
    assert asyncio.run(complaints_of_a_stop(tmp_path / "agent.sock")) == []
