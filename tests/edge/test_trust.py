"""Whom a gate believes: set up once, restored at every start, and what rotted is not used."""

import sqlite3
from pathlib import Path

import pytest
from msgspec.structs import replace

from edge.gate.gate import NotSetUp
from edge.gate.setup import set_up
from edge.practice.world import EVENT, World
from edge.store.stores import DATABASE
from shared.bundle import Part, Section
from shared.errors import Refused, Untrusted
from shared.keyset import KEYSET
from shared.signed import Kind, open_signed, seal
from tests.edge.gates import NOW, Site, empty_site
from tests.edge.papers import keyset


def test_a_gate_that_was_not_loaded_admits_nobody(swift: Path) -> None:
    """It opens, and says why."""
    site = empty_site(swift, World.make(NOW, tickets=0))
    site.open()
    assert site.scan("standing").reason == "no_manifest"
    assert site.gate.board.status().data_state == "none"
    site.close()


def test_a_folder_that_was_not_set_up_opens_no_gate(swift: Path, loaded: Site) -> None:
    """There is no key and no organizer."""
    (swift / "data").mkdir()
    settings = replace(loaded.settings, data=str(swift / "data"))
    site = Site(loaded.world, settings, loaded.me, loaded.time)
    with pytest.raises(NotSetUp):
        site.open()


def test_a_device_is_one_organizers_for_good(shut: Site) -> None:
    """Set up again it is the same; by another organizer it is refused, with nothing changed."""
    organizer = shut.world.organizer
    assert set_up(shut.folder, organizer.tenant, organizer.root) == shut.me
    stranger = World.make(NOW, tickets=0, seed=b"other").organizer
    with pytest.raises(Refused):
        set_up(shut.folder, stranger.tenant, stranger.root)
    with pytest.raises(Untrusted):
        set_up(shut.folder, organizer.tenant, bytes(32))
    shut.open()
    assert shut.code_of("standing") == "admitted"


@pytest.mark.parametrize("kind", ["keyset", "roster", "head"])
def test_a_document_that_rotted_is_not_used(shut: Site, kind: str) -> None:
    """The gate is locked until it is loaded again, and then admits as ever."""
    _rot(shut, "SELECT rowid, raw FROM document WHERE kind = ?", PUT_DOCUMENT, kind)
    shut.open()
    assert shut.gate.held.trust.faults
    assert shut.code_of("standing") == "gate_locked"
    shut.load(shut.world.organizer.preload())
    assert shut.gate.held.trust.faults == ()
    assert shut.code_of("standing") == "admitted"


def test_a_chunk_that_rotted_is_not_used(shut: Site) -> None:
    """It fits no hash of the head."""
    _rot(shut, "SELECT rowid, content FROM chunk WHERE length(content) = ?", PUT_CHUNK, 29)
    shut.open()
    assert [(fault.kind, fault.code) for fault in shut.gate.held.trust.faults] == [
        ("head", "chunk_hash")
    ]
    assert shut.scan("standing").reason == "no_manifest"


def test_a_new_root_that_the_old_one_announced_is_kept(swift: Path) -> None:
    """Over a restart."""
    world = World.make(NOW, tickets=0)
    site = empty_site(swift, world)
    organizer = world.organizer
    site.load(organizer.preload())
    site.feed(Section(Part.KEYSET, keyset(organizer, 2, successor=organizer.public("root 2"))))
    document = open_signed(Kind.KEYSET, organizer.keyset(3), organizer.root, KEYSET)
    changed = replace(document, root=organizer.public("root 2"))
    site.feed(Section(Part.KEYSET, seal(Kind.KEYSET, changed, organizer.secret("root 2"))))
    site.open()
    assert site.gate.held.trust.keys.root.hex() == organizer.public("root 2")
    assert EVENT in site.gate.held.trust.books
    site.close()


PUT_DOCUMENT = "UPDATE document SET raw = ? WHERE rowid = ?"
PUT_CHUNK = "UPDATE chunk SET content = ? WHERE rowid = ?"


def _rot(site: Site, query: str, put: str, which: str | int) -> None:
    """Turn over a bit in the middle of a stored value."""
    connection = sqlite3.connect(site.folder / DATABASE)
    row, value = connection.execute(query, (which,)).fetchone()
    half = len(value) // 2
    changed = value[:half] + bytes([value[half] ^ 1]) + value[half + 1 :]
    connection.execute(put, (changed, row))
    connection.commit()
    connection.close()
