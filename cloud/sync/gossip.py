"""What a device lacks of the logs that touch its events (spec/sync.md §4, log.md §6).

Of an incarnation with two histories whoever holds the longer one alone has the same mark as who
holds both. So it is sent whatever the marks say, when it is found and now and then; by the clock,
since nothing is kept of who was sent what.

Every answer fits its cap by what it holds at most: so many records, and one proof for each.
"""

from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby, islice
from typing import Final, LiteralString, NamedTuple

from cloud.db.connect import Row
from cloud.db.tenancy import TenantTx
from shared import bundle
from shared.bundle import FileKind, Part, Section
from shared.log.chain import MAX_BATCH
from shared.log.gossip import Key, Mark, forked
from shared.log.record import record_hash
from shared.wire import MAX_ENTRIES

NEWS: Final = timedelta(seconds=30)  # that a fork is sent to all: each asks within 20
EVERY: Final = timedelta(seconds=300)  # and again
WHILE: Final = timedelta(seconds=20)
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
AT_ONCE: Final = 4096  # records: with two sections and a proof each less than 2 MiB

# What cloud/checkins/view.py merges, so that whoever takes it in sees the same.
TOUCHING: Final[LiteralString] = """
    WITH touching AS (
        SELECT DISTINCT device_id, incarnation FROM log_event
         WHERE tenant_id = current_tenant() AND event_ref = ANY($1)),
    wanted AS (
        SELECT device_id, incarnation FROM touching
         UNION
        SELECT t.device_id, t.other FROM touching e
          JOIN log_tie t ON t.tenant_id = current_tenant() AND t.device_id = e.device_id
                        AND t.incarnation = e.incarnation)
    SELECT h.device_id, h.incarnation, h.seq, h.hash, d.public, f.device_id IS NOT NULL AS forked,
           f.found_at
      FROM wanted w
      JOIN log_head h ON h.tenant_id = current_tenant() AND h.device_id = w.device_id
                     AND h.incarnation = w.incarnation
      JOIN device d ON d.tenant_id = h.tenant_id AND d.device_id = h.device_id
      LEFT JOIN log_fork f ON f.tenant_id = h.tenant_id AND f.device_id = h.device_id
                          AND f.incarnation = h.incarnation
     WHERE h.seq > 0
"""
NAMED: Final[LiteralString] = """
    SELECT h.device_id, h.incarnation, h.seq, h.hash
      FROM log_head h
      JOIN unnest($1::bytea[], $2::bigint[]) AS n (device_id, incarnation)
        ON h.device_id = n.device_id AND h.incarnation = n.incarnation
     WHERE h.tenant_id = current_tenant() AND h.seq > 0
"""
# Which of the places that a device names are those of the one history that is here. Looked up one
# by one: a plan that joins, made while there are few records, would read all of them ever after.
HELD: Final[LiteralString] = """
    SELECT n.device_id, n.incarnation
      FROM unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::bytea[])
           AS n (device_id, incarnation, seq, hash)
     CROSS JOIN LATERAL (
        SELECT FROM record r
         WHERE r.tenant_id = current_tenant() AND r.device_id = n.device_id
           AND r.incarnation = n.incarnation AND r.seq = n.seq AND sha256(r.raw) = n.hash
         LIMIT 1) AS found
"""
# A device may have written any number of records at one place: ids tell where an answer ended.
RECORDS: Final[LiteralString] = """
    SELECT n.place, r.record_id, r.raw
      FROM unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::bytea[], $5::bigint[])
           WITH ORDINALITY AS n (device_id, incarnation, first, begin, last, place)
     CROSS JOIN LATERAL (
        SELECT o.record_id, o.raw, o.seq FROM record o
         WHERE o.tenant_id = current_tenant() AND o.device_id = n.device_id
           AND o.incarnation = n.incarnation AND o.seq BETWEEN n.first AND n.last
           AND (o.seq > n.first OR o.record_id >= n.begin)
           AND NOT EXISTS (SELECT FROM record_waiting w
                            WHERE w.tenant_id = o.tenant_id AND w.record_id = o.record_id)
         ORDER BY o.seq, o.record_id LIMIT $6) AS r
     ORDER BY n.place, r.seq, r.record_id LIMIT $6
"""
PROOFS: Final[LiteralString] = """
    SELECT body FROM proof WHERE tenant_id = current_tenant() AND record_id = ANY($1)
"""


class Place(NamedTuple):
    """Where an answer begins: what comes before was in those before it."""

    device: bytes = b""
    incarnation: int = 0
    seq: int = 0
    record: bytes = b""  # id, of those at this seq


START: Final = Place()


class Log(NamedTuple):
    """An incarnation that is sent, from one place to another."""

    device: bytes
    incarnation: int
    first: int
    last: int
    public: bytes
    begin: bytes = b""  # the first id that is sent of the records at the first place
    forked: bool = False  # has more records than places


class Answer(NamedTuple):
    """What a device is answered. `rest`: where the next answer begins, None for nowhere."""

    vector: dict[Key, Mark]
    file: bytes
    rest: Place | None


