"""Destroying all that a device holds (spec/devices.md §4).

    wipe(folder)        # marked on the disk first: cut off anywhere, it is not taken back
    end_wipe(folder)    # at a start: does what is left of one that was cut off

While the mark is there the key is nobody's (`load_identity`), whatever is left of it.
"""

import os
from contextlib import suppress
from pathlib import Path

from edge.store.database import StorageFailed
from edge.store.identity import WIPING, is_being_wiped, loading, sync_folder
from edge.store.stores import DATABASE, KEY, MIRROR
from shared.keys import SEED_SIZE


def wipe(folder: Path) -> None:
    """Destroy the device's key first, then everything else. For whoever holds off deliveries."""
    mark = folder / WIPING
    with suppress(OSError):  # a full disk: nothing remembers it then, and it needs no room itself
        mark.touch(mode=0o600)
        sync_folder(folder)
    try:
        for key in sorted(folder.glob(f"{Path(KEY).stem}.*")):  # also one that is to come
            _destroy_key(key)
        for path in (*sorted(folder.glob(f"{DATABASE}*")), *sorted(folder.glob(f"{MIRROR}*"))):
            if not path.name.endswith("-shm"):  # an agent that runs on has it in its memory
                os.truncate(path, 0)
            path.unlink()
        sync_folder(folder)
        mark.unlink(missing_ok=True)
        sync_folder(folder)
    except OSError as error:
        raise StorageFailed(f"{folder.name} is not wiped: {error.strerror}") from error


def end_wipe(folder: Path) -> None:
    """Do what is left of a wipe that was cut off."""
    if is_being_wiped(folder):
        with loading(folder):
            if is_being_wiped(folder):  # else somebody was at it still, and has ended it
                wipe(folder)


def _destroy_key(key: Path) -> None:
    """Write over a key before its name goes, as far as the disk lets anybody."""
    with key.open("r+b") as file:
        file.write(bytes(SEED_SIZE))
        file.flush()
        os.fsync(file.fileno())
    key.unlink()
    sync_folder(key.parent)
