"""The fonts of printed tickets, read once a process: DejaVu's, from npm's `dejavu-fonts-ttf`.

A PDF reader's own know Latin letters alone.
"""

from functools import cache
from pathlib import Path
from threading import Lock
from typing import Final, NamedTuple

from cloud.tickets.truetype import Face

FONTS: Final = Path(__file__).parent / "static" / "vendor" / "dejavu-fonts-ttf" / "ttf"
PLAIN, BOLD = "DejaVuSansCondensed.ttf", "DejaVuSansCondensed-Bold.ttf"
READING: Final = Lock()  # it takes a while: whoever comes meanwhile waits for it


class FontMissing(RuntimeError):
    """The fonts of printed tickets are not there."""


class Faces(NamedTuple):
    """What a ticket is set in."""

    plain: Face
    bold: Face


def faces(folder: Path) -> Faces:
    """Return the fonts of a folder, or raise `FontMissing`."""
    for name in (PLAIN, BOLD):
        if not (folder / name).is_file():
            raise FontMissing(f"{name} is not there: scripts/frontend fetches it")
    with READING:
        return _read(folder)


@cache
def _read(folder: Path) -> Faces:
    return Faces(
        Face((folder / PLAIN).read_bytes(), stem=87), Face((folder / BOLD).read_bytes(), stem=165)
    )
