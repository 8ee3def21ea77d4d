"""Posted pictures are decoded by a process that may hang or die."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from edge.practice.frames import background, jpeg
from edge.scan.decoder import Decoder
from edge.scan.isolated import MAX_BYTES, WAITING, Frames
from edge.scan.reading import Failed, Reading
from edge.scan.worker import answer
from tests.edge.frames import Look, frame

TEXT, PICTURE = frame(lambda _: Look(px=5, noise=3), 1)
FILE = jpeg(PICTURE)
READ = answer(Decoder(None), FILE)
assert isinstance(READ, Reading)
assert READ.texts == (TEXT,)


@asynccontextmanager
async def frames(limit: float = 30.0) -> AsyncIterator[Frames]:
    reading = Frames(limit)
    try:
        yield reading
    finally:
        await reading.close()


def run(case: Callable[[], Awaitable[None]]) -> None:
    """Run an asynchronous case to its end, but not for ever."""

    async def bounded() -> None:
        async with asyncio.timeout(120):
            await case()

    asyncio.run(bounded())


def worker_of(reading: Frames) -> int:
    assert reading.pid is not None
    return reading.pid


def test_a_picture_is_read() -> None:
    """A posted code's text comes back; a picture without one has none."""

    async def case() -> None:
        async with frames() as reading:
            assert await reading.read(FILE) == READ
            pid = worker_of(reading)
            blank = background(np.random.default_rng(1)).astype(np.uint8)
            assert await reading.read(jpeg(blank)) == Reading()
            assert worker_of(reading) == pid
            assert reading.restarts == 0

    run(case)


@pytest.mark.parametrize(
    "data", [b"", b"no picture", FILE[:100], bytes(MAX_BYTES + 1)], ids=range(4)
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    """Refusing costs no worker."""

    async def case() -> None:
        async with frames() as reading:
            assert await reading.read(data) == Failed("refused")
            assert await reading.read(FILE) == READ
            assert reading.restarts == 0

    run(case)


def test_a_worker_that_was_killed_is_replaced() -> None:
    """A picture that meets a dead worker fails; the next one is read by a new one."""

    async def case() -> None:
        async with frames() as reading:
            assert await reading.read(FILE) == READ
            dead = worker_of(reading)
            os.kill(dead, signal.SIGKILL)
            assert await reading.read(FILE) == Failed("died")
            assert await reading.read(FILE) == READ
            assert worker_of(reading) != dead
            assert reading.restarts == 1

    run(case)


def test_a_worker_that_hangs_is_killed_and_replaced() -> None:
    """A picture on which the worker hangs fails at the limit, and the worker is gone."""

    async def case() -> None:
        async with frames() as reading:
            assert await reading.read(FILE) == READ
            hung = worker_of(reading)
            os.kill(hung, signal.SIGSTOP)
            reading.limit = 0.3
            assert await reading.read(FILE) == Failed("hung")
            with pytest.raises(ProcessLookupError):
                os.kill(hung, 0)
            reading.limit = 30.0
            assert await reading.read(FILE) == READ
            assert reading.restarts == 1

    run(case)


def test_a_caller_that_goes_away_leaves_no_answer_behind() -> None:
    """The answer to a picture nobody waits for any more is not the next one's."""

    async def case() -> None:
        async with frames() as reading:
            assert await reading.read(FILE) == READ
            os.kill(worker_of(reading), signal.SIGSTOP)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await reading.read(FILE)
            blank = background(np.random.default_rng(1)).astype(np.uint8)
            assert await reading.read(jpeg(blank)) == Reading()

    run(case)


def test_too_many_at_once_are_turned_away() -> None:
    """Pictures wait for their turn, in bounded number."""

    async def case() -> None:
        async with frames() as reading:
            many = await asyncio.gather(*(reading.read(FILE) for _ in range(WAITING + 3)))
            assert many.count(READ) == WAITING
            assert many.count(Failed("busy")) == 3

    run(case)


def test_the_worker_starts_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service's own folder need not hold the code."""
    monkeypatch.chdir(tmp_path)

    async def case() -> None:
        async with frames() as reading:
            assert await reading.read(FILE) == READ

    run(case)


def test_closing_twice_is_no_fault() -> None:
    """A worker that was never started, or has ended, is closed at once."""

    async def case() -> None:
        reading = Frames()
        await reading.close()
        assert await reading.read(FILE) == READ
        await reading.close()
        await reading.close()
        assert reading.pid is None

    run(case)


@pytest.mark.parametrize("module", ["edge.scan.isolated", "edge.scan.command", "edge.scan.reading"])
def test_the_agent_needs_no_opencv(module: str) -> None:
    """What the agent and the command line import leaves OpenCV, NumPy and zxing-cpp out."""
    program = f"import sys, {module}; print({{'cv2', 'numpy', 'zxingcpp'}} & set(sys.modules))"
    done = subprocess.run((sys.executable, "-c", program), capture_output=True, check=True)
    assert done.stdout == b"set()\n"
