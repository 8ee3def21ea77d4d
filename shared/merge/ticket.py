"""What the records of one ticket mean together (spec/merge.md §3 to §5)."""

from collections.abc import Container, Iterable, Iterator, Mapping
from typing import NamedTuple

from shared.history import History, PoolHistory, Visit
from shared.log.record import LAYOUT, NO_DAY_CAP, ZERO16, Kind, Record, record_id
from shared.merge.incidents import Finding, Incident
from shared.merge.inside import may_be_inside
from shared.merge.pool import Entry, Exit, Explanation, Rank, explain

PoolKey = tuple[int, int]  # (zone, day)
ENTRIES = (Kind.IN, Kind.OVERRIDE)


class Word(NamedTuple):
    """What the issuer's manifest says of a ticket beside the records."""

    gen: int = 0
    withdrawn: bool = False  # revoked or refunded, for good; blocked may come back


SILENT = Word()


class Pool(NamedTuple):
    """One pool's records that count, by id, and what they come to."""

    entries: Mapping[bytes, Record]
    exits: Mapping[bytes, Record]
    re_entry: bool
    explained: Explanation


class TicketView(NamedTuple):
    """One ticket, merged."""

    pools: Mapping[PoolKey, Pool]
    gen: int  # the highest generation that counts
    findings: tuple[Finding, ...]
    unproved: tuple[bytes, ...]  # OUT and ANNUL records that wait for their proof


def view_ticket(raws: Iterable[bytes], proved: Container[bytes], word: Word = SILENT) -> TicketView:
    """Merge the chained IN, OUT, OVERRIDE and ANNUL records of one ticket.

    `proved` holds the ids of records whose proof was checked (spec/devices.md §5): what
    acts on another device's admission counts only with one.
    """
    records = {record_id(raw): Record._make(LAYOUT.unpack(raw)) for raw in raws}
    undone = set(_undone(records, proved))
    pools = {key: _pool(members, undone, proved) for key, members in _by_pool(records).items()}
    gen = max([word.gen, *_proved_gens(records, proved)])
    findings = [
        finding
        for entry_id, record in _standing(pools)
        for finding in _on_its_own(entry_id, record, gen, word, proved)
    ]
    findings += _excess(pools)
    findings += _days(pools)
    return TicketView(pools, gen, tuple(sorted(findings)), _unproved(records, pools, proved))


def history(view: TicketView) -> History:
    """Return the ticket as `decide()` reads it."""
    visits = [_visit(i, record) for i, record in _standing(view.pools)]
    return History(
        pools={key: _pool_history(pool) for key, pool in view.pools.items()},
        days=frozenset(v.day for v in visits if v.day and v.right != ZERO16),  # of INs alone
        last=_newest(visits),
        gen=view.gen,
    )


def _by_pool(records: Mapping[bytes, Record]) -> dict[PoolKey, dict[bytes, Record]]:
    pools: dict[PoolKey, dict[bytes, Record]] = {}
    for i, record in records.items():
        if record.kind != Kind.ANNUL:
            pools.setdefault((record.zone, record.day), {})[i] = record
    return pools


def _own(record: Record, records: Mapping[bytes, Record]) -> bool:
    """Whether the record acts on an admission by the same device."""
    named = records.get(record.ref)
    return named is not None and named.device == record.device and named.kind in ENTRIES


def _proved_gens(records: Mapping[bytes, Record], proved: Container[bytes]) -> Iterator[int]:
    """Yield the generations that a token vouches for: a stolen device can't make one up."""
    for i, record in records.items():
        if record.kind in (Kind.IN, Kind.OUT) and i in proved:
            yield record.gen


def _unproved(
    records: Mapping[bytes, Record], pools: Mapping[PoolKey, Pool], proved: Container[bytes]
) -> tuple[bytes, ...]:
    """Return what acts on others' admissions, or on none that stands, without a proof."""
    counted = {i for pool in pools.values() for i in pool.exits}
    waiting = (
        i
        for i, r in records.items()
        if i not in proved
        if (r.kind == Kind.OUT and i not in counted)
        or (r.kind == Kind.ANNUL and not _own(r, records))
    )
    return tuple(sorted(waiting))


def _undone(records: Mapping[bytes, Record], proved: Container[bytes]) -> Iterator[bytes]:
    for i, record in records.items():
        if record.kind == Kind.ANNUL and (i in proved or _own(record, records)):
            yield record.ref


