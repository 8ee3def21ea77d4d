"""What has to hold once everything is mended and everybody has heard everything.

The numbers are those of the invariants in tests/simulators/README.md. What is compared with is
counted from the records and from what guests were shown, by other means than the merge.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import TYPE_CHECKING

from shared.hashing import after_right
from shared.log.record import Kind, Record, decode, record_id, unpack_bits
from shared.merge.incidents import Finding, Incident
from tests.simulators.cast import PASSED_ON, REVOKED
from tests.simulators.thief import file_of

if TYPE_CHECKING:
    from tests.simulators.evening import Evening

SOON = 10_000  # ms, in which a message that was lost is sent again
OF_LOGS = frozenset({Incident.EQUIVOCATION, Incident.LOG_TRUNCATED})


def judge(evening: "Evening") -> None:
    """Check every invariant; raise `Broken` with the story for the first that fails."""
    _same_everywhere(evening)
    raws = [*evening.cloud.gate.stores.log.records()]
    findings = [*evening.cloud.gate.ledger.summary().findings]
    for finding in findings:
        evening.story.meet(f"incident: {finding.kind}")
    _nothing_lost(evening, raws)
    _logs(evening, raws, findings)
    counting = [raw for raw in raws if evening.counts(raw)]
    _tickets(evening, [decode(raw) for raw in counting], findings)
    _rights(evening, counting)
    if evening.climate.calm:
        _calm(evening, findings)


def _same_everywhere(evening: "Evening") -> None:
    """1, 2: one view, byte for byte, whatever came when, twice or late.

    What was written behind records that went with a disk goes no further by itself: it links to
    nothing. It is handed to everybody, as a file carried by hand.
    """
    held = {name: set(s.gate.stores.log.records()) for name, s in evening.stages.items()}
    everything = set().union(*held.values())
    for name, stage in evening.stages.items():
        lacking = sorted(everything - held[name], key=lambda raw: raw[4:32])
        stranded = all(raw[4:20] in evening.set_back_devices for raw in lacking)
        evening.story.check(stranded, f"1: {name} has heard everything")
        by_device = groupby(lacking, key=lambda raw: raw[4:20])
        for device, raws in by_device:
            stage.replica.take(file_of(evening.public(device), raws))
    told = evening.cloud.gate.ledger.summary().digest()
    for stage in evening.gates:
        same = stage.gate.ledger.summary().digest() == told
        evening.story.check(same, f"1: {stage.name} and the cloud see the same")


def _nothing_lost(evening: "Evening", raws: Iterable[bytes]) -> None:
    """3: what a guest was shown as green is in the merged log."""
    held = set(raws)
    for stage in evening.gates:
        lost = [raw for raw in stage.written if raw not in held and raw not in evening.lost]
        evening.story.check(not lost, f"3: {len(lost)} records of {stage.name} are gone")


def _logs(evening: "Evening", raws: list[bytes], findings: list[Finding]) -> None:
    """4, 5: every place has one record, or exactly one incident; nothing waits for ever."""
    places: Counter[bytes] = Counter(raw[4:32] for raw in raws)
    split = sorted(place for place, times in places.items() if times > 1)
    told = sorted(
        each.device + each.incarnation.to_bytes(4, "big") + each.seq.to_bytes(8, "big")
        for each in findings
        if each.kind is Incident.EQUIVOCATION
    )
    evening.story.check(told == split, "5: one incident for each place with two records")
    blamed = {each.device for each in findings if each.kind in OF_LOGS}
    honest = {stage.me.device for stage in evening.gates} - evening.set_back_devices
    evening.story.check(not blamed & honest, "5: no honest log is accused")


def _tickets(evening: "Evening", records: Iterable[Record], findings: list[Finding]) -> None:
    """7, 9: incidents are the excess, and nobody honest is accused."""
    found: dict[str, Counter[Incident]] = defaultdict(Counter)
    for finding in findings:
        if finding.ticket in evening.labels:
            found[evening.labels[finding.ticket]][finding.kind] += 1
    entries: Counter[str] = Counter(
        evening.labels[r.ticket]
        for r in records
        if r.kind == Kind.IN and r.ticket in evening.labels
    )
    for label in sorted(set(evening.labels.values())):
        doubles = found[label][Incident.DOUBLE_ADMISSION]
        if int(label[1:]) % 2:  # no way back in: one entry, whatever happens
            excess = max(0, entries[label] - 1)
            evening.story.check(
                doubles == excess, f"7: {label}: {doubles} incidents, {excess} entries too many"
            )
        elif label not in evening.suspect:
            evening.story.check(
                doubles <= evening.returns(label), f"7: {label} is accused {doubles} times"
            )
    if evening.recalled:
        _recalled(evening, records, found)
    for presence, people in evening.cloud.gate.ledger.summary().presence:
        evening.story.check(people >= 0, f"9: {people} people in {presence}")


def _recalled(
    evening: "Evening", records: Iterable[Record], found: Mapping[str, Counter[Incident]]
) -> None:
    """7: an entry on a ticket that is revoked, or was passed on, is an incident of its kind."""
    entries: Counter[tuple[str, bool]] = Counter()  # label, and whether by an older code
    for record in records:
        # The overrides are the thief's, without a supervisor: incidents of their own kind alone.
        if record.kind == Kind.IN and record.ticket in evening.labels:
            entries[evening.labels[record.ticket], record.gen == 0] += 1
    for label in REVOKED:
        told = found[label][Incident.REVOKED_ADMISSION]
        expected = entries[label, True] + entries[label, False]
        evening.story.check(told == expected, f"7: {label} was revoked: {told} of {expected}")
    for label in PASSED_ON:
        told, expected = found[label][Incident.SUPERSEDED_ADMISSION], entries[label, True]
        evening.story.check(told == expected, f"7: {label} was passed on: {told} of {expected}")


def _rights(evening: "Evening", raws: Iterable[bytes]) -> None:
    """6: of the entries on one right, at most as many as exits opened it, or one, do not say that
    they may be in excess. Not promised where a gate's power went before the others can have heard
    of its entry, and an owner restarted too (spec/claims.md §5)."""
    records = {record_id(raw): decode(raw) for raw in raws}
    firm: Counter[bytes] = Counter()
    for raw in raws:
        record = decode(raw)
        if record.kind != Kind.IN or record.device in evening.not_firm:
            continue
        if unpack_bits(record.bits).degraded:
            evening.story.meet("entry flagged degraded")
        elif _unheard(evening, raw):
            evening.story.meet("power gone before an entry was heard of")
        else:
            firm[record.ref] += 1
    opened = Counter(_opened(name, records) for name, r in records.items() if r.kind == Kind.OUT)
    twice = [right for right, times in firm.items() if times > max(1, opened[right])]
    evening.story.check(not twice, f"6: {len(twice)} rights were used twice without a flag")


def _unheard(evening: "Evening", raw: bytes) -> bool:
    """Whether a gate's power went as it wrote a record, or soon after."""
    stage = next(each for each in evening.gates if each.me.device == raw[4:20])
    at = stage.when.get(raw)
    return at is None or any(0 <= down - at < SOON for down in stage.downs)


def _opened(name: bytes, records: Mapping[bytes, Record]) -> bytes:
    """Return the right that an exit opens (spec/merge.md §1). A repeated one names an exit."""
    named = records[name].ref
    if not any(named):
        return after_right(name)
    if named in records and records[named].kind == Kind.OUT:
        return _opened(named, records)
    return after_right(named)


def _calm(evening: "Evening", findings: list[Finding]) -> None:
    """6: where nothing goes wrong, nobody is let in twice, and there is nothing to settle; but
    those who share a code that lets its holder out and in leave for one another."""
    findings = [
        each
        for each in findings
        if not (
            each.kind is Incident.UNSEEN_EXIT and evening.labels.get(each.ticket) in evening.suspect
        )
    ]
    evening.story.check(not findings, f"6: {len(findings)} incidents on a calm evening")
