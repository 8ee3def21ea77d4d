"""Frames that are put at about the same time are written at once, in their order."""

import asyncio

from aiormq.abc import ChannelFrame

from cloud.broker.gathering import MOST, Gathering, joined
from tests.cloud.database import awaited


def frame(payload: bytes, *, close: bool = False) -> ChannelFrame:
    return ChannelFrame(payload, should_close=close)


def test_what_is_put_in_one_round_is_one_write() -> None:
    """However many put; and what comes later is a write of its own, behind it."""

    async def run() -> list[bytes]:
        behind: asyncio.Queue[ChannelFrame] = asyncio.Queue(1)
        gathering = Gathering(behind)
        await asyncio.gather(*(gathering.put(frame(b"%d" % n)) for n in range(9)))
        first = await behind.get()
        gathering.put_nowait(frame(b"x"))
        await gathering.put(frame(b"y"))
        return [first.payload, (await behind.get()).payload]

    assert awaited(run()) == [b"012345678", b"xy"]


def test_a_slow_socket_holds_up_and_loses_nothing() -> None:
    """What is put while a write waits goes behind it."""

    async def run() -> list[bytes]:
        behind: asyncio.Queue[ChannelFrame] = asyncio.Queue(1)
        gathering = Gathering(behind)
        for n in range(5):
            await gathering.put(frame(b"%d" % n))
            await asyncio.sleep(0.01)
        return [(await behind.get()).payload for _ in range(3)]

    assert awaited(run()) == [b"0", b"1", b"234"]


def test_what_is_waited_for_or_closes_stays_alone() -> None:
    async def run() -> list[tuple[bytes, bool]]:
        waited = ChannelFrame(
            b"w", should_close=False, drain_future=asyncio.get_running_loop().create_future()
        )
        frames = [frame(b"1"), frame(b"2"), waited, frame(b"3"), frame(b"end", close=True)]
        return [(each.payload, each.should_close) for each in joined(frames)]

    assert awaited(run()) == [(b"12", False), (b"w", False), (b"3", False), (b"end", True)]


def test_a_write_has_a_bound() -> None:
    pieces = [bytes([n]) * (MOST // 2) for n in range(5)]
    writes = [each.payload for each in joined(map(frame, pieces))]
    assert b"".join(writes) == b"".join(pieces)
    assert [len(each) for each in writes] == [MOST, MOST, MOST // 2]
