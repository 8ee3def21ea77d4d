"""Which records show an incident, out of those that were merged. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Final

from cloud.incidents.model import Evidence, Found, Subject, quarantine, subject
from shared.log.record import record_id
from shared.merge.incidents import Finding, Incident
from shared.merge.logs import Place
from shared.merge.view import Summary

MOST: Final = 32  # records; a flood of copies is no better shown by thousands
GATES: Final = 64  # that are named (shared/wire.py)
ABOUT_TICKETS: Final = frozenset({1, 2, 3, 5})  # IN, OUT, ANNUL, OVERRIDE
LOGS: Final = frozenset({Incident.EQUIVOCATION, Incident.LOG_TRUNCATED})

Key = tuple[bytes, bytes]  # event and ticket, or device and place


def found(summary: Summary, raws: Sequence[bytes]) -> list[Found]:
    """Return all incidents of a merged view, with the records of theirs among `raws`."""
    findings, aside = summary.findings, summary.quarantined
    index = _index(raws, {_key(each) for each in findings} | {_at(place) for place, _ in aside})
    every = [Found(subject(each), _evidence(_of(each, index, raws))) for each in findings]
    ids = {name for _, name in aside}
    logs: dict[Subject, dict[bytes, bytes]] = defaultdict(dict)
    for place, _ in aside:
        log = logs[quarantine(place)]
        log.update({name: raw for raw in index[_at(place)] if (name := record_id(raw)) in ids})
    return every + [Found(about, _evidence(log.values())) for about, log in logs.items()]


def _index(raws: Iterable[bytes], wanted: Set[Key]) -> Mapping[Key, list[bytes]]:
    """Return those records that are known by one of these: a ticket, or a place."""
    index: dict[Key, list[bytes]] = {key: [] for key in wanted}
    for raw in raws if wanted else ():
        ticket, place = (raw[80:88], raw[96:112]), (raw[4:20], raw[20:32])
        if ticket in index and raw[1] in ABOUT_TICKETS:
            index[ticket].append(raw)
        if place in index:
            index[place].append(raw)
    return index


def _key(finding: Finding) -> Key:
    if finding.kind in LOGS:
        return _at(Place(finding.device, finding.incarnation, finding.seq))
    return finding.event, finding.ticket


def _of(finding: Finding, index: Mapping[Key, list[bytes]], raws: Iterable[bytes]) -> list[bytes]:
    """Return a finding's records, the one that it is about first, then as they were stamped."""
    records = index[_key(finding)]
    if finding.kind is Incident.LOG_TRUNCATED:  # and what followed the same record before it
        links = {raw[32:64] for raw in records}
        records = [r for r in raws if r[32:64] in links and r[4:20] == finding.device]
    records = sorted(records, key=lambda raw: (raw[64:72], raw[4:32], record_id(raw)))
    return sorted(records, key=lambda raw: record_id(raw) != finding.record)


def _at(place: Place) -> Key:
    return place.device, place.incarnation.to_bytes(4, "big") + place.seq.to_bytes(8, "big")


def _evidence(raws: Iterable[bytes]) -> Evidence:
    records = list(raws)
    gates = {int.from_bytes(raw[88:90], "big") for raw in records} - {0}
    return Evidence(
        events=tuple(raw[80:88] for raw in records[:MOST]),
        ids=tuple(record_id(raw) for raw in records[:MOST]),
        records=len(records),
        devices=tuple(sorted({raw[4:20] for raw in records})),
        gates=tuple(sorted(gates)[:GATES]),
    )