def _pool(
    members: Mapping[bytes, Record],
    undone: Container[bytes],
    proved: Container[bytes],
) -> Pool:
    entries = {i: r for i, r in members.items() if r.kind in ENTRIES and i not in undone}
    exits = _exits(members, entries, proved)
    standing = [r for i, r in members.items() if r.kind in ENTRIES or i in exits]
    return Pool(
        entries,
        exits,
        re_entry=any(r.terms >> 7 for r in standing),
        explained=explain(
            [Entry(i, r.ref, _rank(i, r), r.kind == Kind.OVERRIDE) for i, r in entries.items()],
            [Exit(i, r.ref) for i, r in exits.items()],
            allowance=max((r.allowance for r in standing), default=1),
        ),
    )


def _exits(
    members: Mapping[bytes, Record], entries: Mapping[bytes, Record], proved: Container[bytes]
) -> dict[bytes, Record]:
    """Return the OUTs that count: those that are proved, and of each entry that stands one by
    the device that wrote it. Without that bound a device could close what others admitted.

    The code of an older generation says nothing about an entry on a newer one.
    """
    outs = {
        i: r
        for i, r in sorted(members.items())
        if r.kind == Kind.OUT and not (r.ref in entries and r.gen < entries[r.ref].gen)
    }
    exits = {i: r for i, r in outs.items() if i in proved}
    closed = {r.ref for r in exits.values()}
    for i, r in outs.items():
        if i not in proved and r.ref not in closed and _own(r, entries):
            exits[i] = r
            closed.add(r.ref)
    return exits


def _rank(entry_id: bytes, r: Record) -> Rank:
    """The winner order: it says who is counted, never who is to blame."""
    return (
        -(r.bits & 3),
        -(r.bits >> 2 & 3),
        r.hlc,
        r.device,
        r.incarnation,
        r.seq,
        entry_id,
    )


def _standing(pools: Mapping[PoolKey, Pool]) -> Iterator[tuple[bytes, Record]]:
    for pool in pools.values():
        yield from pool.entries.items()


def _finding(kind: Incident, entry_id: bytes, r: Record) -> Finding:
    return Finding(kind, r.event, r.ticket, entry_id, r.device, r.incarnation, r.seq)


def _on_its_own(
    entry_id: bytes, record: Record, gen: int, word: Word, proved: Container[bytes]
) -> Iterator[Finding]:
    """Yield what is wrong with an admission whatever else the ticket did."""
    if record.kind == Kind.OVERRIDE:
        if entry_id not in proved:
            yield _finding(Incident.UNPROVED_OVERRIDE, entry_id, record)
        return
    if word.withdrawn:
        yield _finding(Incident.REVOKED_ADMISSION, entry_id, record)
    if record.gen < gen:
        yield _finding(Incident.SUPERSEDED_ADMISSION, entry_id, record)


def _excess(pools: Mapping[PoolKey, Pool]) -> Iterator[Finding]:
    """Yield one finding for each entry that honest people can't explain."""
    for pool in pools.values():
        excused = pool.explained.spare_exits if pool.re_entry else 0
        for place, entry in enumerate(pool.explained.excess):
            kind = Incident.UNSEEN_EXIT if place < excused else Incident.DOUBLE_ADMISSION
            yield _finding(kind, entry.id, pool.entries[entry.id])


def _days(pools: Mapping[PoolKey, Pool]) -> Iterator[Finding]:
    """Yield the explained entries on days beyond the ticket's cap, earliest days kept."""
    entries = [
        (i, record, pool)
        for pool in pools.values()
        for i, record in pool.entries.items()
        if record.day and record.kind == Kind.IN
    ]
    cap = max((record.terms & NO_DAY_CAP for _, record, _ in entries), default=NO_DAY_CAP)
    if cap == NO_DAY_CAP:
        return
    kept = sorted({record.day for _, record, _ in entries})[:cap]
    for i, record, pool in entries:
        if record.day not in kept and all(i != entry.id for entry in pool.explained.excess):
            yield _finding(Incident.TOO_MANY_DAYS, i, record)


def _visit(entry_id: bytes, r: Record) -> Visit:
    return Visit(entry_id, r.zone, r.day, r.gate, r.device, r.hlc >> 16, r.ref)


def _newest(visits: Iterable[Visit]) -> Visit | None:
    return max(visits, key=lambda visit: (visit.ms, visit.id), default=None)


def _pool_history(pool: Pool) -> PoolHistory:
    first_exits = [(r.hlc, i) for i, r in pool.exits.items() if r.ref not in pool.exits]
    return PoolHistory(
        entries=len(pool.entries),
        inside=tuple(_visit(i, r) for i, r in may_be_inside(pool.entries, pool.exits)),
        claimed=frozenset(record.ref for record in pool.entries.values()),
        opened=pool.explained.opened,
        left=max(first_exits, default=(0, ZERO16))[1],
        last=_newest(_visit(i, record) for i, record in pool.entries.items()),
    )
