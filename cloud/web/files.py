"""Files that pages load: read once, sent from memory, and for ever the same at their address.

`/static/HASH/name`: HASH is that of all files together, so a page and what it loads are of one
build.
"""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

import shared

HERE: Final = Path(__file__).parent
DESIGN: Final = Path(shared.__file__).parent / "design"
TYPES: Final[Mapping[str, str]] = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}


class File(NamedTuple):
    """One file."""

    content: bytes
    media_type: str


class Files:
    """All files, by their names."""

    def __init__(self, folders: Iterable[Path]) -> None:
        self._files = {
            path.relative_to(folder).as_posix(): File(path.read_bytes(), TYPES[path.suffix])
            for folder in folders
            for path in sorted(folder.rglob("*"))
            if path.suffix in TYPES
        }
        whole = hashlib.sha256()
        for name, file in sorted(self._files.items()):
            whole.update(name.encode() + b"\0" + hashlib.sha256(file.content).digest())
        self.base = f"/static/{whole.hexdigest()[:16]}"

    def get(self, path: str) -> File | None:
        """Return the file at an address, if it is of this build."""
        base, _, name = path.removeprefix("/static/").partition("/")
        return self._files.get(name) if f"/static/{base}" == self.base else None


def ours() -> Files:
    """Return the files of this build."""
    return Files((DESIGN, HERE / "static"))
