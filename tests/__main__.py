"""Run all tests, in two halves side by side: most of a test's time is waiting for something.

The tests of `shared` and the simulator's evenings wait for nothing, and take what time the halves
leave. Of all, the unit tests alone are traced for coverage of `shared`: it costs the cloud's tests
a fifth more and the properties as much again, and they add nothing to it.
The screens come after the halves, alone: what they show follows the clock. So does what several
gates say to one ticket at once: a gate that the machine starves lets in by itself, as it should.
Meanwhile the evenings stand still. They are played to their end beside the machines, which are
booted last, where MACHINES says how many: setting these up is waiting, too.

    python -m tests [what pytest takes]

Each line says which part it is from. Ends as the worst of them does; then the coverage of all is
put together and held to its limit. What failed is said once more at the very end.
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

Parts = dict[str, tuple[str, ...]]  # the command of each
COVERAGE: Final = (sys.executable, "-m", "coverage")
PYTEST: Final = (sys.executable, "-m", "pytest")
TRACED: Final = (*COVERAGE, "run", "--parallel-mode", "-m", "pytest")
UNIT: Final = "tests/unit"
PROPERTIES: Final = "tests/properties"
TIMED: Final = ("tests/browser", "tests/network/test_same_instant.py")
EVENINGS: Final = "tests/simulators"
MACHINES: Final = "tests/ops/test_machines.py"
ELSEWHERE: Final = ("tests/cloud", EVENINGS, MACHINES, *TIMED, UNIT, PROPERTIES)
BESIDE: Final[Parts] = {
    "cloud": (*PYTEST, "tests/cloud"),
    "others": (*PYTEST, "tests", *(f"--ignore={each}" for each in ELSEWHERE)),
    "shared": (*PYTEST, PROPERTIES),
    "unit": (*TRACED, UNIT),
}
THROUGHOUT: Final[Parts] = {"evenings": (*PYTEST, EVENINGS)}
PATIENT: Final = frozenset({"shared", "unit", "evenings"})
NICE: Final = "10"
ALONE: Final[Parts] = {"alone": (*PYTEST, *TIMED)}
LAST: Final[Parts] = {"machines": (*PYTEST, MACHINES)}
NOTHING_CHOSEN: Final = 5  # by pytest: `-k` may have left one part without a test
INTERRUPTED: Final = 2
LONGEST: Final = 1 << 20  # bytes of a line
BROKEN: Final = (b"FAILED ", b"ERROR ")  # how pytest's summary begins a line
LEFT: Final = b"ResourceWarning: "  # what says which connection or file nobody closed


def main(arguments: list[str]) -> int:
    """Return the exit code."""
    subprocess.run([*COVERAGE, "erase"], check=True)
    broken: list[str] = []
    codes = asyncio.run(Run(arguments, broken).all())
    worst = max(0 if code == NOTHING_CHOSEN else abs(code) for code in codes)
    subprocess.run([*COVERAGE, "combine", "--quiet"], check=False)
    covered = subprocess.run([*COVERAGE, "report"], check=False).returncode
    sys.stdout.writelines(broken)
    return worst or covered


class Run:
    """A run of all parts. `broken`: where the lines are kept that say what failed."""

    def __init__(self, arguments: list[str], broken: list[str]) -> None:
        self._arguments = arguments
        self._broken = broken
        self._started: list[asyncio.subprocess.Process] = []

    async def all(self) -> list[int]:
        """Run them; return how each ended."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._pass_on, number)
        throughout = await self._begin(THROUGHOUT)
        evenings = self._started[:]
        codes = await asyncio.gather(*await self._begin(BESIDE))
        if not _is_broken_off(codes):
            with _standing_still(evenings):
                codes += await asyncio.gather(*await self._begin(ALONE))
        if not _is_broken_off(codes):
            codes += await asyncio.gather(*await self._begin(LAST))
        return codes + await asyncio.gather(*throughout)

    async def _begin(self, parts: Parts) -> list[asyncio.Task[int]]:
        """Start parts; what is returned shows what each says, and tells how it ended."""
        shown = []
        for name, command in parts.items():
            part = await asyncio.create_subprocess_exec(
                *command, *self._arguments, stdout=subprocess.PIPE, limit=LONGEST,
                start_new_session=True,
            )  # fmt: skip
            if name in PATIENT:
                _make_patient(part.pid)
            self._started.append(part)
            shown.append(asyncio.create_task(self._show(name, part)))
        return shown

    async def _show(self, name: str, part: asyncio.subprocess.Process) -> int:
        assert part.stdout is not None
        async for line in part.stdout:
            text = f"{name:>8} | {line.decode(errors='replace')}"
            sys.stdout.write(text)
            sys.stdout.flush()
            if line.startswith(BROKEN) or LEFT in line:
                self._broken.append(text)
        return await part.wait()

    def _pass_on(self, number: int) -> None:
        """Let each part end as its own signal handlers do: what it started is stopped."""
        for each in self._started:
            with suppress(ProcessLookupError):
                each.send_signal(number)


def _is_broken_off(codes: list[int]) -> bool:
    return any(code == INTERRUPTED or code < 0 for code in codes)


def _make_patient(part: int) -> None:
    """Give a part, and all that it starts, what time others leave. To Linux a session may be a
    group of its own, in which niceness counts inside alone: the group has another, where it can be
    told."""
    os.setpriority(os.PRIO_PGRP, part, int(NICE))
    with suppress(OSError):  # no such groups, or a /proc that only shows them
        Path(f"/proc/{part}/autogroup").write_text(NICE)


@contextmanager
def _standing_still(parts: list[asyncio.subprocess.Process]) -> Iterator[None]:
    """Stop parts, and all that they started, for as long as this lasts."""
    _tell_all(parts, signal.SIGSTOP)
    try:
        yield
    finally:
        _tell_all(parts, signal.SIGCONT)


def _tell_all(parts: list[asyncio.subprocess.Process], number: int) -> None:
    for each in parts:
        if each.returncode is None:  # else its number may be somebody else's by now
            with suppress(ProcessLookupError):
                os.killpg(each.pid, number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
