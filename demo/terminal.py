"""The story in a terminal: sentences above, and below them the gates as they are now.

Where there is no terminal (a log, CI) only the sentences are printed, and now and then how far
it is.
"""

import asyncio
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from demo.reckoning import Row
from demo.telling import Kind, Telling
from shared.outcomes import BY_CODE, Signal

LOOK: Final[dict[Kind, str]] = {
    "chapter": "bold", "say": "", "good": "green", "bad": "bold red",
}  # fmt: skip
SIGNS: Final = {
    Signal.ADMIT: ("✔", "bold white on green"),
    Signal.ACT: ("▲", "bold black on yellow"),
    Signal.REFUSE: ("✖", "bold white on red"),
    Signal.TROUBLE: ("▨", "bold black on white"),
}
LINKS: Final = {"cloud": "internet", "peers": "LAN alone", "alone": "alone"}
EVERY: Final = 10.0  # seconds between two plain lines
BAR: Final = 40


class Terminal:
    """Shows a telling."""

    def __init__(self, telling: Telling, console: Console) -> None:
        self._telling, self._console = telling, console
        self._live = Live(console=console, refresh_per_second=4, get_renderable=self._numbers,
                          transient=True)  # fmt: skip
        telling.listen(self._say)

    def shown(self) -> AbstractContextManager[Any]:
        """Return a context in which the numbers stand below, if there is a terminal."""
        return self._live if self._console.is_terminal else nullcontext()

    async def run(self) -> None:
        """Where there is no terminal, say now and then how far it is; until cancelled."""
        while not self._console.is_terminal:
            await asyncio.sleep(EVERY)
            numbers = self._telling.numbers
            if numbers.get("done"):
                self._say("say", f"{numbers['done']:,} of {numbers['of']:,} have come.")
        await asyncio.Event().wait()

    def table(self, rows: list[Row]) -> None:
        """Print what was expected beside what happened."""
        grid = Table("", "expected", "happened", "", header_style="bold")
        for row in rows:
            sign = Text("✔", "green") if row.same else Text("✖", "bold red")
            grid.add_row(row.what, row.expected, row.happened, sign)
        self._console.print(grid)

    def _say(self, kind: Kind, text: str) -> None:
        at = f"{self._telling.elapsed:6.1f} s"
        if kind == "chapter":
            self._console.rule(Text(text, "bold"))
            return
        self._console.print(Text.assemble((at, "dim"), "  ", (text, LOOK[kind])), soft_wrap=True)

    def _numbers(self) -> Group:
        numbers = self._telling.numbers
        grid = Table("gate", "entered", "left", "refused", "inside", "knows of", "waiting", "lanes",
                     header_style="bold", expand=True)  # fmt: skip
        for gate in numbers.get("gates", ()):
            lanes = Text(" ").join(_sign(lane["shown"]) for lane in gate["lanes"])
            grid.add_row(
                gate["name"],
                *(f"{gate[key]:,}" for key in ("entered", "left", "refused", "inside")),
                LINKS.get(gate["link"] or "", "starts"),
                str(gate["waiting"] if gate["waiting"] is not None else ""),
                lanes,
            )
        done, of = numbers.get("done", 0), numbers.get("of", 1)
        links = (
            Text(f"{name} ", "green" if whole else "bold red")
            for name, whole in numbers.get("links", {}).items()
        )
        bar = ProgressBar(total=of, completed=done, width=BAR)
        come = f"{done:,} of {of:,} have come"
        return Group(grid, Text.assemble("cables: ", *links), come, bar)


def _sign(verdict: dict[str, Any]) -> Text:
    outcome = BY_CODE.get(verdict.get("code", ""))
    if outcome is None:
        return Text("·")
    shape, style = SIGNS[outcome.signal]
    return Text(f" {shape} {outcome.code} ", style)
