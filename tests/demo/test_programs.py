"""What the demo starts, and that nothing of it is left: with real processes."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from demo.programs import Failed, Programs, console, dialogue, environment

RUDE = """
import os, pathlib, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
pathlib.Path(sys.argv[1]).write_text(f"{os.getpid()} {child.pid}")
time.sleep(600)
"""
Begun = Callable[[Programs], Coroutine[Any, Any, None]]


def alive(pid: int) -> bool:
    """Say whether a process has not ended."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in ("Z", "X")


async def rude(programs: Programs, folder: Path) -> list[int]:
    """Start what pays no attention to being asked, and has a child; return both."""
    (folder / "rude.py").write_text(RUDE)
    told = folder / "told"
    program = await programs.start("rude", "rude", str(told), env={"PYTHONPATH": str(folder)})
    while not told.exists() or not told.read_text():
        program.check()
        await asyncio.sleep(0.05)
    return [int(pid) for pid in told.read_text().split()]


def test_leaving_stops_what_pays_no_attention_and_its_children(tmp_path: Path) -> None:
    """They were asked first, and then killed with their group."""

    async def leave() -> list[int]:
        async with Programs(tmp_path, patience=0.3) as programs:
            pids = await rude(programs, tmp_path)
            assert all(map(alive, pids))
        return pids

    assert not any(map(alive, asyncio.run(leave())))


def test_being_cancelled_stops_everything(tmp_path: Path) -> None:
    """As Ctrl-C does in the middle of anything; twice, by somebody who is impatient."""

    async def cancelled() -> list[int]:
        pids: list[int] = []
        started = asyncio.Event()

        async def play() -> None:
            async with Programs(tmp_path, patience=5) as programs:
                pids.extend(await rude(programs, tmp_path))
                started.set()
                await asyncio.Event().wait()

        playing = asyncio.create_task(play())
        await started.wait()
        for _ in range(2):
            playing.cancel()
            await asyncio.sleep(0.2)
        with pytest.raises(asyncio.CancelledError):
            await playing
        return pids

    assert not any(map(alive, asyncio.run(cancelled())))


def test_a_program_that_ended_is_told_of_with_its_last_words(tmp_path: Path) -> None:
    """Nobody waits for a gate that is dead."""

    async def ended() -> None:
        async with Programs(tmp_path) as programs:
            program = await programs.start("broken", "no_such_module")
            await program.process.wait()
            programs.check()

    with pytest.raises(Failed, match=r"broken has ended(.|\n)*no_such_module"):
        asyncio.run(ended())


def test_a_command_says_what_it_said_or_why_not() -> None:
    """Its output; and for a refusal, its words."""
    assert asyncio.run(console("base64", "-d", typed="aGVsbG8=")) == "hello"
    with pytest.raises(Failed, match="no_such_module"):
        asyncio.run(console("no_such_module"))


def test_a_dialogue_gives_lines_as_they_come(tmp_path: Path) -> None:
    """The first line is there while the command goes on; a refusal is told at its end."""
    (tmp_path / "slow.py").write_text(
        "import time\nprint('first')\ntime.sleep(0.5)\nraise SystemExit(3)"
    )

    async def talk() -> str:
        path = {"PYTHONPATH": str(tmp_path)}
        async with dialogue("slow", env=path) as lines:
            first = await anext(lines)
            with pytest.raises(StopAsyncIteration):
                await anext(lines)
        return first

    with pytest.raises(Failed, match="first"):
        asyncio.run(talk())


def test_programs_are_told_nothing_of_other_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has settings of a cloud of their own in the environment keeps them to themselves."""
    monkeypatch.setenv("USHER_DATABASE_URL", "postgresql://elsewhere")
    assert "USHER_DATABASE_URL" not in environment(None)
    assert environment({"USHER_DATA": "here"})["USHER_DATA"] == "here"
