"""The merged view of an event: what all records that are here mean together.

It is the view of a gate that holds the same records, byte for byte (shared/spec/merge.md): those of
whole incarnations that touch the event, whatever event each record is of.

A view only grows, so whoever keeps one goes on from it: `merged(tx, ref, known)` reads the records
that came in since, and what changed of devices and tickets.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, LiteralString

from cloud.checkins.counts import Counting
from cloud.checkins.devices import member
from cloud.checkins.judges import Judges, judges
from cloud.checkins.runs import kind_of
from cloud.checkins.tickets import ticket
from cloud.db.connect import Row
from cloud.db.tenancy import TenantTx
from shared.devices.roster import Member
from shared.merge.ticket import SILENT
from shared.merge.view import Added, View

# Planned for the tables as they are: a hall's fill within minutes, from nothing.
ANEW: Final[LiteralString] = "SET LOCAL plan_cache_mode = force_custom_plan"
# Whole incarnations: whether a record counts hangs on those before it, whatever their event. And
# those that a BOOT ties to them by forgetting records (migrations/0014_logs.sql).
LOGS: Final[LiteralString] = """
    WITH touching AS (
        SELECT device_id, incarnation FROM log_event
         WHERE tenant_id = current_tenant() AND event_ref = $1),
    wanted AS (
        SELECT device_id, incarnation FROM touching
         UNION
        SELECT t.device_id, t.other FROM touching e
          JOIN log_tie t ON t.tenant_id = current_tenant() AND t.device_id = e.device_id
                        AND t.incarnation = e.incarnation)
    SELECT w.device_id, w.incarnation, coalesce(h.seq, 0) AS seq, f.device_id IS NOT NULL AS forked,
           EXISTS (SELECT FROM record_waiting r
                    WHERE r.tenant_id = current_tenant() AND r.device_id = w.device_id
                      AND r.incarnation = w.incarnation) AS waiting
      FROM wanted w
      LEFT JOIN log_head h ON h.tenant_id = current_tenant() AND h.device_id = w.device_id
                          AND h.incarnation = w.incarnation
      LEFT JOIN log_fork f ON f.tenant_id = current_tenant() AND f.device_id = w.device_id
                          AND f.incarnation = w.incarnation
"""
RECORDS: Final[LiteralString] = """
    SELECT r.raw, p.body AS proof
      FROM unnest($1::bytea[], $2::bigint[], $3::bigint[]) AS w (device_id, incarnation, after)
      JOIN record r ON r.tenant_id = current_tenant() AND r.device_id = w.device_id
                   AND r.incarnation = w.incarnation AND r.seq > w.after
      LEFT JOIN proof p ON p.tenant_id = r.tenant_id AND p.record_id = r.record_id
     ORDER BY r.device_id, r.incarnation, r.seq, r.record_id
"""
DEVICES: Final[LiteralString] = """
    SELECT device_id, public, cutoff_incarnation, cutoff_seq FROM device
     WHERE tenant_id = current_tenant()
"""
# Of the others nothing is said that the records don't say.
WORDS: Final[LiteralString] = """
    SELECT e.ref, t.ticket_id, t.hash, t.number, t.class_index, t.state, t.gen, t.blocked,
           t.holder, t.attendee, t.seat
      FROM event e
      JOIN ticket t ON t.tenant_id = e.tenant_id AND t.event_id = e.event_id
     WHERE e.tenant_id = current_tenant() AND e.ref = ANY($1) AND (t.gen > 0 OR t.gone)
       AND EXISTS (SELECT FROM record r
                    WHERE r.tenant_id = current_tenant() AND r.event_ref = e.ref
                      AND r.ticket = t.hash AND r.kind <> 4)
