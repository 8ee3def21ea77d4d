"""`usher-edge run`: the agent."""

import asyncio
from pathlib import Path

import click
from rich.console import Console

from edge import version
from edge.agent import run_agent
from edge.certs import BadCertificate
from edge.commands.saying import fail, settings_of
from edge.gate.gate import Gate, NotSetUp
from edge.store.database import StorageFailed
from edge.store.identity import AlreadyRunning
from edge.store.schema import NewerSchema

console = Console(stderr=True)


@click.command()
@click.pass_obj
def run(path: Path) -> None:
    """Run the gate: scan, decide, write, and serve the screens.

    It needs no network. It ends on SIGTERM and loses nothing if it is killed.

    \b
    Example:  usher-edge --settings /etc/usher/gate.toml run
    """
    settings = settings_of(path)

    def ready(gate: Gate) -> None:
        for each in gate.healed:
            console.print(f"[yellow]▲[/] mended at the start: {each}", highlight=False)
        web = settings.web
        console.print(f"[green]✔[/] {settings.name} on port {web.port}", highlight=False)

    try:
        asyncio.run(run_agent(settings, version(), ready))
    except NotSetUp as error:
        fail(str(error))
    except AlreadyRunning:
        fail(f"An agent is running on {settings.data} already. Only one may write its log.")
    except (BadCertificate, StorageFailed, NewerSchema) as error:
        fail(str(error))
