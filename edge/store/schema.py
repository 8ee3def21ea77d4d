"""The tables of a gate's file, as numbered steps (`PRAGMA user_version` says how many were taken).

record    own and others' log records: 256 bytes each, never changed, never deleted before
          the cloud's receipt
blob      proofs and attachments, named by their evidence hash
receipt   how far the cloud has confirmed an incarnation
document  signed documents in force: keyset, roster, heads of manifests and search lists
chunk     what heads name by digest; shared by all versions that have it in common
setting   this device's own state: tenant, root, floor and bound of time, command number
pin       verifiers of PINs that open scanning
counted   codes that were refused and, by the protocol, never logged
incident  what the cloud says a person must settle: a copy, for screens
"""

import sqlite3
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from sqlite_utils import Database


def _create(
    db: "Database", table: str, columns: dict[str, Any], key: str | tuple[str, ...]
) -> None:
    db.table(table).create(columns, pk=key, not_null=set(columns), strict=True)


def _first(db: "Database") -> None:
    place = {"device": bytes, "incarnation": int, "seq": int}
    # With its id, so that two records at one place, a device's equivocation, are both kept.
    _create(
        db,
        "record",
        {**place, "id": bytes, "raw": bytes},
        ("device", "incarnation", "seq", "id"),
    )
    _create(db, "blob", {"hash": bytes, "content": bytes}, "hash")
    _create(db, "receipt", place, ("device", "incarnation"))
    _create(db, "document", {"kind": str, "event": bytes, "raw": bytes}, ("kind", "event"))
    _create(db, "chunk", {"digest": bytes, "content": bytes}, "digest")
    _create(db, "setting", {"name": str, "value": bytes}, "name")
    _create(db, "pin", {"name": str, "role": str, "verifier": bytes}, "name")
    _create(db, "counted", {"code": str, "times": int}, "code")


def _incidents(db: "Database") -> None:
    columns = {"id": bytes, "number": int, "event": bytes, "note": bytes}
    _create(db, "incident", columns, "id")
    db.table("incident").create_index(["number"])


STEPS: Final[tuple[Callable[["Database"], None], ...]] = (_first, _incidents)
VERSION: Final = len(STEPS)


class NewerSchema(Exception):
    """The file was written by a newer version of this software."""


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the file to this version's tables, each step whole or not at all."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise NewerSchema(f"the file has version {version}, this software {VERSION}")
    if version == VERSION:
        return  # without the import below: it takes a third of a second of every start
    from sqlite_utils import Database  # noqa: PLC0415

    for number in range(version, VERSION):
        connection.execute("BEGIN IMMEDIATE")
        try:
            STEPS[number](Database(connection, recursive_triggers=False))
            connection.execute(f"PRAGMA user_version = {number + 1}")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
