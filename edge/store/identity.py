"""Who this device is: its key, in a file of its own that never leaves the machine.

The database holds nothing secret; the key lies beside it, readable by the gate's user alone. A
copy of the database is worth hashed ids, statuses and public keys, and no records in this
device's name.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, NamedTuple

from edge.store.database import StorageFailed
from shared import hashing, keys

WIPING: Final = "wiping"  # there from before a wipe until it is over (`edge.store.wiping`)


class Identity(NamedTuple):
    """A device's key pair and the name that logs and rosters know it by."""

    secret: bytes  # 64: `keys.secret_key`
    pk: bytes
    device: bytes  # 16

    def __repr__(self) -> str:
        """Return what logs and tracebacks may show of it."""
        return f"Identity(device={self.device.hex()})"


class AlreadyRunning(Exception):
    """Another process writes this log. Two writers would be two histories of one device."""


def identity_of(seed: bytes) -> Identity:
    """Return the identity that a 32-byte seed makes."""
    secret = keys.secret_key(seed)
    pk = keys.public_key(secret)
    return Identity(secret, pk, hashing.device_id(pk))


def load_identity(path: Path) -> Identity | None:
    """Return the identity on disk, None before there is one and once it is being destroyed."""
    if is_being_wiped(path.parent):
        return None
    try:
        seed = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageFailed(f"{path.name}: {error.strerror}") from error
    if len(seed) != keys.SEED_SIZE:
        raise StorageFailed(f"{path.name} is damaged")
    return identity_of(seed)


def is_being_wiped(folder: Path) -> bool:
    """Whether a wipe of this folder has begun, and has not come to its end."""
    try:
        (folder / WIPING).stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise StorageFailed(f"{folder.name}: {error.strerror}") from error
    return True


def make_identity(path: Path, random: Callable[[int], bytes] = os.urandom) -> Identity:
    """Make a key pair and write it durably, whole or not at all. One that is there stays."""
    seed = random(keys.SEED_SIZE)
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.write(file, seed)
        os.fsync(file)
    finally:
        os.close(file)
    try:
        path.hardlink_to(fresh)
    finally:
        fresh.unlink()
    sync_folder(path.parent)
    return identity_of(seed)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder as durable as what they name."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def lock_folder(folder: Path) -> IO[bytes]:
    """Hold the folder's log for this process alone, as long as the file returned stays open."""
    file = _lock_file(folder / "lock")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise AlreadyRunning(str(folder)) from None
    return file


@contextmanager
def loading(folder: Path) -> Iterator[None]:
    """Wait for whoever else loads a file: of two deliveries, the older must not win."""
    with _lock_file(folder / "loading") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _lock_file(path: Path) -> IO[bytes]:
    try:
        opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StorageFailed(str(error.strerror)) from error
    return os.fdopen(opened, "wb")
