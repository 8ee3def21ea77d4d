"""The scan log on disk: this device's own records, others' that it heard, and their blobs.

`append` is the one write on the path of a scan: one transaction, and green only after it.
`probe` is called by name at each step of it; tests stop the process there.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from edge.store.database import Database
from edge.store.mirror import Mirror
from shared.log.chain import Head
from shared.log.gossip import Key, Mark, Span
from shared.log.record import SIZE, record_hash

INSERT: Final = """
    INSERT OR IGNORE INTO record (device, incarnation, seq, id, raw) VALUES (?, ?, ?, ?, ?)
"""
KEEP_BLOB: Final = "INSERT OR IGNORE INTO blob (hash, content) VALUES (?, ?)"
LAST: Final = """
    SELECT raw FROM record WHERE device = ? ORDER BY incarnation DESC, seq DESC LIMIT 1
"""
HIGHEST_STAMP: Final = "SELECT max(substr(raw, 65, 8)) FROM record WHERE device = ?"
ALL: Final = "SELECT raw FROM record ORDER BY device, incarnation, seq, id"
UNCONFIRMED: Final = """
    SELECT record.incarnation, record.seq, record.id, record.raw
      FROM record
      LEFT JOIN receipt ON receipt.device = record.device
                       AND receipt.incarnation = record.incarnation
     WHERE record.device = ? AND (record.incarnation, record.seq, record.id) > (?, ?, ?)
       AND record.seq > coalesce(receipt.seq, 0)
     ORDER BY record.incarnation, record.seq, record.id
     LIMIT ?
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
HELD: Final = """
    SELECT record.seq, record.id, record.raw, blob.content
      FROM record
      LEFT JOIN blob ON blob.hash = substr(record.raw, 157, 32)
     WHERE record.device = ? AND record.incarnation = ?
       AND (record.seq, record.id) > (?, ?) AND record.seq <= ?
     ORDER BY record.seq, record.id
     LIMIT ?
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
MIRRORED: Final = 1 << 20  # bytes of a mirror that is left alone
BEHIND: Final = b"\xff" * 17  # behind every id
AT_ONCE: Final = 512  # records that are read while a scan waits: one or two milliseconds
# Between what is confirmed and a mark: no place may have a second record.
FORKED: Final = """
    SELECT 1 FROM record
     WHERE device = ? AND incarnation = ? AND seq > ? AND seq <= ?
     GROUP BY seq HAVING count(*) > 1 LIMIT 1
"""
RECEIPT: Final = "SELECT seq FROM receipt WHERE device = ? AND incarnation = ?"
RECEIPTS: Final = """
    SELECT receipt.device, receipt.incarnation, receipt.seq, record.raw
      FROM receipt
      JOIN record ON record.device = receipt.device
                 AND record.incarnation = receipt.incarnation AND record.seq = receipt.seq
"""
LOWER: Final = """
    UPDATE receipt SET seq = ? - 1 WHERE device = ? AND incarnation = ? AND seq >= ?
"""
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
        """Write another device's records, checked before, and blobs by hash.

        A receipt is about what was here when it came: a record that is new at a place below it
        is another history of its device, which nobody has confirmed.
        """
        rows = [_row(raw) for raw in raws]
        with self._database.writing() as connection:
            receipts = {
                row[:2]: row[2]
                for row in connection.execute("SELECT device, incarnation, seq FROM receipt")
            }
            below = [row for row in rows if row[2] <= receipts.get(row[:2], 0)]
            for device, incarnation, seq, *rest in below:
                if connection.execute(INSERT, (device, incarnation, seq, *rest)).rowcount:
                    connection.execute(LOWER, (seq, device, incarnation, seq))
            connection.executemany(INSERT, rows)
            if blobs:
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
        return [raw for raw, _ in self.held(span)]

    def held(self, span: Span) -> Iterator[tuple[bytes, bytes | None]]:
        """Yield the records of a run of places with the blobs that they name, a few at a time."""
        place = span.after, BEHIND
        while True:
            values = span.device, span.incarnation, *place, span.upto, AT_ONCE
            with self._database.reading() as connection:
                rows = connection.execute(HELD, values).fetchall()
            yield from ((raw, blob) for _, _, raw, blob in rows)
            if len(rows) < AT_ONCE:
                return
            place = rows[-1][0], rows[-1][1]

    def forks(self) -> list[bytes]:
        """Return the records of places at which a device wrote more than one."""
        with self._database.reading() as connection:
            return [raw for (raw,) in connection.execute(FORKS)]

    def at(self, device: bytes, incarnation: int, seq: int) -> list[bytes]:
        """Return the records at one place: two or more are an equivocation."""
        with self._database.reading() as connection:
            return [raw for (raw,) in connection.execute(AT, (device, incarnation, seq))]

    def unconfirmed(self, device: bytes) -> Iterator[bytes]:
        """Yield a device's records that the cloud has not confirmed, a few at a time."""
        place: tuple[int, int, bytes] = 0, 0, b""
        while True:
            with self._database.reading() as connection:
                rows = connection.execute(UNCONFIRMED, (device, *place, AT_ONCE)).fetchall()
            yield from (raw for _, _, _, raw in rows)
            if len(rows) < AT_ONCE:
                return
            place = rows[-1][:3]

    def waiting(self, device: bytes) -> int:
        """Return how many those are."""
        with self._database.reading() as connection:
            (count,) = connection.execute(WAITING, (device,)).fetchone()
        return int(count)

    def confirm(self, marks: Iterable[Head]) -> tuple[Head, ...]:
        """Note how far the cloud has logs; return the marks that are of another history than
        the one that is here. What is confirmed never falls by a mark.

        A mark counts only if the record here at that place has its hash, and if no place before
        it has a second record, of which it would say nothing (spec/devices.md §6).
        """
        disputed = []
        with self._database.writing() as connection:
            for mark in marks:
                place = mark.device, mark.incarnation, mark.seq
                here = [record_hash(raw) for (raw,) in connection.execute(AT, place)]
                (known,) = connection.execute(RECEIPT, place[:2]).fetchone() or (0,)
                if not here or mark.seq <= known:
                    continue
                split = connection.execute(FORKED, (*place[:2], known, mark.seq)).fetchone()
                if here == [mark.hash] and not split:
                    connection.execute(CONFIRM, place)
                else:
                    disputed.append(mark)
        return tuple(disputed)

    def confirmed(self) -> dict[Key, Mark]:
        """Return how far the cloud has confirmed each incarnation."""
        with self._database.reading() as connection:
            rows = connection.execute(RECEIPTS).fetchall()
        return {(device, number): Mark(seq, record_hash(raw)) for device, number, seq, raw in rows}

    def trim_mirror(self, device: bytes) -> None:
        """Let go of what is confirmed, once that is most of the mirror. No scan waits for it."""
        if self._mirror.size > MIRRORED and 2 * self.waiting(device) * SIZE < self._mirror.size:
            self._mirror.trim(self.unconfirmed(device))

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
