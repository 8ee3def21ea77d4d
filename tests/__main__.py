"""Run all tests, in two halves side by side: most of a test's time is waiting for something.

The tests of `shared` and the simulator's evenings wait for nothing, and take what time the halves
leave. The former alone are traced for coverage of `shared`: it costs the cloud's tests a fifth
more, and they add nothing to it.
The screens come after all, alone: what they show follows the clock. So does what several gates
say to one ticket at once: a gate that the machine starves lets in by itself, as it should.

    python -m tests [what pytest takes]

Each line says which part it is from. Ends as the worst of them does; then the coverage of all is
put together and held to its limit. What failed is said once more at the very end.
"""

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

Parts = dict[str, tuple[str, ...]]  # the command of each
COVERAGE: Final = (sys.executable, "-m", "coverage")
PYTEST: Final = (sys.executable, "-m", "pytest")
TRACED: Final = (*COVERAGE, "run", "--parallel-mode", "-m", "pytest")
SHARED: Final = ("tests/unit", "tests/properties")
TIMED: Final = ("tests/browser", "tests/network/test_same_instant.py")
EVENINGS: Final = "tests/simulators"
ELSEWHERE: Final = ("tests/cloud", EVENINGS, *TIMED, *SHARED)
BESIDE: Final[Parts] = {
    "cloud": (*PYTEST, "tests/cloud"),
    "others": (*PYTEST, "tests", *(f"--ignore={each}" for each in ELSEWHERE)),
    "shared": (*TRACED, *SHARED),
    "evenings": (*PYTEST, EVENINGS),
}
PATIENT: Final = frozenset({"shared", "evenings"})
NICE: Final = "10"
ALONE: Final[Parts] = {"alone": (*PYTEST, *TIMED)}
NOTHING_CHOSEN: Final = 5  # by pytest: `-k` may have left one part without a test
INTERRUPTED: Final = 2
LONGEST: Final = 1 << 20  # bytes of a line
BROKEN: Final = (b"FAILED ", b"ERROR ")  # how pytest's summary begins a line


def main(arguments: list[str]) -> int:
    """Return the exit code."""
    subprocess.run([*COVERAGE, "erase"], check=True)
    broken: list[str] = []
    codes = asyncio.run(_run(BESIDE, arguments, broken))
    if not any(code == INTERRUPTED or code < 0 for code in codes):
        codes += asyncio.run(_run(ALONE, arguments, broken))
    worst = max(0 if code == NOTHING_CHOSEN else abs(code) for code in codes)
    subprocess.run([*COVERAGE, "combine", "--quiet"], check=False)
    covered = subprocess.run([*COVERAGE, "report"], check=False).returncode
    sys.stdout.writelines(broken)
    return worst or covered


async def _run(parts: Parts, arguments: list[str], broken: list[str]) -> list[int]:
    started = [await _start(command, arguments) for command in parts.values()]
    for name, each in zip(parts, started, strict=True):
        if name in PATIENT:
            _make_patient(each.pid)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, _pass_on, started, number)
    shown = (_show(name, each, broken) for name, each in zip(parts, started, strict=True))
    return list(await asyncio.gather(*shown))


async def _start(command: tuple[str, ...], arguments: list[str]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *command, *arguments, stdout=subprocess.PIPE, limit=LONGEST, start_new_session=True
    )


def _make_patient(part: int) -> None:
    """Give a part, and all that it starts, what time others leave. To Linux a session may be a
    group of its own, in which niceness counts inside alone: the group has another, where it can be
    told."""
    os.setpriority(os.PRIO_PGRP, part, int(NICE))
    with suppress(OSError):  # no such groups, or a /proc that only shows them
        Path(f"/proc/{part}/autogroup").write_text(NICE)


def _pass_on(parts: list[asyncio.subprocess.Process], number: int) -> None:
    """Let each part end as its own signal handlers do: what it started is stopped."""
    for each in parts:
        with suppress(ProcessLookupError):
            each.send_signal(number)


async def _show(name: str, part: asyncio.subprocess.Process, broken: list[str]) -> int:
    assert part.stdout is not None
    async for line in part.stdout:
        text = f"{name:>8} | {line.decode(errors='replace')}"
        sys.stdout.write(text)
        sys.stdout.flush()
        if line.startswith(BROKEN):
            broken.append(text)
    return await part.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
