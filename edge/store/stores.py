"""All that a gate keeps, opened together from its folder."""

from pathlib import Path
from typing import Final, NamedTuple

from edge.store.database import Database, open_database
from edge.store.documents import DocumentStore
from edge.store.log import LogStore, Probe, unobserved
from edge.store.mirror import Mirror
from edge.store.settings import SettingStore

DATABASE: Final = "gate.db"
MIRROR: Final = "mirror.log"
KEY: Final = "device.key"


class Stores(NamedTuple):
    """One folder's stores. `healed`: what was found wrong with the file, and mended."""

    database: Database
    mirror: Mirror
    log: LogStore
    documents: DocumentStore
    settings: SettingStore
    healed: tuple[str, ...]

    def close(self) -> None:
        """Let go of the files."""
        self.mirror.close()
        self.database.close()


def open_stores(folder: Path, probe: Probe = unobserved) -> Stores:
    """Open a folder's stores; raises `StorageFailed` where the disk does."""
    database, healed = open_database(folder / DATABASE)
    mirror = Mirror(folder / MIRROR)
    log = LogStore(database, mirror, probe)
    return Stores(database, mirror, log, DocumentStore(database), SettingStore(database), healed)
