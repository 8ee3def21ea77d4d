"""`usher-edge practice`: a gate, an event and a queue of guests, made up on this laptop."""

import asyncio
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import click
import qrcode
from rich.console import Console
from rich.progress import track

from edge import version
from edge.agent import run_agent
from edge.commands.access import make_key
from edge.commands.saying import fail
from edge.gate.gate import Gate
from edge.practice.film import film, tickets
from edge.practice.place import KIOSK, practice_settings, provision
from edge.practice.world import PIN, World
from edge.settings import Settings

console: Final = Console()


@click.command()
@click.option(
    "--tickets",
    "many",
    type=click.IntRange(0, 1_000_000),
    default=1000,
    show_default=True,
    help="How many tickets the event has beside one of each kind.",
)
@click.option("--port", type=click.IntRange(1024, 65535), default=8443, show_default=True)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="This machine's address on the LAN lets phones in.",
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep everything here; by default it is gone afterwards.",
)
@click.option(
    "--camera/--no-camera",
    default=True,
    show_default=True,
    help="Show the gate a film of guests with their codes.",
)
def practice(many: int, port: int, host: str, folder: Path | None, camera: bool) -> None:
    """Try a gate on any laptop: an event, tickets, guests before a camera. No cloud, no network.

    \b
    Examples:  usher-edge practice
               usher-edge practice --tickets 100000 --folder here
               usher-edge practice --host 192.0.2.7     # scan with a phone
    """  # fmt: skip
    with ExitStack() as stack:
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="usher-")))
        folder = folder.absolute()
        settings = practice_settings(folder, host, port, camera=camera)
        world = World.make(int(time.time()), tickets=many)
        with console.status("making an event and loading the gate with it"):
            provision(world, settings)
        pictures = folder / "tickets"
        if not pictures.exists():
            for _ in track(list(tickets(world, pictures)), "drawing tickets", console=console):
                pass
        if camera:
            made = film(world, folder / "film")
            for _ in track(made, "filming guests", console=console, transient=True):
                pass
            stack.enter_context(camera_process(settings))
        key = make_key(settings, KIOSK, secrets.token_urlsafe(32), fail)

        def ready(_: Gate) -> None:
            _tell(world, settings, host, port, key, pictures)

        asyncio.run(run_agent(settings, version(), ready))


@contextmanager
def camera_process(settings: Settings) -> Iterator[None]:
    """Run the camera of a gate in a process of its own."""
    (camera,) = settings.cameras
    command = [sys.executable, "-m", "edge", "camera", "--name", camera.name]
    command += ["--source", camera.source, "--lane", camera.lane, "--fps", str(camera.fps)]
    process = subprocess.Popen([*command, "--socket", str(settings.socket)])  # noqa: S603
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


def _tell(world: World, settings: Settings, host: str, port: int, key: str, pictures: Path) -> None:
    """Say where everything is."""
    base, organizer = f"https://{host}:{port}", world.organizer
    lines = {
        "kiosk": f"{base}/kiosk?key={key}",
        "handheld": f"{base}/handheld",
        "health": f"{base}/health",
        "PIN": f"{PIN} (scanning)",
        "badge": f"{organizer.badge('Sue Supervisor')} (supervisor; badge.png beside the tickets)",
        "tickets": f"{pictures}, one picture of each kind",
        "certificate": f"{settings.data_folder / 'ca.crt'}: have the browser trust it",
    }
    for what, where in lines.items():
        console.print(f"[bold]{what:12}[/]{where}", highlight=False, soft_wrap=True)
    code = qrcode.QRCode(border=1)
    code.add_data(f"{base}/handheld")
    code.print_ascii(out=sys.stdout, invert=True)
    console.print("Ctrl-C ends it.")
