"""The small parts of the sync: pauses, chores, news, frames."""

import asyncio
import logging
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
import zstandard
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from edge.sync import chores as chores_module
from edge.sync.backoff import FIRST, LONGEST, Backoff, jittered
from edge.sync.chores import Chores, Wait, keep_time
from edge.sync.failures import Garbled
from edge.sync.frames import Frames, unpressed
from edge.sync.pull import MOST_STATE
from edge.sync.seen import FRESH, Seen
from edge.sync.stream import Lines
from shared.errors import Malformed
from shared.manifest import frames
from shared.wire import SyncState

STATE = b'{"at":1,"keyset":2,"roster":3,"commands":4,"records":5,"incidents":6,"events":[]}'


def test_pauses_grow_to_a_limit_and_begin_anew() -> None:
    """Twice as long each time, half of it by chance."""
    backoff = Backoff(lambda: 1.0)
    waits = [backoff.failed() for _ in range(10)]
    assert waits[:4] == [FIRST * 2, FIRST * 4, FIRST * 8, FIRST * 16]
    assert waits[-1] == LONGEST
    assert backoff.failed(10.0) == LONGEST + 10.0
    backoff.worked()
    assert backoff.failed() == FIRST * 2
    assert Backoff(lambda: 0.0).failed() == FIRST
    assert jittered(10, lambda: 0.0) == pytest.approx(8.0)
    assert jittered(10, lambda: 1.0) == pytest.approx(12.0)


def test_a_chore_comes_back_and_waits_longer_where_it_fails() -> None:
    """One that fails with whatever error is in no other's way."""
    done: list[str] = []

    async def good() -> None:
        done.append("good")

    async def bad() -> None:
        done.append("bad")
        raise Wait("away") if len(done) % 2 else ValueError("a fault of ours")

    async def run() -> None:
        chores = Chores(lambda: 0.0)
        chores.add("good", good, 0.05)
        chores.add("bad", bad, 0.05)
        async with chores.running():
            await asyncio.sleep(0.8)

    asyncio.run(run())
    assert done.count("good") > 5
    assert 1 <= done.count("bad") <= 2


def test_a_chore_that_is_wanted_while_it_runs_runs_once_more() -> None:
    """And a chore never runs beside itself."""
    begun: list[int] = []
    going = 0

    async def run() -> None:
        chores = Chores(lambda: 0.5)

        async def work() -> None:
            nonlocal going
            going += 1
            begun.append(going)
            if len(begun) == 1:
                chores.soon("work")
                chores.soon("work")
            await asyncio.sleep(0.05)
            going -= 1

        chores.add("work", work, 1000)
        async with chores.running():
            await asyncio.sleep(0.4)

    asyncio.run(run())
    assert begun == [1, 1]


def test_a_chore_that_is_wanted_often_waits_for_its_gap() -> None:
    """Asked for again and again, it is neither done each time nor put off for ever."""
    done: list[float] = []

    async def work() -> None:
        done.append(time.monotonic())

    async def run() -> None:
        chores = Chores(lambda: 0.5)
        chores.add("work", work, 1000, gap=0.1)
        async with chores.running():
            for _ in range(100):
                await asyncio.sleep(0.005)
                chores.soon("work")

    asyncio.run(run())
    assert len(done) >= 3
    gaps = [after - before for before, after in pairwise(done)]
    assert min(gaps) > 0.099  # the two clocks differ by little


def test_chores_end_without_a_word(caplog: pytest.LogCaptureFixture) -> None:
    """What is under way, or about to begin, is broken off: over when the block is left, and no
    fault to anybody who reads the log."""
    ended: list[str] = []
    chores = Chores(lambda: 0.5)

    async def slow() -> None:
        try:
            await asyncio.sleep(1000)
        finally:
            await asyncio.sleep(0.02)  # a connection that says good-bye
            ended.append("slow")

    async def quick() -> None:
        return

    async def run() -> None:
        chores.add("slow", slow, 1000)
        chores.add("quick", quick, 1000)
        async with chores.running():
            await asyncio.sleep(0.1)
            chores.soon("quick", anyway=True)
            await asyncio.sleep(0)
        assert ended == ["slow"]

    with caplog.at_level(logging.WARNING):
        asyncio.run(run())
    assert caplog.messages == []


def test_a_chore_that_failed_keeps_its_pause() -> None:
    """Whoever asks for it meanwhile; but where what it failed for has passed."""
    done: list[str] = []

    async def work() -> None:
        done.append("")
        raise Wait("away", 1000.0)

    async def run() -> None:
        chores = Chores(lambda: 0.5)
        chores.add("work", work, 0.01)
        async with chores.running():
            await asyncio.sleep(0.1)
            for _ in range(10):
                chores.soon("work")
                await asyncio.sleep(0.01)
            assert len(done) == 1
            chores.soon("work", anyway=True)
            await asyncio.sleep(0.1)
            assert len(done) == 2

    asyncio.run(run())