"""


class Merged:
    """An event's view, and the records that it is of."""

    def __init__(self, ref: bytes) -> None:
        self.view = View()
        self.counting = Counting(ref)
        self.raws: list[bytes] = []
        self.events: set[bytes] = set()  # that the records are of
        self._codes: dict[bytes, bytes] = {}  # blobs that came with records, by their hash
        self._roster = 0
        self._members: Mapping[bytes, Member] = {}

    def is_ahead(self, logs: Iterable[Row]) -> bool:
        """Whether it has more than is here: a database that was brought back from an older copy."""
        return any(self._end(log) > log["seq"] for log in logs)

    def after(self, log: Row) -> int:
        """Return behind which place the records of a log are not known. Of a forked one others
        may have come in anywhere."""
        return 0 if log["forked"] else self._end(log)

    def lacks(self, log: Row) -> bool:
        """Whether there may be more of a log than is known."""
        after = self.after(log)
        return not after or after < log["seq"] or bool(log["waiting"])

    def learn(self, devices: Iterable[Row], words: Iterable[Row]) -> None:
        """Take in whose records count, and what the cloud says of tickets."""
        members = {row["device_id"]: member(row) for row in devices}
        if not self._roster or members != self._members:
            self._roster, self._members = self._roster + 1, members
            self.view.learn_roster(self._roster, members)
        for row in words:
            if (word := ticket(row).word()) != SILENT:
                self.view.learn_ticket(row["ref"], row["hash"], word)

    def add(self, records: Sequence[Row], vouch: Judges) -> None:
        """Take in records with their proofs; some may be known.

        A record is proved by its own blob, or by one that came with another record while this one
        was on its way (cloud/checkins/sharing.py).
        """
        fresh = [row for row in records if self.view.add(row["raw"]) is not Added.KNOWN]
        codes = {row["raw"][156:188]: row["proof"] for row in fresh if row["proof"] is not None}
        new = {name: blob for name, blob in codes.items() if name not in self._codes}
        self._codes |= new
        self._share([raw for raw in self.raws if raw[156:188] in new] if new else [], vouch)
        self._share([row["raw"] for row in fresh if row["proof"] is None], vouch)
        for row in fresh:
            if row["proof"] is not None and vouch.stands(row["raw"], row["proof"]):
                self.view.prove(row["raw"])
        raws = [row["raw"] for row in fresh]
        self.counting.add(raws)
        self.raws += raws

    def _share(self, raws: Iterable[bytes], vouch: Judges) -> None:
        """Prove what names a blob that came with another record."""
        for raw in raws:
            code = self._codes.get(raw[156:188])
            if code is not None and kind_of(raw) and vouch.prove(raw, code):
                self.view.prove(raw)

    def _end(self, log: Row) -> int:
        raw = self.view.end(log["device_id"], log["incarnation"])
        return int.from_bytes(raw[24:32], "big") if raw else 0


async def view_of(tx: TenantTx, ref: bytes) -> View:
    """Return the view. The work is done beside the event loop."""
    return (await merged(tx, ref)).view


async def merged(tx: TenantTx, ref: bytes, known: Merged | None = None) -> Merged:
    """Return the view and its records. `known`: an earlier one of the event's, which goes on; of
    what was proved since of records that it has, it says nothing."""
    await tx.conn.execute(ANEW)
    logs = await tx.conn.fetch(LOGS, ref)
    whole = Merged(ref) if known is None or known.is_ahead(logs) else known
    more = [log for log in logs if whole.lacks(log)]
    records = await tx.conn.fetch(
        RECORDS,
        [log["device_id"] for log in more],
        [log["incarnation"] for log in more],
        [whole.after(log) for log in more],
    )
    whole.events.update(row["raw"][80:88] for row in records)
    devices = await tx.conn.fetch(DEVICES)
    words = await tx.conn.fetch(WORDS, sorted(whole.events))
    await asyncio.to_thread(_grow, whole, records, (devices, words), await judges(tx))
    return whole


def _grow(
    whole: Merged,
    records: Sequence[Row],
    learnt: tuple[Sequence[Row], Sequence[Row]],
    vouch: Judges,
) -> None:
    whole.learn(*learnt)
    whole.add(records, vouch)
