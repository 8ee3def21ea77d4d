"""What the command line says of a camera. Stands apart from what needs OpenCV."""

from pathlib import Path
from typing import NamedTuple

Region = tuple[float, float, float, float]  # left, top, width, height, as shares of a picture


class Settings(NamedTuple):
    """One camera process."""

    name: str
    source: str
    lane: str
    socket: Path
    fps: int = 30
    region: Region | None = None
    loop: bool = False
