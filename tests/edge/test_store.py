"""The file: its tables, its receipts, and one that a newer software wrote."""

import sqlite3

import pytest

from edge.store.database import StorageFailed
from edge.store.identity import load_identity
from edge.store.schema import VERSION, NewerSchema
from edge.store.stores import DATABASE, KEY, open_stores
from shared.log.chain import Head
from shared.log.record import record_hash
from tests.edge.gates import Site


def test_a_commit_is_on_the_disk_before_it_returns(site: Site) -> None:
    """The settings that make it so."""
    with site.gate.stores.database.reading() as connection:
        for name, value in (("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)):
            assert connection.execute(f"PRAGMA {name}").fetchone()[0] == value
    assert site.gate.stores.database.faults() == []


def test_a_newer_file_is_not_touched(shut: Site) -> None:
    """An older software says so and goes."""
    connection = sqlite3.connect(shut.folder / DATABASE)
    connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    connection.close()
    before = (shut.folder / DATABASE).read_bytes()
    with pytest.raises(NewerSchema):
        shut.open()
    assert (shut.folder / DATABASE).read_bytes()[200:] == before[200:]


def test_receipts_tell_what_waits(site: Site) -> None:
    """They never fall, and belong to one incarnation."""
    log, me = site.gate.stores.log, site.me.device
    for index in range(5):
        site.scan(f"#{index}")
    assert log.waiting(me) == len([*log.unconfirmed(me)]) == 6
    raws = site.raws()
    for seq in (4, 2):
        assert log.confirm([Head(me, 1, seq, record_hash(raws[seq - 1]))]) == ()
    assert log.waiting(me) == len([*log.unconfirmed(me)]) == 2
    site.reopen()
    log = site.gate.stores.log
    assert log.waiting(me) == 3
    assert [raw[24:32] for raw in log.unconfirmed(me)] == [n.to_bytes(8, "big") for n in (5, 6, 1)]
    assert len((site.folder / "mirror.log").read_bytes()) == 3 * 256


def test_nothing_of_a_failed_transaction_is_left(site: Site) -> None:
    """Whichever step of it failed."""
    database = site.gate.stores.database

    def half_done(value: object) -> None:
        with database.writing() as connection:
            connection.execute("INSERT INTO setting VALUES ('a', x'01')")
            connection.execute("INSERT INTO setting VALUES ('b', ?)", (value,))
            raise ZeroDivisionError

    with pytest.raises(StorageFailed):
        half_done(7)  # no bytes: refused
    with pytest.raises(ZeroDivisionError):
        half_done(b"7")
    assert [site.gate.stores.settings.get(name) for name in "ab"] == [None] * 2
    site.gate.stores.settings.put({"a": b"1"})
    assert site.gate.stores.settings.get("a") == b"1"


@pytest.mark.parametrize("content", [b"", b"short", bytes(33)])
def test_a_damaged_key_is_a_declared_error(shut: Site, content: bytes) -> None:
    """And never taken for a key."""
    (shut.folder / KEY).write_bytes(content)
    with pytest.raises(StorageFailed):
        load_identity(shut.folder / KEY)
    with pytest.raises(StorageFailed):
        shut.open()


def test_names_of_settings_are_found_by_how_they_begin(site: Site) -> None:
    """Also where the prefix has signs that a pattern would read."""
    settings = site.gate.stores.settings
    settings.put({"k%:1": b"a", "k%:2": b"b", "kx:3": b"c"})
    assert settings.starting("k%:") == {"1": b"a", "2": b"b"}
    settings.drop("k%:1")
    assert settings.starting("k%:") == {"2": b"b"}


def test_the_stores_open_beside_a_running_gate(site: Site) -> None:
    """Commands look in while it scans."""
    stores = open_stores(site.folder)
    site.scan("standing")
    assert len([*stores.log.records()]) == 2
    stores.close()
    assert site.code_of("seated") == "admitted"
