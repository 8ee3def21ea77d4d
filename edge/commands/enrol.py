"""`usher-edge enrol`: become one of an organizer's devices, by the code that its console shows."""

import asyncio
import time
from pathlib import Path
from typing import Final

import click
from rich.panel import Panel
from rich.text import Text

from edge.commands.files import told
from edge.commands.saying import console, fail, settings_of
from edge.gate.gate import Machine
from edge.store.database import StorageFailed
from edge.sync.enrolling import Enrolling, NotEnrolled
from edge.sync.failures import Away, Garbled
from edge.sync.words import STEPS, UNREACHABLE, refused

PATIENCE: Final = 120.0  # seconds before a camera


# Three by five points, row by row: to be read from where the console is.
GLYPHS: Final = {
    "0": "111101101101111", "1": "010110010010111", "2": "111001111100111",
    "3": "111001111001111", "4": "101101111001001", "5": "111100111001111",
    "6": "111100111101111", "7": "111001010010010", "8": "111101111101111",
    "9": "111101111001111",
}  # fmt: skip


class Person:
    """The console of this command: a line for each step, and the digits large."""

    def step(self, code: str, detail: str = "") -> None:
        """Print a step."""
        mark = "[yellow]▲[/]" if code == "away" else "[green]✔[/]"
        console.print(f"{mark} {STEPS[code]} {detail}".rstrip(), highlight=False)

    def digits(self, six: str) -> None:
        """Print the digits with room around them."""
        spaced = "   ".join(" ".join(half) for half in (six[:3], six[3:]))
        rows = [_row(six, row) for row in range(5)]
        shown = Text("\n".join(["", *rows, "", spaced]), style="bold", justify="center")
        console.print(Panel(shown, title="Type these digits into the console", width=52))
        console.print("Waiting for the person at the console.")


def _row(six: str, row: int) -> str:
    """Return one row of points of six large digits, in two groups."""
    drawn = [GLYPHS[each][3 * row : 3 * row + 3] for each in six]
    words = ["".join("██" if point == "1" else "  " for point in each) for each in drawn]
    return "    ".join(" ".join(half) for half in (words[:3], words[3:]))


@click.command()
@click.argument("code", default="")
@click.option(
    "--camera", default="", help="Read the code by a camera or from a picture; see below."
)
@click.pass_obj
def enrol(path: Path, code: str, camera: str) -> None:
    """Enrol this device with CODE, the text of the code that the console shows.

    It shows six digits; a person types them into the console. Broken off, the same command
    goes on where it was; without a code, with the one that it began with.

    \b
    Cameras:
      usb:0, csi:0           a camera of this device
      rtsp://10.0.0.9/lane   a network camera
      offer.png              a picture

    \b
    Examples:  usher-edge enrol 'https://gate.example/enrol#1.c0c1…'
               usher-edge enrol --camera usb:0
    """
    settings = settings_of(path)
    text = _seen(camera) if camera else code
    enrolling = Enrolling(settings.data_folder, Person(), Machine(), ca=settings.cloud.ca)
    try:
        asyncio.run(enrolling.run(text))
    except NotEnrolled as error:
        said, todo = refused(error.code)
        fail(f"{said} ({error.code})\n  {todo}")
    except (Away, Garbled) as error:
        said, todo = UNREACHABLE
        fail(f"{said} ({error.code})\n  {todo}")
    except StorageFailed as error:
        fail(f"{settings.data} can't be written: {error}.")
    except OSError as error:
        fail(f"{settings.data}: {error.strerror}. Create the folder, or run this as its owner.")
    console.print(told(settings), highlight=False)
    console.print("Next: `usher-edge run`, if none runs. The ticket lists come by themselves.")


def _seen(camera: str) -> str:
    """Return the first enrolment code that a camera sees or a picture has."""
    from edge.scan.looking import NothingSeen, look

    console.print("Show the code to the camera.")
    try:
        return look(camera, lambda text: "/enrol#" in text, time.monotonic() + PATIENCE)
    except NothingSeen as error:
        fail(f"No enrolment code was seen: {error}. Or paste its text.")
