"""Pictures of tickets, and a film of guests who hold them before a camera."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import zxingcpp

from edge.practice.frames import Look, background, jpeg, render
from edge.practice.world import KINDS, World

HOLDS: Final = 12  # frames that a guest holds a code up
LEAVES: Final = 10  # frames between two guests
CAST: Final = (
    "standing", "seated", "family", "child", "standing", "resold", "waiver", "revoked",
    "bound", "box office", "south only", "hostile", "daily", "refunded",
)  # fmt: skip
MODULE: Final = 8  # px of a module in a ticket's picture
QUIET: Final = 4  # modules around it


def film(world: World, folder: Path, cast: Sequence[str] = CAST) -> Iterator[Path]:
    """Write the frames of a queue of guests, and yield each."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(7)
    number = 0
    for label in cast:
        look = Look(px=6, turn=float(rng.uniform(-20, 20)), tilt=float(rng.uniform(0, 30)),
                    noise=6, motion=1.5)  # fmt: skip
        shown = render([world.code(label)], look, rng)
        empty = np.asarray(np.clip(background(rng), 0, 255), np.uint8)
        for picture, times in ((shown, HOLDS), (empty, LEAVES)):
            data = jpeg(picture)
            for _ in range(times):
                path = folder / f"{number:05}.jpg"
                path.write_bytes(data)
                number += 1
                yield path


def tickets(world: World, folder: Path) -> Iterator[Path]:
    """Write a picture of one ticket of each kind and of a badge, for a real camera."""
    folder.mkdir(parents=True, exist_ok=True)
    for label in KINDS:
        path = folder / f"{label.replace(' ', '-')}.png"
        path.write_bytes(picture(world.code(label)))
        yield path
    badge = folder / "badge.png"
    badge.write_bytes(picture(world.organizer.badge("Sue Supervisor")))
    yield badge


def picture(text: str) -> bytes:
    """Return a code as PNG, EC level M."""
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    flat = np.asarray(code.to_image(scale=MODULE, add_quiet_zones=True))
    done, data = cv2.imencode(".png", flat)
    if not done:
        raise ValueError("a code could not be drawn")
    return bytes(data)