async def answer(
    tx: TenantTx, refs: Collection[bytes], theirs: Mapping[Key, Mark], begin: Place = START
) -> Answer:
    """Return how far the cloud is, and what it has that a device lacks."""
    touching = await tx.conn.fetch(TOUCHING, list(refs))
    mine = {_key(row): _mark(row) for row in touching}
    other = [key for key in theirs if key not in mine]
    named = await tx.conn.fetch(NAMED, *map(list, zip(*other, strict=True))) if other else []
    split = set(forked(mine, theirs)) | {_key(row) for row in touching if row["forked"]}
    told = {_key(row) for row in touching if row["forked"] and _is_time(row["found_at"], tx.now)}
    same = {key for key, mark in mine.items() if theirs.get(key) == mark} - told - {begin[:2]}
    lacking = [row for row in touching if _key(row) not in same]
    logs = await _logs(tx, lacking, theirs, split)
    file, rest = await _file(tx, list(_since(logs, begin)))
    every = mine | {_key(row): _mark(row) for row in named}
    return Answer(dict(islice(every.items(), MAX_ENTRIES)), file, rest)


def _since(logs: Iterable[Log], begin: Place) -> Iterator[Log]:
    """Yield what an answer that begins at a place has to say."""
    for log in logs:
        key = log.device, log.incarnation
        if key > begin[:2] or (key == begin[:2] and log.first > begin.seq):
            yield log
        elif key == begin[:2]:
            yield log._replace(first=begin.seq, begin=begin.record)


async def _logs(
    tx: TenantTx, lacking: Sequence[Row], theirs: Mapping[Key, Mark], split: Collection[Key]
) -> list[Log]:
    """Return what is sent of incarnations that the device has not as we do, each device's in
    order. Of one without two histories a device that is further lacks nothing."""
    places = {
        _key(row): theirs[_key(row)]
        for row in lacking
        if _key(row) in theirs and theirs[_key(row)].seq < row["seq"] and _key(row) not in split
    }
    held = await _held(tx, places)
    logs = []
    for row in lacking:
        key, other = _key(row), theirs.get(_key(row), Mark(0, b""))
        if other.seq > row["seq"] and key not in split:
            continue
        first = other.seq + 1 if key in held else 1
        logs.append(Log(*key, first, row["seq"], row["public"], forked=row["forked"]))
    return sorted(logs)


def _is_time(found: datetime, now: datetime) -> bool:
    """Whether a fork is sent to those as well of whom no mark says that they lack it."""
    return now - found < NEWS or (now - EPOCH) % EVERY < WHILE


async def _held(tx: TenantTx, places: Mapping[Key, Mark]) -> set[Key]:
    if not places:
        return set()
    rows = await tx.conn.fetch(
        HELD,
        [device for device, _ in places], [incarnation for _, incarnation in places],
        [mark.seq for mark in places.values()], [mark.hash for mark in places.values()],
    )  # fmt: skip
    return {_key(row) for row in rows}


async def _file(tx: TenantTx, logs: Sequence[Log]) -> tuple[bytes, Place | None]:
    """Return a file of as much as one answer takes, and where the next one begins."""
    sections: list[Section] = []
    sent: list[bytes] = []
    device, rest = b"", None
    async for log, rows in _read(tx, logs):
        room = AT_ONCE - len(sent)
        if rows[:room] and log.device != device:
            device = log.device
            sections.append(Section(Part.DEVICE, log.public))
        runs = histories([row["raw"] for row in rows[:room]])
        sections.extend(Section(Part.RECORDS, b"".join(run)) for run in runs)
        sent += (row["record_id"] for row in rows[:room])
        if len(rows) > room:
            rest = _place(log, rows[room])
            break
    proofs = await tx.conn.fetch(PROOFS, sent) if sent else []
    sections += (Section(Part.BLOB, body) for body in sorted({row["body"] for row in proofs}))
    return b"".join(bundle.encode(FileKind.LOG, sections)), rest


async def _read(tx: TenantTx, logs: Sequence[Log]) -> AsyncIterator[tuple[Log, list[Row]]]:
    """Yield logs' records, one more than an answer takes in all; many logs in a round trip."""
    left = AT_ONCE + 1
    for some in _portions(logs):
        rows = await tx.conn.fetch(
            RECORDS,
            [log.device for log in some], [log.incarnation for log in some],
            [log.first for log in some], [log.begin for log in some],
            [log.last for log in some], left,
        )  # fmt: skip
        for place, of_log in groupby(rows, key=lambda row: row["place"]):
            yield some[place - 1], list(of_log)
        left -= len(rows)
        if not left:
            return


def _portions(logs: Iterable[Log]) -> Iterator[list[Log]]:
    """Yield logs that have about as many records as an answer takes. One with two histories, of
    which nobody knows how many it has, ends a portion."""
    some: list[Log] = []
    records = 0
    for log in logs:
        some.append(log)
        records += log.last - log.first + 1
        if log.forked or records > AT_ONCE:
            yield some
            some, records = [], 0
    if some:
        yield some


def _place(log: Log, row: Row) -> Place:
    seq = int.from_bytes(row["raw"][24:32], "big")
    return Place(log.device, log.incarnation, seq, row["record_id"])


def histories(raws: Sequence[bytes]) -> Iterator[list[bytes]]:
    """Yield an incarnation's records as batches: one history, or each to its end.

    They come in the order of their places. A history that leaves another begins a batch.
    """
    runs: list[list[bytes]] = []
    ends: dict[bytes, list[bytes]] = {}  # the batch that ends with the record of this hash
    for raw in raws:
        run = ends.pop(raw[32:64], None)
        if run is None or len(run) == MAX_BATCH:
            run = []
            runs.append(run)
        run.append(raw)
        ends[record_hash(raw)] = run
    yield from runs


def _key(row: Row) -> Key:
    return row["device_id"], row["incarnation"]


def _mark(row: Row) -> Mark:
    return Mark(row["seq"], row["hash"])
