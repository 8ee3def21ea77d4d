"""An organizer's documents, changed and signed anew: what a test carries to a gate."""

from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from edge.practice.organizer import Organizer
from shared.bundle import Part, Section
from shared.devices.roster import ROSTER
from shared.keyset import KEYSET
from shared.manifest import frames
from shared.manifest.head import HEAD
from shared.manifest.table import Table
from shared.signed import Kind, open_signed, seal


def keyset(organizer: Organizer, version: int, *withdrawn: str, **changes: Any) -> bytes:
    """Return the keyset of a version, the keys of those names withdrawn."""
    document = open_signed(Kind.KEYSET, organizer.keyset(version), organizer.root, KEYSET)
    gone = {organizer.public(name) for name in withdrawn}
    listed = tuple(replace(k, revoked=k.revoked or k.pk in gone) for k in document.keys)
    return seal(Kind.KEYSET, replace(document, keys=listed, **changes), organizer.secret("root"))


def roster(organizer: Organizer, version: int, key: str = "roster", **changes: Any) -> bytes:
    """Return the roster of a version, with other fields or signed by another key."""
    pk = bytes.fromhex(organizer.public("roster"))
    document = open_signed(Kind.ROSTER, organizer.roster(version), pk, ROSTER)
    return seal(Kind.ROSTER, replace(document, **changes), organizer.secret(key))


def manifest(
    organizer: Organizer, version: int, key: str = "manifest", **changes: Any
) -> list[Section]:
    """Return the manifest of a version as it is now, with other fields in its head."""
    table = organizer.table()
    pk = bytes.fromhex(organizer.public("manifest"))
    document = open_signed(Kind.MANIFEST, organizer.head(table, version), pk, HEAD)
    head = seal(Kind.MANIFEST, replace(document, **changes), organizer.secret(key))
    return [Section(Part.HEAD, head), *_parts(table)]


def _parts(table: Table) -> Iterator[Section]:
    for part, chunks in ((Part.CHUNKS, table.chunks), (Part.NAMES, table.names)):
        content = (frames.encode(index, each) for index, each in enumerate(chunks) if each)
        yield Section(part, b"".join(content))
