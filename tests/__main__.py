"""Run all tests, in two halves side by side: most of a test's time is waiting for something.

The screens come after both, alone: what they show follows the clock.

    python -m tests [what pytest takes]

Each line says which part it is from. Ends as the worst of them does; then the coverage of all is
put together and held to its limit. What failed is said once more at the very end.
"""

import asyncio
import signal
import subprocess
import sys
from contextlib import suppress
from typing import Final

Parts = dict[str, tuple[str, ...]]
HALVES: Final[Parts] = {
    "cloud": ("tests/cloud",),
    "others": ("tests", "--ignore=tests/cloud", "--ignore=tests/browser"),
}
ALONE: Final[Parts] = {"screens": ("tests/browser",)}
COVERAGE: Final = (sys.executable, "-m", "coverage")
NOTHING_CHOSEN: Final = 5  # by pytest: `-k` may have left one half without a test
INTERRUPTED: Final = 2
LONGEST: Final = 1 << 20  # bytes of a line
BROKEN: Final = (b"FAILED ", b"ERROR ")  # how pytest's summary begins a line


def main(arguments: list[str]) -> int:
    """Return the exit code."""
    subprocess.run([*COVERAGE, "erase"], check=True)
    broken: list[str] = []
    codes = asyncio.run(_run(HALVES, arguments, broken))
    if not any(code == INTERRUPTED or code < 0 for code in codes):
        codes += asyncio.run(_run(ALONE, arguments, broken))
    worst = max(0 if code == NOTHING_CHOSEN else abs(code) for code in codes)
    subprocess.run([*COVERAGE, "combine", "--quiet"], check=False)
    covered = subprocess.run([*COVERAGE, "report"], check=False).returncode
    sys.stdout.writelines(broken)
    return worst or covered


async def _run(parts: Parts, arguments: list[str], broken: list[str]) -> list[int]:
    started = [await _start(where, arguments) for where in parts.values()]
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, _pass_on, started, number)
    shown = (_show(name, each, broken) for name, each in zip(parts, started, strict=True))
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


async def _show(name: str, half: asyncio.subprocess.Process, broken: list[str]) -> int:
    assert half.stdout is not None
    async for line in half.stdout:
        text = f"{name:>7} | {line.decode(errors='replace')}"
        sys.stdout.write(text)
        sys.stdout.flush()
        if line.startswith(BROKEN):
            broken.append(text)
    return await half.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
