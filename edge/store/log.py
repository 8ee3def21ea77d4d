"""The scan log on disk: this device's own records, others' that it heard, and their blobs.

`append` is the one write on the path of a scan: one transaction, and green only after it.
`probe` is called by name at each step of it; tests stop the process there.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from edge.store.database import Database
from edge.store.mirror import Mirror
from shared.log.gossip import Key, Mark, Span
from shared.log.record import record_hash

INSERT: Final = """
    INSERT OR IGNORE INTO record (device, incarnation, seq, id, raw) VALUES (?, ?, ?, ?, ?)
"""
KEEP_BLOB: Final = "INSERT OR IGNORE INTO blob (hash, content) VALUES (?, ?)"
LAST: Final = """
    SELECT raw FROM record WHERE device = ? ORDER BY incarnation DESC, seq DESC LIMIT 1
"""
HIGHEST_STAMP: Final = "SELECT max(substr(raw, 65, 8)) FROM record WHERE device = ?"
ALL: Final = "SELECT raw FROM record ORDER BY device, incarnation, seq, id"
OWN_UNCONFIRMED: Final = """
    SELECT raw
      FROM record
      LEFT JOIN receipt ON receipt.device = record.device
                       AND receipt.incarnation = record.incarnation
     WHERE record.device = ? AND record.seq > coalesce(receipt.seq, 0)
     ORDER BY record.incarnation, record.seq
"""
WAITING: Final = """
    SELECT coalesce(sum(highest.seq - coalesce(receipt.seq, 0)), 0)
      FROM (SELECT device, incarnation, max(seq) AS seq FROM record
             WHERE device = ? GROUP BY device, incarnation) AS highest
      LEFT JOIN receipt ON receipt.device = highest.device
                       AND receipt.incarnation = highest.incarnation
"""
VECTOR: Final = """
    SELECT device, incarnation, max(seq), raw FROM record GROUP BY device, incarnation
"""
SPAN: Final = """
    SELECT raw FROM record
     WHERE device = ? AND incarnation = ? AND seq > ? AND seq <= ?
     ORDER BY seq, id
"""
FORKS: Final = """
    SELECT record.raw
      FROM record
      JOIN (SELECT device, incarnation, seq FROM record
             GROUP BY device, incarnation, seq HAVING count(*) > 1) AS place
        ON place.device = record.device AND place.incarnation = record.incarnation
       AND place.seq = record.seq
     ORDER BY record.device, record.incarnation, record.seq, record.id
"""
AT: Final = "SELECT raw FROM record WHERE device = ? AND incarnation = ? AND seq = ?"
CONFIRM: Final = """
    INSERT INTO receipt (device, incarnation, seq) VALUES (?, ?, ?)
    ON CONFLICT (device, incarnation) DO UPDATE SET seq = max(seq, excluded.seq)
"""
COUNT: Final = """
    INSERT INTO counted (code, times) VALUES (?, ?)
    ON CONFLICT (code) DO UPDATE SET times = times + excluded.times
