"""`usher-edge doctor`: is this gate fit to open, and what to do if not?"""

import sys
from pathlib import Path
from typing import Final

import click
import msgspec
from rich.console import Console

from edge.gate.gate import Machine
from edge.health.checks import results
from edge.health.outside import read_from_outside
from edge.health.result import Result, severity, worst
from edge.health.table import show
from edge.settings import BadSettings, Settings, read_settings

BAD_SETTINGS: Final = 2


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print rows for a script.")
@click.pass_obj
def doctor(path: Path, as_json: bool) -> None:
    """Look at this gate: its setup, disk, log, ticket lists, certificate, readers, power.

    It writes one small file in the data folder, to see that it can, and takes it away again;
    beside that it changes nothing, and the agent may go on running. What only the agent
    knows, such as its cameras, is on the gate's own page at /health.

    Ends with 0 if all is well, with 1 if somebody should look, with 2 if the gate is not fit.

    \b
    Examples:  usher-edge doctor
               usher-edge doctor --json | jq '.[] | select(.state != "ok")'
    """
    try:
        settings = read_settings(path)
    except BadSettings as error:
        click.echo(str(error), err=True)
        sys.exit(BAD_SETTINGS)
    found = examine(settings)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode([each.row() for each in found])))
    else:
        show(found, Console(), settings.name)
    sys.exit(severity(worst(each.state for each in found)))


def examine(settings: Settings) -> list[Result]:
    """Return what every check says of a gate, seen from outside its agent."""
    with Console(stderr=True).status("looking") as status:
        reading = read_from_outside(
            settings, Machine(), lambda what: status.update(f"looking at {what}")
        )
    return results(reading)
