"""Looking closely at what was written: costs up to seconds, so it is done now and then.

A table is checked at a time and a chain in batches, so that no read lasts long: a checkpoint
waits for readers, and scans for the checkpoint.
"""

import os
from pathlib import Path
from typing import Final

from edge.gate.receipts import disputed
from edge.health.look import looking
from edge.health.reading import Access, Log
from edge.store.database import TABLES, Database, StorageFailed
from edge.store.identity import Identity
from edge.store.log import LogStore
from edge.store.schema import NewerSchema
from edge.store.stores import DATABASE, MIRROR, Stores
from shared.log.chain import MAX_BATCH, Checked, Head, verify_chain
from shared.log.gossip import Span
from shared.log.record import SIZE

NEWEST: Final = "SELECT coalesce(max(incarnation), 0) FROM record WHERE device = ?"
TRIAL: Final = "write-test"


def inspect_log(folder: Path, me: Identity) -> Log:
    """Return how a folder's log is, read on a connection of its own."""
    try:
        with looking(folder) as stores:
            return inspected(stores, me)
    except (StorageFailed, NewerSchema) as error:
        return Log(faults=(str(error),))


def inspected(stores: Stores, me: Identity) -> Log:
    """Return how an open log is."""
    faults = _faults(stores.database)
    try:
        records, broken = _chain(stores, me)
    except StorageFailed as error:
        return Log((*faults, str(error)))
    return Log(faults, records, broken)


def count_waiting(folder: Path, me: Identity) -> int | None:
    """Return how many own records have no receipt; None where that can't be read."""
    try:
        with looking(folder) as stores:
            return stores.log.waiting(me.device)
    except (StorageFailed, NewerSchema):
        return None


def disputed_in(folder: Path) -> set[bytes]:
    """Return the devices of which the cloud has signed for another history than the one here."""
    try:
        with looking(folder) as stores:
            return {device for device, _ in disputed(stores.settings)}
    except (StorageFailed, NewerSchema):
        return set()


def try_to_write(folder: Path) -> str:
    """Write and sync a small file; return why that failed, or nothing."""
    path = folder / TRIAL
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        file = os.open(path, flags, 0o600)
        try:
            os.write(file, bytes(SIZE))
            os.fsync(file)
        finally:
            os.close(file)
            path.unlink()
    except OSError as error:
        return error.strerror or str(error)
    return ""


def mirror_access(folder: Path) -> Access:
    """Return whether the second copy of new records can be used by this user."""
    path = folder / MIRROR
    if not os.access(path, os.F_OK):
        return "missing"
    return "ok" if os.access(path, os.R_OK | os.W_OK) else "unreadable"


def set_aside(folder: Path) -> int:
    """Return how many damaged databases lie beside the one in use."""
    return len([*folder.glob(f"{DATABASE}.damaged-*[0-9]")])


def _faults(database: Database) -> tuple[str, ...]:
    found: list[str] = []
    for table in TABLES:
        try:
            with database.reading() as connection:
                rows = connection.execute(f"PRAGMA quick_check('{table}')").fetchall()
        except StorageFailed as error:
            return (*found, str(error))
        found += [row[0] for row in rows if row[0] != "ok"]
    return tuple(found)


def _chain(stores: Stores, me: Identity) -> tuple[int, str]:
    """Return how many records of the newest incarnation follow one another, and what ends them."""
    with stores.database.reading() as connection:
        (incarnation,) = connection.execute(NEWEST, (me.device,)).fetchone()
    head: Head | None = None
    while True:
        after = head.seq if head else 0
        checked = _batch(stores.log, me, incarnation, after, head)
        head = checked.head
        count = head.seq if head else 0
        if checked.broken is not None:
            return count, checked.broken.fault.value
        if len(checked.hashes) < MAX_BATCH:
            return count, ""


def _batch(log: LogStore, me: Identity, incarnation: int, after: int, head: Head | None) -> Checked:
    raws = log.span(Span(me.device, incarnation, after, after + MAX_BATCH))
    return verify_chain(b"".join(raws[:MAX_BATCH]), me.pk, head)