"""

Probe = Callable[[str], None]


class Entry(NamedTuple):
    """A sealed record and the blob that its evidence names, if this device keeps it."""

    raw: bytes
    blob: tuple[bytes, bytes] | None = None  # (hash, content)


def unobserved(_step: str) -> None:
    """Let every step pass: the probe outside tests."""


class LogStore:
    """Records and blobs. Everything raises `StorageFailed` where the disk does."""

    def __init__(self, database: Database, mirror: Mirror, probe: Probe = unobserved) -> None:
        self._database = database
        self._mirror = mirror
        self._probe = probe

    def append(self, entries: Iterable[Entry]) -> None:
        """Write this device's next records, all of them, durably."""
        entries = tuple(entries)
        self._probe("begin")
        with self._database.writing() as connection:
            for entry in entries:
                connection.execute(INSERT, _row(entry.raw))
                self._probe("record")
                if entry.blob is not None:
                    connection.execute(KEEP_BLOB, entry.blob)
                    self._probe("blob")
            self._probe("commit")
        self._probe("committed")
        self._mirror.append(entry.raw for entry in entries)
        self._probe("mirrored")

    def keep(self, raws: Iterable[bytes], blobs: Mapping[bytes, bytes]) -> None:
        """Write another device's records, checked before, and blobs by hash."""
        with self._database.writing() as connection:
            connection.executemany(INSERT, map(_row, raws))
            connection.executemany(KEEP_BLOB, blobs.items())

    def drop_rotten(self) -> int:
        """Drop records whose bytes have changed on the disk; return how many those were."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT rowid, id, raw FROM record")
            rotten = [(row,) for row, name, raw in rows if record_hash(raw)[:16] != name]
        if rotten:
            with self._database.writing() as connection:
                connection.executemany("DELETE FROM record WHERE rowid = ?", rotten)
        return len(rotten)

    def last(self, device: bytes) -> bytes | None:
        """Return the last record of a device's log."""
        with self._database.reading() as connection:
            row = connection.execute(LAST, (device,)).fetchone()
        return row[0] if row else None

    def highest_stamp(self, device: bytes) -> int:
        """Return the highest HLC stamp that a device wrote, 0 for none."""
        with self._database.reading() as connection:
            (stamp,) = connection.execute(HIGHEST_STAMP, (device,)).fetchone()
        return int.from_bytes(stamp or b"", "big")

    def records(self) -> Iterator[bytes]:
        """Yield all records, each device's in the order of their places."""
        with self._database.reading() as connection:
            for (raw,) in connection.execute(ALL):
                yield raw

    def blobs(self, hashes: Iterable[bytes]) -> dict[bytes, bytes]:
        """Return those blobs that are here."""
        found = {}
        with self._database.reading() as connection:
            for each in hashes:
                row = connection.execute("SELECT content FROM blob WHERE hash = ?", (each,))
                if (content := row.fetchone()) is not None:
                    found[each] = content[0]
        return found

    def all_blobs(self) -> Iterator[bytes]:
        """Yield every blob."""
        with self._database.reading() as connection:
            for (content,) in connection.execute("SELECT content FROM blob ORDER BY hash"):
                yield content

    def vector(self) -> dict[Key, Mark]:
        """Return how far each incarnation is held."""
        with self._database.reading() as connection:
            rows = connection.execute(VECTOR).fetchall()
        return {(device, number): Mark(seq, record_hash(raw)) for device, number, seq, raw in rows}

    def span(self, span: Span) -> list[bytes]:
        """Return the records of one batch."""
        with self._database.reading() as connection:
            return [raw for (raw,) in connection.execute(SPAN, span)]

    def forks(self) -> list[bytes]:
        """Return the records of places at which a device wrote more than one."""
        with self._database.reading() as connection:
            return [raw for (raw,) in connection.execute(FORKS)]

    def at(self, device: bytes, incarnation: int, seq: int) -> list[bytes]:
        """Return the records at one place: two or more are an equivocation."""
        with self._database.reading() as connection:
            return [raw for (raw,) in connection.execute(AT, (device, incarnation, seq))]

    def unconfirmed(self, device: bytes) -> list[bytes]:
        """Return a device's records that the cloud has not confirmed."""
        with self._database.reading() as connection:
            return [raw for (raw,) in connection.execute(OWN_UNCONFIRMED, (device,))]

    def waiting(self, device: bytes) -> int:
        """Return how many those are."""
        with self._database.reading() as connection:
            (count,) = connection.execute(WAITING, (device,)).fetchone()
        return int(count)

    def confirm(self, device: bytes, incarnation: int, seq: int) -> None:
        """Note the cloud's receipt. It never falls."""
        with self._database.writing() as connection:
            connection.execute(CONFIRM, (device, incarnation, seq))

    def count(self, times: Mapping[str, int]) -> None:
        """Add to the counters of codes that are never logged."""
        with self._database.writing() as connection:
            connection.executemany(COUNT, times.items())

    def counted(self) -> dict[str, int]:
        """Return those counters."""
        with self._database.reading() as connection:
            return dict(connection.execute("SELECT code, times FROM counted").fetchall())


def _row(raw: bytes) -> tuple[bytes, int, int, bytes, bytes]:
    """Return a record as its row: place and id are in its bytes (spec/log.md §1)."""
    place = int.from_bytes(raw[20:24], "big"), int.from_bytes(raw[24:32], "big")
    return raw[4:20], *place, record_hash(raw)[:16], raw
