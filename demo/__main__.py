"""Play the evening, and compare what happened with what was expected.

    KEEP=1       go on running afterwards, with the addresses printed
    GUESTS=500   another number of tickets
    SEED=7       another crowd
    LOGS=folder  where the programs' logs go, and stay

Exit status: 0, or 1 on any difference, or 2 if it could not be played to its end.
"""

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

import httpx
from rich.console import Console

from demo import crowd, script
from demo.addresses import addresses
from demo.api import Refused
from demo.crowd import Plan
from demo.evening import Evening
from demo.programs import Failed, last_words
from demo.stage import up
from demo.telling import Telling
from demo.terminal import Terminal

KEEP: Final = "KEEP"
SEED: Final = "SEED"
LOGS: Final = "LOGS"
GUESTS: Final = "GUESTS"
LAST: Final = 600  # characters of each program's log that are shown when it is
BROKEN: Final = 2  # exit status: it could not be played to its end
WIDTH: Final = 110  # columns, where nobody says


class Where(NamedTuple):
    """The demo's folders: its own, and that of its programs' logs."""

    folder: Path
    logs: Path


async def play(where: Where, console: Console, *, keep: bool, plan: Plan) -> bool:
    """Play it, and return whether all was as expected."""
    telling = Telling()
    terminal = Terminal(telling, console)
    async with up(*where, telling) as stage:
        console.print(f"The story on a page: {stage.site.address}/", highlight=False)
        stage.run(asyncio.create_task(terminal.run()))
        evening = Evening(stage, telling, plan)
        with terminal.shown():
            rows = await evening.play()
        terminal.table(rows)
        fine = all(row.same for row in rows)
        telling.say(*(("Everything happened as expected.", "good") if fine
                      else ("Not everything happened as expected.", "bad")))  # fmt: skip
        if keep:
            for what, address in addresses(evening):
                console.print(f"[bold]{what:16}[/]{address}", highlight=False, soft_wrap=True)
            console.print("Ctrl-C ends it.")
            with suppress(asyncio.CancelledError):  # which is its right end
                await asyncio.Event().wait()
    return fine


async def until_told(where: Where, console: Console, *, keep: bool, plan: Plan) -> int:
    """Play until it is over or somebody asks to end it; return the exit status."""
    playing = asyncio.ensure_future(play(where, console, keep=keep, plan=plan))
    told: list[int] = []

    def end(number: int) -> None:
        told.append(number)
        playing.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, end, number)
    with suppress(asyncio.CancelledError):
        return 0 if await playing else 1
    return 128 + told[0] if told else 1


def main() -> int:
    """Run the demo; return the exit status."""
    console = Console() if sys.stdout.isatty() else Console(width=WIDTH)
    keep = bool(os.environ.get(KEEP))
    seed, guests = int(os.environ.get(SEED, crowd.SEED)), int(os.environ.get(GUESTS, crowd.TICKETS))
    plan = script.make(seed, guests)
    status = BROKEN
    with tempfile.TemporaryDirectory(prefix="usher-demo-") as folder:
        where = Where(Path(folder), Path(os.environ.get(LOGS) or folder))
        try:
            status = asyncio.run(until_told(where, console, keep=keep, plan=plan))
        except* (Failed, Refused, TimeoutError, httpx.HTTPError) as faults:
            for fault in leaves(faults):
                console.print(str(fault) or type(fault).__name__, style="bold red", markup=False)
            for log in sorted(where.logs.glob("*.log")):
                console.print(f"{log.name}: …{last_words(log)[-LAST:]}", style="dim", markup=False)
    return status


def leaves(fault: BaseException) -> Iterator[BaseException]:
    """Yield each exception of a group."""
    if not isinstance(fault, BaseExceptionGroup):
        yield fault
        return
    for each in fault.exceptions:
        yield from leaves(each)


if __name__ == "__main__":
    sys.exit(main())
