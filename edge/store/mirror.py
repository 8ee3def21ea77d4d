"""A second copy of what this device wrote since its cloud last confirmed it.

A flat file of 256-byte records, appended after each commit and not synced: it costs
microseconds, outlives the process, and brings back what a lost or damaged WAL took with it.
After a power cut its end may be missing or torn; the database has those records. Nothing in
it counts before its chain and signatures were checked.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from shared.log.record import SIZE


class Mirror:
    """The file beside the database. Failing to write it never stops the gate."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.failed = False
        self._file: int | None = None
        self._open()

    def read(self) -> list[bytes]:
        """Return its whole records, oldest first."""
        try:
            data = self._path.read_bytes()
        except OSError:
            return []
        return [data[at : at + SIZE] for at in range(0, len(data) - SIZE + 1, SIZE)]

    def append(self, raws: Iterable[bytes]) -> None:
        """Write records behind the others."""
        if self._file is None:
            return
        data = b"".join(raws)
        try:
            self.failed = os.write(self._file, data) != len(data)
        except OSError:
            self.failed = True

    def reset(self, raws: Iterable[bytes]) -> None:
        """Begin anew with these records, or leave it as it is."""
        fresh = self._path.with_suffix(".new")
        try:
            fresh.write_bytes(b"".join(raws))
            fresh.chmod(0o600)
            fresh.replace(self._path)
        except OSError:
            self.failed = True
            return
        self.close()
        self._open()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            with suppress(OSError):
                os.close(self._file)
            self._file = None

    def _open(self) -> None:
        try:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            self._file = os.open(self._path, flags, 0o600)
        except OSError:
            self.failed = True
