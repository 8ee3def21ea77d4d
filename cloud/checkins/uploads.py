"""Devices' logs, taken in: checked, kept, and then counted.

A device sends its own records, or a log file with those of several (cloud/sync/logs.py). Either
way each device's are kept by `keep`, once its row is locked: one upload of a device at a time.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import Final, LiteralString, NamedTuple

from cloud.checkins import announcing, settling, sharing, storing
from cloud.checkins.runs import Broken, Run, chained, fitting, places, take_apart
from cloud.db.tenancy import TenantTx
from cloud.errors import Refusal
from shared.devices.roster import Cutoff
from shared.log.chain import Fault

ABOUT_TICKETS: Final = frozenset({1, 2, 3, 5})  # IN, OUT, ANNUL, OVERRIDE
Touched = dict[bytes, set[bytes]]  # tickets' hashes, by their event's reference

# In the order of their ids, like everybody who locks several: so nobody waits in a circle.
LOCK: Final[LiteralString] = """
    SELECT device_id, cutoff_incarnation, cutoff_seq FROM device
     WHERE tenant_id = current_tenant() AND device_id = ANY($1)
     ORDER BY device_id FOR NO KEY UPDATE
"""
PUBLIC: Final[LiteralString] = """
    SELECT device_id, public FROM device
     WHERE tenant_id = current_tenant() AND device_id = ANY($1)
"""
END: Final[LiteralString] = """
    SELECT incarnation, seq FROM log_head
     WHERE tenant_id = current_tenant() AND device_id = $1 ORDER BY incarnation DESC LIMIT 1
"""


# An upload of thousands grows its tables within seconds: a plan that was made while they were empty
# (cloud/db/connect.py) would read all of them for each row, until they are analysed. That of a few
# scans is answered in less time than it would be planned in, so it is planned once like all else.
ANEW: Final[LiteralString] = "SET LOCAL plan_cache_mode = force_custom_plan"
FEW: Final = 128  # records


class Source(NamedTuple):
    """A device whose records come in."""

    device: bytes
    cutoff: Cutoff | None


class Kept(NamedTuple):
    """What became of one device's records."""

    new: int
    known: int
    quarantined: int  # of these, the records that don't count: yet, any more, or ever
    touched: Touched  # by what counts now and didn't before
    left: tuple[Run, ...] = ()  # not taken: too much waits already
    ids: Set[bytes] = frozenset()  # of the new ones


class Taken(NamedTuple):
    """What became of an upload."""

    incarnation: int  # where the log ends here, without a gap; zeros: nothing yet
    seq: int
    new: int
    known: int
    quarantined: int
    broken: Broken | None


async def listed(tx: TenantTx, devices: Iterable[bytes]) -> dict[bytes, bytes]:
    """Return the public keys of those of these devices that the tenant has."""
    return {row["device_id"]: row["public"] for row in await tx.conn.fetch(PUBLIC, sorted(devices))}


async def lock(tx: TenantTx, devices: Iterable[bytes], records: int) -> dict[bytes, Source]:
    """Lock those of these devices that the tenant has, until the transaction ends: so many records
    of theirs are to be kept.

    Whatever takes long and needs no lock comes before: signatures are checked by then.
    """
    if records > FEW:
        await tx.conn.execute(ANEW)
    sources = {}
    for row in await tx.conn.fetch(LOCK, sorted(devices)):
        cut = row["cutoff_incarnation"]
        cutoff = None if cut is None else Cutoff(cut, row["cutoff_seq"])
        sources[row["device_id"]] = Source(row["device_id"], cutoff)
    return sources


async def take(tx: TenantTx, device: bytes, body: bytes) -> Taken:
    """Take in what a device has sent of its own log."""
    public = (await listed(tx, [device])).get(device)
    if public is None:
        raise Refusal("not_found")
    apart = await asyncio.to_thread(take_apart, body, device, public)
    sources = await lock(tx, [device], count(apart.runs))
    kept = await keep(tx, sources[device], apart.runs)
    await settling.settle(tx, kept.touched)
    end = await tx.conn.fetchrow(END, device)
    incarnation, seq = (end["incarnation"], end["seq"]) if end else (0, 0)
    broken = next(left_of(apart.runs, kept), apart.broken)
    return Taken(incarnation, seq, kept.new, kept.known, kept.quarantined, broken)


def count(runs: Iterable[Run]) -> int:
    """Return how many records there are."""
    return sum(len(run.raws) for run in runs)


def left_of(runs: Sequence[Run], kept: Kept) -> Iterator[Broken]:
    """Yield where those runs of an upload begin that were not taken."""
    left = set(map(id, kept.left))
    for at, run in zip(places(runs), runs, strict=True):
        if id(run) in left:
            yield Broken(at, Fault.GAP)


async def keep(tx: TenantTx, source: Source, runs: Sequence[Run]) -> Kept:
    """Keep a locked device's records. `settling.settle` must follow with what they touch."""
    device = source.device
    ready, waiting = chained(runs, await storing.parents(tx, device, runs))
    waiting, left = fitting(waiting, await storing.room(tx, device) if waiting else 0)
    runs = [*ready, *waiting]
    stored = await storing.store(tx, device, runs)
    await sharing.share(tx, _readable(runs, stored))
    await storing.wait(tx, device, waiting, stored)
    released = await storing.release(tx, device, ready)
    await storing.advance(tx, device, [*ready, *released])
    await storing.tie(tx, device, runs, stored)
    fresh = [raw for run in ready for raw, hash_ in zip(run.raws, run.hashes, strict=True)
             if hash_[:16] in stored]  # fmt: skip
    fresh += [raw for run in released for raw in run.raws]
    if await announcing.is_heard(tx):
        await announcing.tell(tx, _counting(fresh, source.cutoff))
    known = count(runs) - len(stored)
    quarantined = _quarantined(ready, waiting, source.cutoff)
    return Kept(len(stored), known, quarantined, touched_by(fresh), tuple(left), stored)


def _readable(runs: Iterable[Run], stored: Set[bytes]) -> dict[bytes, bytes]:
    """Return what was stored and can be read, by its id."""
    return {
        hash_[:16]: raw
        for run in runs
        for raw, hash_, kind in zip(run.raws, run.hashes, run.kinds, strict=True)
        if kind and hash_[:16] in stored
    }


def _counting(raws: Sequence[bytes], cutoff: Cutoff | None) -> Sequence[bytes]:
    """Return those of some records that their device was not cut off before."""
    if cutoff is None:
        return raws
    place = int.from_bytes
    return [raw for raw in raws
            if Cutoff(place(raw[20:24], "big"), place(raw[24:32], "big")) <= cutoff]  # fmt: skip


def touched_by(raws: Iterable[bytes]) -> Touched:
    """Return by event the tickets that records are about."""
    touched: Touched = {}
    for raw in raws:
        if raw[1] in ABOUT_TICKETS:
            touched.setdefault(raw[80:88], set()).add(raw[96:112])
    return touched


def joined(each: Iterable[Mapping[bytes, set[bytes]]]) -> Touched:
    """Return all that several have touched."""
    every: Touched = {}
    for touched in each:
        for ref, tickets in touched.items():
            every.setdefault(ref, set()).update(tickets)
    return every


def _quarantined(ready: Sequence[Run], waiting: Sequence[Run], cutoff: Cutoff | None) -> int:
    aside = count(waiting)
    for run in ready:
        if cutoff is None:
            aside += run.kinds.count(0)
            continue
        for seq, kind in enumerate(run.kinds, run.seq):
            aside += Cutoff(run.incarnation, seq) > cutoff or not kind
    return aside