def test_jobs_go_on_when_the_wall_clock_is_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """apscheduler goes by the wall clock: what was due in a minute would come in a day."""
    ran: list[float] = []
    offset = 0.0
    real = time.time
    monkeypatch.setattr(chores_module, "LOOK", 0.02)
    monkeypatch.setattr(time, "time", lambda: real() + offset)

    async def run() -> None:
        nonlocal offset
        scheduler = AsyncIOScheduler(timezone=UTC)
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        scheduler.add_job(lambda: ran.append(real()), "date", run_date=tomorrow)
        scheduler.start()
        looking = asyncio.create_task(keep_time(scheduler))
        await asyncio.sleep(0.1)
        assert ran == []
        offset = -86_400.0
        await asyncio.sleep(0.3)
        looking.cancel()
        scheduler.shutdown(wait=False)

    asyncio.run(run())
    assert len(ran) == 1


def test_news_are_taken_apart_however_they_come() -> None:
    """Signs of life and other events are no states; a line without an end is refused."""
    text = b": \n\nevent: state\ndata: " + STATE + b"\n\nevent: other\ndata: {}\n\n"
    whole = list(Lines().states(text))
    assert whole == [SyncState(1, 2, 3, 4, 5, 6, ())]
    lines = Lines()
    assert [s for at in range(len(text)) for s in lines.states(text[at : at + 1])] == whole
    with pytest.raises(Garbled):
        list(Lines().states(bytes(MOST_STATE + 1)))
    with pytest.raises(Garbled):
        list(Lines().states(b"event: state\ndata: {}\n\n"))


def test_the_strip_says_whether_the_cloud_is_there() -> None:
    """At once when a line breaks; after a while when nothing is heard."""
    around: dict[str, Any] = {}
    now = 100.0
    seen = Seen(around, lambda: 7, lambda: now)
    seen.look()
    assert around == {"link": "alone"}
    seen.heard()
    assert around == {"link": "cloud", "cloud_seen": 7}
    now += FRESH
    seen.look()
    assert around["link"] == "alone"
    around["peers"] = 2
    seen.heard()
    seen.lost()
    assert around == {"link": "peers", "cloud_seen": 7, "peers": 2}


def gathered(data: bytes, most: int, *, compressed: bool, step: int) -> list[tuple[int, bytes]]:
    """Feed bytes in pieces; return the frames."""
    got: list[tuple[int, bytes]] = []
    taken = Frames(lambda place, content: got.append((place, content)), most, compressed=compressed)
    for at in range(0, len(data), step):
        taken.feed(data[at : at + step])
    return got


@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("step", [1, 7, 100_000])
def test_frames_are_taken_whole_however_they_come(compressed: bool, step: int) -> None:
    """As they were packed, and not a byte before the end of each."""
    packed = [(5, b"a" * 300), (5, b""), (9, bytes(70_000))]
    data = b"".join(frames.encode(*each) for each in packed)
    sent = zstandard.ZstdCompressor().compress(data) if compressed else data
    assert gathered(sent, len(data), compressed=compressed, step=step) == packed
    with pytest.raises(Garbled, match="too_large"):
        gathered(sent, len(data) - 1, compressed=compressed, step=step)


def test_frames_that_no_answer_has_are_refused() -> None:
    """Too long, too many, or no zstd."""
    with pytest.raises(Malformed, match="frame_too_large"):
        gathered(frames.HEADER.pack(0, frames.MAX_SIZE + 1), 99, compressed=False, step=9)
    with pytest.raises(Malformed, match="frame_too_many"):
        gathered(frames.encode(0, b"") * 513, 9_999, compressed=False, step=9_999)
    with pytest.raises(Garbled, match="encoded"):
        gathered(b"no zstd at all", 99, compressed=True, step=99)


def test_what_explodes_is_stopped_before_it_is_large() -> None:
    """A thousand bytes that become a gigabyte cost as much memory as is allowed."""
    bomb = zstandard.ZstdCompressor(19).compress(bytes(1 << 28))
    assert len(bomb) < 30_000
    with pytest.raises(Garbled, match="too_large"):
        unpressed(bomb, 1 << 20)
    with pytest.raises(Garbled, match="encoded"):
        unpressed(bomb[:-3][::-1], 1 << 20)
    dictionary = b"the head before " * 40
    kind = zstandard.DICT_TYPE_RAWCONTENT
    known = zstandard.ZstdCompressionDict(dictionary, dict_type=kind)
    packed = zstandard.ZstdCompressor(dict_data=known).compress(dictionary + b"!")
    assert unpressed(packed, 1 << 20, dictionary) == dictionary + b"!"
