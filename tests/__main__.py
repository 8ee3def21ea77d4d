"""Run all tests, in two halves side by side: most of a test's time is waiting for something.

    python -m tests [what pytest takes]

Each line says which half it is from. Ends as the worse half does; then the coverage of both is
put together and held to its limit.
"""

import asyncio
import signal
import subprocess
import sys
from contextlib import suppress
from typing import Final

HALVES: Final[dict[str, tuple[str, ...]]] = {
    "cloud": ("tests/cloud",),
    "others": ("tests", "--ignore=tests/cloud"),
}
COVERAGE: Final = (sys.executable, "-m", "coverage")
NOTHING_CHOSEN: Final = 5  # by pytest: `-k` may have left one half without a test
LONGEST: Final = 1 << 20  # bytes of a line


def main(arguments: list[str]) -> int:
    """Return the exit code."""
    subprocess.run([*COVERAGE, "erase"], check=True)
    codes = asyncio.run(_both(arguments))
    worst = max(0 if code == NOTHING_CHOSEN else abs(code) for code in codes)
    subprocess.run([*COVERAGE, "combine", "--quiet"], check=False)
    return worst or subprocess.run([*COVERAGE, "report"], check=False).returncode


async def _both(arguments: list[str]) -> list[int]:
    started = [await _start(where, arguments) for where in HALVES.values()]
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, _pass_on, started, number)
    shown = (_show(name, each) for name, each in zip(HALVES, started, strict=True))
    return list(await asyncio.gather(*shown))


async def _start(where: tuple[str, ...], arguments: list[str]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *COVERAGE, "run", "--parallel-mode", "-m", "pytest", *where, *arguments,
        stdout=subprocess.PIPE, limit=LONGEST, start_new_session=True,
    )  # fmt: skip


def _pass_on(halves: list[asyncio.subprocess.Process], number: int) -> None:
    """Let both halves end as their own signal handlers do: what they started is stopped."""
    for each in halves:
        with suppress(ProcessLookupError):
            each.send_signal(number)


async def _show(name: str, half: asyncio.subprocess.Process) -> int:
    assert half.stdout is not None
    async for line in half.stdout:
        sys.stdout.write(f"{name:>6} | {line.decode(errors='replace')}")
        sys.stdout.flush()
    return await half.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
