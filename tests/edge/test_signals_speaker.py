"""The speaker, with a player that notes what it is given, hangs, or is not there."""

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from edge.gate.sounds import sound_of
from edge.signals import speaker as playing
from edge.signals.pcm import wav
from edge.signals.speaker import Speaker, find_player

NOTE = "import sys; open(sys.argv[1], 'wb').write(sys.stdin.buffer.read())"
HANG = "import sys, time; open(sys.argv[1], 'wb', 0).write(b'x'); time.sleep(600)"
FAIL = "raise SystemExit(1)"
PATIENCE = 60.0  # seconds: a bound for a hanging test, not a measure
Told = asyncio.Queue[str]


def player(script: str, *more: str) -> tuple[str, ...]:
    return (sys.executable, "-c", script, *more)


def scene(command: Sequence[str], story: Callable[[Speaker, Told], Awaitable[None]]) -> None:
    """Run a speaker beside a story."""

    async def run() -> None:
        told = Told()
        speaker = Speaker(command, told.put_nowait)
        running = asyncio.create_task(speaker.run())
        async with asyncio.timeout(PATIENCE):
            await story(speaker, told)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running

    asyncio.run(run())


@asynccontextmanager
async def notes(path: Path) -> AsyncIterator[asyncio.StreamReader]:
    """Give what players write to a named pipe."""
    reader = asyncio.StreamReader()
    ours = os.fdopen(os.open(path, os.O_RDWR | os.O_NONBLOCK), "rb", 0)  # and so it never ends
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), ours)
    yield reader
    transport.close()


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    path = tmp_path / "notes"
    os.mkfifo(path)
    return path


def test_the_player_is_given_the_verdicts_sound(fifo: Path) -> None:
    """A code's own sound before its signal's."""
    expected = wav(sound_of("exit", "green"))

    async def story(speaker: Speaker, told: Told) -> None:
        async with notes(fifo) as noted:
            speaker.play("exit", "green")
            assert await noted.readexactly(len(expected)) == expected
        assert told.empty()

    scene(player(NOTE, str(fifo)), story)


def test_the_newest_verdict_ends_the_sound_before_it(fifo: Path) -> None:
    """Nobody hears of a guest who has passed long ago."""

    async def story(speaker: Speaker, told: Told) -> None:
        async with notes(fifo) as noted:
            for _ in range(3):
                speaker.play("admitted", "green")
                assert await noted.readexactly(1) == b"x"
        assert told.empty()

    scene(player(HANG, str(fifo)), story)


def test_a_hung_player_is_ended_and_told(fifo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next sound has a player of its own."""
    monkeypatch.setattr(playing, "LIMIT", 0.3)

    async def story(speaker: Speaker, told: Told) -> None:
        for _ in range(2):
            speaker.play("revoked", "red")
            assert await told.get() == "player_hung"

    scene(player(HANG, str(fifo)), story)


@pytest.mark.parametrize("command", [("/nowhere/aplay",), player(FAIL)])
def test_a_player_that_fails_is_told(command: tuple[str, ...]) -> None:
    """It is not there, or says that it can't; the speaker goes on."""

    async def story(speaker: Speaker, told: Told) -> None:
        for _ in range(2):
            speaker.play("revoked", "red")
            assert await told.get() == "player_failed"

    scene(command, story)


def test_without_a_player_nothing_is_tried() -> None:
    """A gate may be silent; an unknown verdict is, too."""

    async def story(speaker: Speaker, told: Told) -> None:
        speaker.play("admitted", "green")
        await asyncio.sleep(0)
        assert told.empty()

    scene((), story)


def test_the_player_is_looked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`aplay` is found by PATH, or is not there."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_player() == ()
    (tmp_path / "aplay").touch(mode=0o755)
    assert find_player("hw:1")[:1] == (str(tmp_path / "aplay"),)
    assert "hw:1" in find_player("hw:1")


@pytest.mark.skipif(shutil.which("aplay") is None, reason="alsa-utils is not installed")
def test_aplay_takes_what_it_is_given() -> None:
    """The real player, on ALSA's null device, finds no fault with it."""

    async def story(speaker: Speaker, told: Told) -> None:
        for code, signal in (("admitted", "green"), ("revoked", "red")):
            process = await asyncio.create_subprocess_exec(
                *find_player("null"), stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
            )
            _, errors = await process.communicate(wav(sound_of(code, signal)))
            assert (process.returncode, errors) == (0, b"")

    scene((), story)
