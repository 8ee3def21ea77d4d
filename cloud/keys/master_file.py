"""The file of a master key: 32 bytes that only their owner may read."""

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from cloud.keys.sealing import KEY_SIZE

_GROUP_AND_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class BadKeyFile(Exception):
    """A master key's file that can't be used; its text is a sentence for the operator."""


def read(path: Path) -> bytes:
    """Return the key of a file that nobody but its owner may read."""
    try:
        # Without O_NONBLOCK a pipe in its place would hold up the start for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(file.fileno())
            content = file.read(KEY_SIZE + 1)
    except OSError as error:
        raise BadKeyFile(f"The master key {path} can't be read: {error.strerror}.") from None
    if not stat.S_ISREG(found.st_mode):
        raise BadKeyFile(f"The master key {path} is not a file.")
    # One that isn't our own was handed over: systemd lets us read a credential by an access list,
    # which looks like a group's right.
    own = found.st_uid == os.geteuid()
    if found.st_mode & (_GROUP_AND_OTHERS if own else stat.S_IRWXO):
        mode = stat.S_IMODE(found.st_mode)
        raise BadKeyFile(f"Others may read the master key {path} ({mode:04o}): chmod 600 it.")
    if len(content) != KEY_SIZE:
        raise BadKeyFile(f"The master key {path} must have exactly {KEY_SIZE} bytes.")
    return content


def generate(path: Path) -> bytes:
    """Write a new key and return it. It is there whole or not at all, and replaces nothing."""
    key = secrets.token_bytes(KEY_SIZE)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        _write(draft, key)
        os.link(draft, path)  # fails where there is a file: a key that sealed something stays
        _sync_folder(path.parent)
    except FileExistsError:
        raise BadKeyFile(f"There is a master key at {path} already.") from None
    except OSError as error:
        raise BadKeyFile(f"The master key {path} can't be written: {error.strerror}.") from None
    finally:
        with suppress(OSError):
            draft.unlink()
    return key


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(file.fileno(), 0o600)  # whatever the umask took away
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
