"""Log files taken in: records of any of the tenant's devices, and the blobs beside them.

A file is whole or refused (shared/spec/files.md §1). What it holds is taken batch by batch, each
as if it had come from its own device (spec/sync.md §4).
"""

import asyncio
from collections.abc import Iterable, Sequence
from itertools import chain, islice
from typing import Final, LiteralString, NamedTuple

from cloud.checkins import blobs, settling, uploads
from cloud.checkins.runs import Apart, Run, places, runs_of
from cloud.checkins.uploads import Kept
from cloud.db.tenancy import TenantTx
from cloud.errors import Refusal
from shared import bundle, hashing, keys
from shared.bundle import FileKind, Part
from shared.devices.receipt import MAX_MARKS, Mark
from shared.errors import Malformed
from shared.log.chain import Fault
from shared.wire import MAX_BROKEN, MAX_LOGS, Broken, FileTaken, LogTaken

LARGEST: Final = 4 << 20  # bytes of a file
NOTHING: Final = Kept(0, 0, 0, {})
SECTIONS: Final = 40_000  # in a file: it has room for so many of the smallest that say something

MARKS: Final[LiteralString] = """
    SELECT h.device_id, h.incarnation, h.seq, h.hash
      FROM log_head h
      JOIN unnest($1::bytea[], $2::bigint[]) AS n (device_id, incarnation)
        ON h.device_id = n.device_id AND h.incarnation = n.incarnation
     WHERE h.tenant_id = current_tenant() AND h.seq > 0
     ORDER BY h.device_id, h.incarnation LIMIT $3
"""


class Batch(NamedTuple):
    """One device's records, as they stand in a file."""

    place: int  # among the file's batches
    content: bytes


class Opened(NamedTuple):
    """A file, taken apart and not checked yet."""

    batches: dict[bytes, list[Batch]]  # by device's public key
    blobs: list[bytes]


class Checked(NamedTuple):
    """One device's part of a file: what the device vouches for."""

    runs: list[Run]
    broken: list[Broken]
    places: list[tuple[int, int]]  # of each run: its batch, and where in that it begins


class Stored(NamedTuple):
    """What became of a file. `marks`: how far the cloud has the logs that it touches."""

    marks: tuple[Mark, ...]
    told: FileTaken


def opened(body: bytes) -> Opened:
    """Take a file apart, or refuse all of it."""
    try:
        _check_sections(body)
        kind, sections = bundle.decode(body)
        if kind is not FileKind.LOG:
            raise Malformed("file_kind", 4)
        return _opened(sections)
    except Malformed as error:
        raise Refusal(error.code) from None


def _check_sections(body: bytes) -> None:
    """Refuse a file of a million empty sections before anything is made of them."""
    offset = bundle.START
    for _ in range(SECTIONS):
        if offset + bundle.SECTION.size > len(body):
            return
        offset += bundle.SECTION.size + bundle.SECTION.unpack_from(body, offset)[1]
    raise Malformed("file_section")


def _opened(sections: Iterable[bundle.Section]) -> Opened:
    found = Opened({}, [])
    current: list[Batch] | None = None
    place = 0
    for part, content in sections:
        if part is Part.BLOB:
            found.blobs.append(content)
        elif part is Part.DEVICE:
            if len(content) != keys.PUBLIC_SIZE:
                raise Malformed("file_section")
            current = found.batches.setdefault(content, [])
        elif current is None:  # records of nobody
            raise Malformed("file_section")
        else:
            current.append(Batch(place, content))
            place += 1
    if len(found.batches) > MAX_LOGS:
        raise Malformed("file_section")
    return found


async def take(tx: TenantTx, sender: bytes, body: bytes) -> Stored:
    """Take a file in. `sender`: the device that signed the request, whoever wrote the records."""
    file = await asyncio.to_thread(opened, body)
    named = {hashing.device_id(public): public for public in file.batches}
    checked = {
        device: await asyncio.to_thread(check, file.batches[public], device, public)
        for device, public in (await uploads.listed(tx, named)).items()
    }
    writing = {device for device, mine in checked.items() if mine.runs}
    records = sum(uploads.count(mine.runs) for mine in checked.values())
    locked = writing | ({sender} if file.blobs else set())
    sources = await uploads.lock(tx, locked, records)
    kept = dict.fromkeys(checked, NOTHING) | {
        device: await uploads.keep(tx, sources[device], checked[device].runs)
        for device in sorted(writing)
    }
    touched_logs = {(device, run.incarnation) for device in writing for run in checked[device].runs}
    broken = {device: _not_taken(mine, kept[device]) for device, mine in checked.items()}
    fresh = frozenset[bytes]().union(*(one.ids for one in kept.values()))
    placed = await blobs.keep(tx, sender, file.blobs, fresh)
    each = [placed.touched, *(one.touched for one in kept.values())]
    await settling.settle(tx, uploads.joined(each))
    told = FileTaken(
        devices=tuple(_told(device, kept, broken) for device in sorted(named)),
        proofs=placed.proofs,
        attachments=placed.attachments,
        passed_over=placed.passed_over,
    )
    return Stored(await _marks(tx, touched_logs), told)


def check(batches: Sequence[Batch], device: bytes, public: bytes) -> Checked:
    """Return what a device vouches for, batch by batch."""
    runs: list[Run] = []
    broken: list[Broken] = []
    begin: list[tuple[int, int]] = []
    for place, content in batches:
        apart = _apart(content, device, public)
        runs += apart.runs
        begin += ((place, at) for at in places(apart.runs))
        if apart.broken is not None:
            broken.append(Broken(place, apart.broken.at, apart.broken.fault.value))
    return Checked(runs, broken, begin)


def _not_taken(checked: Checked, kept: Kept) -> tuple[Broken, ...]:
    """Return where a device's part broke off, and what found no room to wait in."""
    left = set(map(id, kept.left))
    gaps = (
        Broken(*place, Fault.GAP.value)
        for place, run in zip(checked.places, checked.runs, strict=True)
        if id(run) in left
    )
    return tuple(islice(chain(checked.broken, gaps), MAX_BROKEN))


def _apart(content: bytes, device: bytes, public: bytes) -> Apart:
    return runs_of(content, device, public) if content else Apart([], None)


def _told(
    device: bytes, kept: dict[bytes, Kept], broken: dict[bytes, tuple[Broken, ...]]
) -> LogTaken:
    mine = kept.get(device)
    if mine is None:
        return LogTaken(device.hex(), listed=False, new=0, known=0, quarantined=0, broken=())
    return LogTaken(
        device.hex(),
        listed=True,
        new=mine.new,
        known=mine.known,
        quarantined=mine.quarantined,
        broken=broken[device],
    )


async def _marks(tx: TenantTx, logs: Iterable[tuple[bytes, int]]) -> tuple[Mark, ...]:
    ordered = sorted(logs)
    rows = await tx.conn.fetch(
        MARKS, [device for device, _ in ordered], [inc for _, inc in ordered], MAX_MARKS
    )
    return tuple(
        Mark(row["device_id"].hex(), row["incarnation"], row["seq"], row["hash"].hex())
        for row in rows
    )
