"""All that a gate keeps, opened together from its folder."""

from pathlib import Path
from typing import Final, NamedTuple

from edge.store.database import Database, heal_database, open_database
from edge.store.documents import DocumentStore
from edge.store.identity import Identity, load_identity
from edge.store.incidents import IncidentStore
from edge.store.log import LogStore, Probe, unobserved
from edge.store.mirror import Mirror
from edge.store.settings import SettingStore

DATABASE: Final = "gate.db"
MIRROR: Final = "mirror.log"
KEY: Final = "device.key"
NEXT_KEY: Final = "device.next"  # that is to come, while the key is being changed
OLD_KEY: Final = "device.old"  # whose place `KEY` takes, until a roster says so


class Stores(NamedTuple):
    """One folder's stores. `healed`: what was found wrong with the file, and mended."""

    database: Database
    mirror: Mirror
    log: LogStore
    documents: DocumentStore
    settings: SettingStore
    incidents: IncidentStore
    healed: tuple[str, ...]

    @property
    def folder(self) -> Path:
        """Where all of it lies."""
        return self.database.path.parent

    def close(self) -> None:
        """Let go of the files."""
        self.mirror.close()
        self.database.close()


def old_key(folder: Path) -> Identity | None:
    """Return the key whose place the device's own takes, None where no key is being changed."""
    old = load_identity(folder / OLD_KEY)
    return None if old == load_identity(folder / KEY) else old


def open_stores(folder: Path) -> Stores:
    """Open a folder's stores beside its agent; raises `StorageFailed` where the disk does."""
    return _stores(folder, open_database(folder / DATABASE), (), unobserved)


def heal_stores(folder: Path, probe: Probe = unobserved) -> Stores:
    """Open a folder's stores, healed if need be, for the process that holds the folder."""
    database, healed = heal_database(folder / DATABASE)
    return _stores(folder, database, healed, probe)


def _stores(folder: Path, database: Database, healed: tuple[str, ...], probe: Probe) -> Stores:
    mirror = Mirror(folder / MIRROR)
    log = LogStore(database, mirror, probe)
    documents, settings = DocumentStore(database), SettingStore(database)
    return Stores(database, mirror, log, documents, settings, IncidentStore(database), healed)
