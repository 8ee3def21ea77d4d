"""A report as a table for a terminal: each state by shape, word and colour."""

from collections.abc import Mapping, Sequence
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from edge.health.result import FAIL, OK, WARN, Result, State, worst

SHAPES: Final[Mapping[State, str]] = {OK: "●", WARN: "▲", FAIL: "✖"}
PLAIN: Final[Mapping[State, str]] = {OK: "o", WARN: "!", FAIL: "X"}  # where only ASCII is shown
COLOURS: Final[Mapping[State, str]] = {OK: "green", WARN: "yellow", FAIL: "bold red"}
LAST: Final[Mapping[State, str]] = {
    OK: "This gate is fit to open.",
    WARN: "This gate can open; somebody should look at the above.",
    FAIL: "This gate is not fit to open.",
}


def show(results: Sequence[Result], console: Console, name: str) -> None:
    """Print a report, what is worst last: there the eye rests."""
    shapes = SHAPES if console.encoding.lower().startswith("utf") else PLAIN
    table = Table(title=f"How {escape(name)} does", box=None, pad_edge=False, title_justify="left")
    for column in ("", "check", "", "found"):
        table.add_column(column, no_wrap=column == "check")
    for result in results:
        table.add_row(*_row(result, shapes))
    console.print(table, highlight=False)
    last = worst(result.state for result in results)
    console.print(f"{_mark(last, shapes)}  {LAST[last]}", highlight=False)


def _row(result: Result, shapes: Mapping[State, str]) -> tuple[str, str, str, str]:
    found = escape(result.sentence)
    if result.todo:
        found += f"\n[{'bold' if result.state is not OK else 'dim'}]{escape(result.todo)}[/]"
    mark = "[dim]- no word[/]" if result.code.endswith("_unseen") else _mark(result.state, shapes)
    return mark, result.name, escape(result.value), found


def _mark(state: State, shapes: Mapping[State, str]) -> str:
    return f"[{COLOURS[state]}]{shapes[state]} {state.value}[/]"
