"""A second copy of what this device wrote since its cloud last confirmed it.

A flat file of 256-byte records, appended after each commit and not synced: it costs
microseconds, outlives the process, and brings back what a lost or damaged WAL took with it.
After a power cut its end may be missing or torn; the database has those records. Nothing in
it counts before its signatures were checked. What could not be written is tried again with
what comes next, so that a disk that was full for a while leaves no gap.
"""

import os
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

from edge.store.database import StorageFailed
from shared.log.record import SIZE

MOST_OWED: Final = 1 << 20  # bytes, a whole number of records


class Mirror:
    """The file beside the database. Failing to write it never stops the gate."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.failed = False
        self._owed = b""
        self._file: int | None = None
        self._lock = threading.Lock()
        self._open()

    @property
    def size(self) -> int:
        """How many bytes the file has, as far as that can be read."""
        try:
            return self._path.stat().st_size
        except OSError:
            return 0

    def read(self) -> list[bytes]:
        """Return its whole records, oldest first."""
        try:
            data = self._path.read_bytes()
        except OSError:
            return []
        return [data[at : at + SIZE] for at in range(0, len(data) - SIZE + 1, SIZE)]

    def append(self, raws: Iterable[bytes]) -> None:
        """Write records behind the others."""
        with self._lock:
            if self._file is None:
                return
            data = self._owed + b"".join(raws)
            whole = _written(self._file, data)
            self.failed = whole != len(data)
            self._owed = data[whole:][-MOST_OWED:]

    def reset(self, raws: Iterable[bytes]) -> None:
        """Begin anew with these records, or leave it as it is but for a torn end."""
        fresh = self._path.with_suffix(".new")
        try:
            with _fresh(fresh) as file:
                file.writelines(raws)
            fresh.replace(self._path)
        except OSError:
            self.failed = True
            with suppress(OSError):
                fresh.unlink(missing_ok=True)
                os.truncate(self._path, self._path.stat().st_size // SIZE * SIZE)
            return
        self.close()
        self.failed, self._owed = False, b""
        self._open()

    def trim(self, raws: Iterable[bytes]) -> None:
        """Begin anew with these records, which are all that matter of those written so far, and
        with whatever is appended meanwhile. Where that fails, it stays as it is."""
        fresh, since = self._path.with_suffix(".new"), self.size // SIZE * SIZE
        try:
            with _fresh(fresh) as file:
                file.writelines(raws)
                with self._lock:
                    if self._owed:
                        return
                    with self._path.open("rb") as old:
                        old.seek(since)
                        file.write(old.read())
                    file.flush()
                    fresh.replace(self._path)
                    self.close()
                    self._open()
        except (OSError, StorageFailed):
            return

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            with suppress(OSError):
                os.close(self._file)
            self._file = None

    def _open(self) -> None:
        try:
            self._file = _private(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        except OSError:
            self.failed = True


def _fresh(path: Path) -> IO[bytes]:
    path.unlink(missing_ok=True)
    return open(path, "xb", opener=_private)


def _written(file: int, data: bytes) -> int:
    """Write records; return how many bytes of whole ones that were, and leave no torn one."""
    try:
        written = os.write(file, data)
        if torn := written % SIZE:
            os.ftruncate(file, os.fstat(file).st_size - torn)
    except OSError:
        return 0
    return written - torn


def _private(path: str | Path, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)
