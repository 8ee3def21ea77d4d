"""Loading and exporting files at a gate: a venue without a network works by these."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NoReturn

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from edge.gate.clock import DeviceClock
from edge.gate.gate import Machine
from edge.gate.setup import Feeding
from edge.link.messages import WIPED, Done, Hello, Reload
from edge.link.wire import Line
from edge.settings import Settings
from edge.store.database import StorageFailed
from edge.store.identity import load_identity
from edge.store.stores import KEY, open_stores
from shared.errors import UsherError

MAX_FILE: Final = 1 << 29
Fail = Callable[[str], NoReturn]


def load_file(settings: Settings, file: Path, console: Console, fail: Fail) -> None:
    """Take a file in and have the agent take it up."""
    try:
        if file.stat().st_size > MAX_FILE:
            fail(f"{file} is larger than any file of ours.")
        data = file.read_bytes()
    except OSError as error:
        fail(f"{file}: {error.strerror}.")
    columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    with feeding(settings, fail) as gate, Progress(*columns, console=console) as progress:
        task = progress.add_task("proving and storing", total=None)
        try:
            news = gate.load(data, lambda: progress.advance(task))
        except UsherError as error:
            progress.stop()
            fail(
                f"{file.name} was not taken in, and nothing has changed.\n"
                f"  {error.sentence} ({error.code})"
            )
        except StorageFailed as error:
            progress.stop()
            fail(f"The disk failed: {error}. What was in force is still in force.")
        progress.update(task, total=1, completed=1)
    for each in news or ["nothing new: this gate had all of it"]:
        console.print(f"[green]✔[/] {each}", highlight=False)
    console.print(told(settings), highlight=False)


def export_file(settings: Settings, file: Path, console: Console, fail: Fail) -> None:
    """Write the log beside `file` and put it in its place whole."""
    if not file.parent.is_dir():
        fail(f"There is no folder {file.parent}. Is the stick plugged in, and mounted there?")
    fresh = file.with_name(f"{file.name}.part")
    try:
        with feeding(settings, fail) as gate, fresh.open("wb") as out:
            size = sum(out.write(piece) for piece in gate.export())
            out.flush()
            os.fsync(out.fileno())
        fresh.replace(file)
    except (OSError, StorageFailed) as error:
        with suppress(OSError):  # a stick that was pulled out: what failed is told already
            fresh.unlink(missing_ok=True)
        reason = error.strerror if isinstance(error, OSError) else error
        fail(f"{file} was not written: {reason}.")
    console.print(f"[green]✔[/] {file}: {size:,} bytes", highlight=False)


@contextmanager
def feeding(settings: Settings, fail: Fail) -> Iterator[Feeding]:
    """Open a device's stores beside the agent."""
    me = load_identity(settings.data_folder / KEY)
    if me is None:
        fail(f"{settings.data} has no device key. Run `usher-edge enrol` or `init` first.")
    try:
        stores = open_stores(settings.data_folder)
    except StorageFailed as error:
        fail(f"{settings.data} can't be opened: {error}.")
    try:
        machine, vouched = Machine(), settings.clock != "none"
        clock = DeviceClock(stores.settings, machine.monotonic, machine.wall, vouched=vouched)
        yield Feeding(stores, me, clock)
    finally:
        stores.close()


def told(settings: Settings) -> str:
    """Have the agent read again; return in words whether it did."""
    try:
        line = Line(settings.socket, timeout=30.0)
    except OSError:
        return "The agent is not running; it reads this when it starts."
    try:
        line.send(Hello("command", "load"))
        line.send(Reload())
        answer = line.receive()
    except (OSError, TimeoutError):
        return "The agent did not answer. Restart it to put this in force."
    finally:
        line.close()
    if isinstance(answer, Done) and answer.error == WIPED:
        return "The agent that runs was wiped. Restart it to put this in force."
    taken = isinstance(answer, Done) and not answer.error
    return "The agent has taken it up." if taken else f"The agent could not: {answer}."
