"""What comes beside records: proofs, and what was attached (shared/spec/devices.md §5).

A blob is named by its hash, which the record that it belongs to carries. It may come long after
its record, and counts from then on.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Final, LiteralString, NamedTuple

from cloud.checkins import storing
from cloud.checkins.judges import Judges, judges
from cloud.checkins.uploads import Touched, touched_by
from cloud.db.connect import Row
from cloud.db.tenancy import TenantTx
from shared import hashing
from shared.log.record import Kind, place_of, record_id

LARGEST: Final = 65_536  # bytes of a blob
AT_ONCE: Final = 4096

NAMED: Final[LiteralString] = """
    SELECT r.evidence, r.event_ref, r.record_id, r.device_id, r.incarnation, r.kind, r.raw,
           p.record_id IS NOT NULL OR a.record_id IS NOT NULL AS kept
      FROM record r
      LEFT JOIN proof p ON p.tenant_id = r.tenant_id AND p.record_id = r.record_id
      LEFT JOIN attachment a ON a.tenant_id = r.tenant_id AND a.record_id = r.record_id
     WHERE r.tenant_id = current_tenant() AND r.evidence = ANY($1) AND r.kind IN (1, 2, 3, 5, 6, 7)
"""
PROVE: Final[LiteralString] = """
    INSERT INTO proof (record_id, body) SELECT * FROM unnest($1::bytea[], $2::bytea[])
        ON CONFLICT DO NOTHING RETURNING record_id
"""
# The same content is kept once of a ticket, however many records name it.
# Personal: so it is kept by the ticket of the entry that it belongs to, or not at all, and not
# once more for somebody who was erased.
ATTACH: Final[LiteralString] = """
    INSERT INTO attachment (record_id, ticket, body)
    SELECT DISTINCT ON (of.ticket, n.body) n.record_id, of.ticket, n.body
      FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::bytea[], $5::bytea[])
           AS n (record_id, device_id, incarnation, entry, body)
      JOIN record of ON of.tenant_id = current_tenant() AND of.device_id = n.device_id
                    AND of.incarnation = n.incarnation AND of.record_id = n.entry
     WHERE of.kind IN (1, 2, 3, 4, 5)
       AND NOT EXISTS (
           SELECT FROM attachment same
            WHERE same.tenant_id = current_tenant() AND same.ticket = of.ticket
              AND same.body = n.body)
       AND NOT EXISTS (
           SELECT FROM event e
             JOIN ticket t ON t.tenant_id = e.tenant_id AND t.event_id = e.event_id
                          AND t.hash = of.ticket
             JOIN account a ON a.account_id = t.account_id
            WHERE e.tenant_id = current_tenant() AND e.ref = of.event_ref
              AND a.erased_at IS NOT NULL)
        ON CONFLICT DO NOTHING
"""
COUNT: Final[LiteralString] = """
    INSERT INTO log_count AS c (device_id, records) VALUES ($1, 1)
        ON CONFLICT (tenant_id, device_id) DO UPDATE SET records = c.records + 1
"""


class Placed(NamedTuple):
    """What became of blobs."""

    proofs: int  # new ones
    attachments: int
    passed_over: int
    touched: Touched  # tickets whose records are proved only now


class _Sorted(NamedTuple):
    proofs: list[tuple[Row, bytes]]
    attached: list[tuple[Row, bytes]]
    named: int  # blobs that belong to something here


async def keep(
    tx: TenantTx, sender: bytes, blobs: Iterable[bytes], fresh: Set[bytes] = frozenset()
) -> Placed:
    """Keep the blobs that prove or belong to records that are here; `sender` is locked. `fresh`:
    the ids of records that came in with them, so that whoever reads these reads both.

    `settling.settle` must follow with what they touch.
    """
    by_hash = {hashing.evidence(blob): blob for blob in blobs if 0 < len(blob) <= LARGEST}
    if not by_hash:
        return Placed(0, 0, 0, {})
    vouch = await judges(tx)
    proved: list[bytes] = []
    attachments = named = 0
    hashes = sorted(by_hash)
    for at in range(0, len(hashes), AT_ONCE):
        rows = await tx.conn.fetch(NAMED, hashes[at : at + AT_ONCE])
        found = await asyncio.to_thread(_sort, rows, by_hash, vouch)
        named += found.named
        proved += await _prove(tx, found.proofs)
        attachments += await _attach(tx, found.attached)
    if proved:  # nobody's record came in, and more of them mean something
        await tx.conn.execute(COUNT, sender)
        await storing.read_again(tx, {_log(raw) for raw in proved if record_id(raw) not in fresh})
        await tx.tell_devices()
    return Placed(len(proved), attachments, len(by_hash) - named, touched_by(proved))


def _sort(rows: Sequence[Row], blobs: Mapping[bytes, bytes], vouch: Judges) -> _Sorted:
    proofs, attached, named = [], [], set()
    for row in rows:
        blob = blobs[row["evidence"]]
        if row["kept"]:
            named.add(row["evidence"])
        elif row["kind"] == Kind.ATTACH:
            attached.append((row, blob))
            named.add(row["evidence"])
        elif vouch.prove(row["raw"], blob):
            proofs.append((row, blob))
            named.add(row["evidence"])
    return _Sorted(proofs, attached, len(named))


def _log(raw: bytes) -> tuple[bytes, int]:
    return place_of(raw)[:2]


async def _prove(tx: TenantTx, proofs: Sequence[tuple[Row, bytes]]) -> list[bytes]:
    """Keep proofs; return the records that are proved now."""
    if not proofs:
        return []
    raws = {row["record_id"]: row["raw"] for row, _ in proofs}
    rows = await tx.conn.fetch(PROVE, list(raws), [blob for _, blob in proofs])
    return [raws[row["record_id"]] for row in rows]


async def _attach(tx: TenantTx, attached: Sequence[tuple[Row, bytes]]) -> int:
    if not attached:
        return 0
    done = await tx.conn.execute(
        ATTACH,
        [row["record_id"] for row, _ in attached],
        [row["device_id"] for row, _ in attached],
        [row["incarnation"] for row, _ in attached],
        [row["raw"][140:156] for row, _ in attached],
        [blob for _, blob in attached],
    )
    return int(done.rpartition(" ")[2])
