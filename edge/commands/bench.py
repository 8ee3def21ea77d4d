"""`usher-edge bench`: how fast this very machine scans."""

import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Final

import click
import numpy as np
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from edge.gate.gate import open_gate
from edge.practice import speed
from edge.practice.frames import Look, render
from edge.practice.place import practice_settings
from edge.practice.world import World, post_lane
from edge.scan.engines import load_zbar
from edge.scan.stream import VideoDecoder

SCANS: Final = 1000
FRAMES: Final = 100
console: Final = Console()


@click.command()
@click.option(
    "--tickets",
    type=click.IntRange(2 * SCANS, 1_000_000),
    default=20_000,
    show_default=True,
    help="How many tickets the gate holds.",
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Measure the disk of this folder; by default that of temporary files.",
)
def bench(tickets: int, folder: Path | None) -> None:
    """Measure scans on this machine: from a code's text, and from a camera's frame.

    Every verdict is durable: written and synced before it counts.

    \b
    Examples:  usher-edge bench
               usher-edge bench --tickets 100000 --folder /var/lib/usher
    """  # fmt: skip
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with (
        tempfile.TemporaryDirectory(dir=folder, prefix="usher-") as name,
        Progress(*columns, console=console, transient=True) as progress,
    ):
        progress.add_task(f"loading a gate with {tickets:,} tickets and scanning", total=None)
        rows = _measured(Path(name), tickets)
    table = Table(title=f"This machine, {tickets:,} tickets; milliseconds")
    for column in ("", "half of them within", "99 of 100 within"):
        table.add_column(column, justify="left" if not column else "right")
    for what, spent in rows:
        table.add_row(what, f"{speed.share(spent, 0.5):.3f}", f"{speed.share(spent, 0.99):.3f}")
    console.print(table)


def _measured(folder: Path, tickets: int) -> list[tuple[str, list[float]]]:
    settings = practice_settings(folder, "127.0.0.1", 0, camera=False)
    world = World.make(int(time.time()), tickets=tickets)
    world.install(settings, names=False)
    post_lane(settings, speed.LANE)
    gate = open_gate(settings)
    try:
        rng, decoder = np.random.default_rng(1), VideoDecoder(load_zbar())
        shown = [render([world.bulk(i)], Look(noise=4), rng) for i in range(FRAMES)]

        def look(frame: "np.ndarray[tuple[int, int], np.dtype[np.uint8]]") -> None:
            gate.station.scan_several(decoder.read(frame).texts, speed.LANE, "hand")

        codes = [world.bulk(i) for i in range(FRAMES, FRAMES + SCANS)]
        return [
            ("text of a code → durable verdict", speed.verdicts(gate, codes)),
            ("720p frame → durable verdict", speed.timed(partial(look, frame) for frame in shown)),
            ("of these: one signature check", speed.verifications(SCANS)),
            ("a bare durable insert", _inserts(folder)),
            ("a sync of this disk", speed.syncs(folder, SCANS)),
        ]
    finally:
        gate.close()


def _inserts(folder: Path) -> list[float]:
    with speed.bare(folder) as insert:
        return speed.timed(insert for _ in range(SCANS))
