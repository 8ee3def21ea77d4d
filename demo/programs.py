"""The programs that run beside the demo: each in a process group of its own, its words in a file.

None of them outlives the demo. They are asked to end; what has not ended in time is killed with
its whole group. Should the demo itself be killed, the kernel asks them (demo/tied.py).
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self

PATIENCE: Final = 30.0  # seconds that a program may take to end
GONE: Final = 100  # looks, a hundredth of a second apart, whether what was killed is gone
SHOWN: Final = 2000  # characters of its last words


class Failed(Exception):
    """A program ended that should not have, or said no; the message is its last words."""


class Program(NamedTuple):
    """A program that was started."""

    name: str
    process: asyncio.subprocess.Process
    log: Path

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self.process.returncode is None

    def check(self) -> None:
        """Raise `Failed` if it has ended."""
        if not self.running:
            code = self.process.returncode
            raise Failed(f"{self.name} has ended ({code}): {last_words(self.log)}")

    async def stop(self, patience: float = PATIENCE) -> None:
        """Have it end, and see to it."""
        if self.running:
            with suppress(ProcessLookupError):
                self.process.terminate()
            with suppress(TimeoutError):
                await asyncio.wait_for(self.process.wait(), patience)
        self.kill()
        await self.process.wait()
        for _ in range(GONE):  # what it had started is not ours to wait for otherwise
            if not self.kill():
                return
            await asyncio.sleep(0.01)

    def kill(self) -> bool:
        """Kill what is left of its group; return whether anything was."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
            return True
        return False


class Programs:
    """Everything that was started, as a context that leaves nothing running."""

    def __init__(self, logs: Path, patience: float = PATIENCE) -> None:
        self.logs, self._patience = logs, patience
        self.started: list[Program] = []

    async def start(self, name: str, *words: str, env: Mapping[str, str] | None = None) -> Program:
        """Start a module of ours: `words` begin with its name."""
        log = self.logs / f"{name}.log"
        with log.open("ab") as out:
            process = await asyncio.create_subprocess_exec(
                *command(*words), env=environment(env), start_new_session=True,
                stdin=asyncio.subprocess.DEVNULL, stdout=out, stderr=asyncio.subprocess.STDOUT,
            )  # fmt: skip
        program = Program(name, process, log)
        self.started.append(program)
        return program

    def check(self) -> None:
        """Raise `Failed` if any has ended."""
        for program in self.started:
            program.check()

    async def stop(self, program: Program) -> None:
        """Stop one of them."""
        await program.stop(self._patience)
        self.started.remove(program)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            await asyncio.gather(*(program.stop(self._patience) for program in self.started))
        finally:  # told to end while it ended: no time for manners
            for program in self.started:
                program.kill()


async def console(*words: str, env: Mapping[str, str] | None = None, typed: str = "") -> str:
    """Run a command to its end, and return what it said. Raises `Failed` if it said no."""
    process = await asyncio.create_subprocess_exec(
        *command(*words), env=environment(env), start_new_session=True,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        out, err = await process.communicate(typed.encode())
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    if process.returncode:
        raise Failed(f"{' '.join(words[:3])}: {(err or out).decode()[-SHOWN:]}")
    return out.decode()


@asynccontextmanager
async def dialogue(
    *words: str, env: Mapping[str, str] | None = None
) -> AsyncIterator[AsyncIterator[str]]:
    """Run a command, and yield its lines as they come. Raises `Failed` if it said no."""
    process = await asyncio.create_subprocess_exec(
        *command(*words), env=environment(env), start_new_session=True,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said: list[str] = []

    async def lines() -> AsyncIterator[str]:
        if process.stdout is None:
            return
        async for line in process.stdout:
            said.append(line.decode())
            yield said[-1]

    try:
        yield lines()
        await process.wait()
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    if process.returncode:
        raise Failed(f"{' '.join(words[:5])}: {''.join(said)[-SHOWN:]}")


def command(*words: str) -> tuple[str, ...]:
    """Return how to run a module that ends with us."""
    return (sys.executable, "-m", "demo.tied", str(os.getpid()), *words)


def environment(more: Mapping[str, str] | None) -> dict[str, str]:
    """Return the environment of a program: ours, without settings that are not the demo's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("USHER_")}
    return {**kept, "COLUMNS": "200", "NO_COLOR": "1", **(more or {})}


def last_words(log: Path) -> str:
    """Return the end of a program's log."""
    try:
        return log.read_text(errors="replace")[-SHOWN:]
    except OSError:
        return ""
