"""Files that pages load: read once, sent from memory.

`/static/HASH/name` is for ever the same, since HASH is that of all files together: a module
that imports its neighbour by a relative name finds the one it was built with. `/static/name`
is asked for anew each time and answered by 304 where nothing changed.

The service worker can't have a hash in its name. It has HASH_MARK in its text in place of the
hash, so that it changes whenever any file does.
"""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

TYPES: Final[Mapping[str, str]] = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".wav": "audio/wav",
    ".mp3": "audio/mpeg",
    ".wasm": "application/wasm",
    ".txt": "text/plain",
}


WORKER: Final = "sw.js"
HASH_MARK: Final = b"@HASH@"


class Asset(NamedTuple):
    """One file."""

    content: bytes
    media_type: str
    etag: str


class Assets:
    """All files, by the names that pages know them by."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._assets = {name: _asset(name, content) for name, content in files.items()}
        every = "".join(f"{name}{asset.etag}" for name, asset in sorted(self._assets.items()))
        self.hash = hashlib.sha256(every.encode()).hexdigest()[:16]
        if (worker := files.get(WORKER)) is not None:
            marked = worker.replace(HASH_MARK, self.hash.encode())
            self._assets[WORKER] = _asset(WORKER, marked)

    def get(self, name: str) -> Asset | None:
        """Return a file."""
        return self._assets.get(name)

    def url(self, name: str) -> str:
        """Return the address of a file, for a page. A page never names one that is missing."""
        if name not in self._assets:
            raise LookupError(f"no static file {name}")
        return f"/static/{self.hash}/{name}"

    def asked(self, path: str) -> tuple[Asset | None, bool]:
        """Return the file at what follows `/static/`, and whether it can never change there."""
        first, _, rest = path.partition("/")
        return (self.get(rest), True) if first == self.hash else (self.get(path), False)


def load(folders: Iterable[tuple[str, Path]]) -> Assets:
    """Return the files in some folders, each under its prefix; types we don't know stay out."""
    files = {
        prefix + path.relative_to(folder).as_posix(): path.read_bytes()
        for prefix, folder in folders
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix in TYPES
    }
    return Assets(files)


def _asset(name: str, content: bytes) -> Asset:
    digest = hashlib.sha256(content).hexdigest()[:32]
    return Asset(content, TYPES[Path(name).suffix], f'"{digest}"')
