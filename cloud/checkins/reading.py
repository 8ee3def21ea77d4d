"""Tickets and their records, read so that they stay as they are until the transaction ends."""

from collections.abc import Sequence
from typing import Final, LiteralString, NamedTuple
from uuid import UUID

from cloud.checkins.tickets import Ticket, ticket
from cloud.db.tenancy import TenantTx
from shared.history import NOTHING, History
from shared.merge.ticket import TicketView, Word, history, view_ticket

# In the order of their ids, like everybody who locks several: so nobody waits in a circle.
LOCK: Final[LiteralString] = """
    SELECT ticket_id, hash, number, class_index, state, gen, blocked, holder, attendee, seat
      FROM ticket
     WHERE tenant_id = current_tenant() AND event_id = $1 AND hash = ANY($2)
     ORDER BY ticket_id FOR NO KEY UPDATE
"""
OF_HASHES: Final[LiteralString] = """
    SELECT ticket_id FROM ticket
     WHERE tenant_id = current_tenant() AND event_id = $1 AND hash = ANY($2)
"""
OF_ENTRIES: Final[LiteralString] = """
    SELECT record_id, ticket FROM record
     WHERE tenant_id = current_tenant() AND event_ref = $1 AND record_id = ANY($2)
       AND kind IN (1, 5)
"""
# What counts: it chains to a BOOT, and its device was not cut off before it.
RECORDS: Final[LiteralString] = """
    SELECT r.ticket, r.record_id, r.raw, d.kind = 'worker' AS online, p.record_id AS proof
      FROM record r
      JOIN device d ON d.tenant_id = r.tenant_id AND d.device_id = r.device_id
      LEFT JOIN proof p ON p.tenant_id = r.tenant_id AND p.record_id = r.record_id
     WHERE r.tenant_id = current_tenant() AND r.event_ref = $1 AND r.ticket = ANY($2)
       AND r.kind IN (1, 2, 3, 5)
       AND (d.revoked_at IS NULL
            OR (r.incarnation, r.seq) <= (d.cutoff_incarnation, d.cutoff_seq))
       AND NOT EXISTS (SELECT FROM record_waiting w
                        WHERE w.tenant_id = r.tenant_id AND w.record_id = r.record_id)
"""

# An entry stands unless it was taken back; only where somebody tried that, records are merged.
ENTERED: Final[LiteralString] = """
    SELECT r.ticket, bool_or(r.kind IN (1, 5)) AS entered, bool_or(r.kind = 3) AS annulled
      FROM record r
      JOIN device d ON d.tenant_id = r.tenant_id AND d.device_id = r.device_id
     WHERE r.tenant_id = current_tenant() AND r.event_ref = $1 AND r.ticket = ANY($2)
       AND r.kind IN (1, 3, 5)
       AND (d.revoked_at IS NULL
            OR (r.incarnation, r.seq) <= (d.cutoff_incarnation, d.cutoff_seq))
       AND NOT EXISTS (SELECT FROM record_waiting w
                        WHERE w.tenant_id = r.tenant_id AND w.record_id = r.record_id)
     GROUP BY r.ticket
"""

OVERRIDES: Final[LiteralString] = """
    SELECT count(*) FROM record
     WHERE tenant_id = current_tenant() AND event_ref = $1 AND device_id = $2 AND kind = 5
"""


class Known(NamedTuple):
    """What is known of some tickets of an event. Grows while a batch is decided."""

    raws: dict[bytes, dict[bytes, bytes]]  # by ticket hash and record id
    proved: set[bytes]  # record ids
    workers: set[bytes]  # devices

    def view(self, ticket_hash: bytes, word: Word) -> TicketView:
        """Return a ticket, merged."""
        return view_ticket(self.raws.get(ticket_hash, {}).values(), self.proved, word)

    def history(self, ticket_hash: bytes, word: Word) -> History:
        """Return a ticket as `decide` reads it."""
        if ticket_hash not in self.raws:
            return NOTHING  # most tickets: seen for the first time
        return history(self.view(ticket_hash, word))

    def add(self, ticket_hash: bytes, record: bytes, raw: bytes, *, proved: bool) -> None:
        """Take in a record of a ticket."""
        self.raws.setdefault(ticket_hash, {})[record] = raw
        if proved:
            self.proved.add(record)

    def newest(self) -> int:
        """Return the highest stamp that was read, 0 for none."""
        stamps = (raw[64:72] for raws in self.raws.values() for raw in raws.values())
        return int.from_bytes(max(stamps, default=b""), "big")

    def stands(self, ticket_hash: bytes) -> bool:
        """Whether an entry of the ticket stands: it is used."""
        view = self.view(ticket_hash, Word())
        return any(pool.entries for pool in view.pools.values())


async def lock(tx: TenantTx, event_id: UUID, hashes: Sequence[bytes]) -> list[Ticket]:
    """Lock the tickets that records call by these hashes, and return them."""
    return [ticket(row) for row in await tx.conn.fetch(LOCK, event_id, list(hashes))]


async def of_hashes(tx: TenantTx, event_id: UUID, hashes: Sequence[bytes]) -> list[UUID]:
    """Return the tickets that records call by these hashes."""
    rows = await tx.conn.fetch(OF_HASHES, event_id, list(hashes))
    return [row["ticket_id"] for row in rows]


async def of_entries(tx: TenantTx, ref: bytes, entries: Sequence[bytes]) -> dict[bytes, bytes]:
    """Return the ticket's hash of each of these entries."""
    if not entries:
        return {}
    rows = await tx.conn.fetch(OF_ENTRIES, ref, list(entries))
    return {row["record_id"]: row["ticket"] for row in rows}


async def known(tx: TenantTx, ref: bytes, hashes: Sequence[bytes]) -> Known:
    """Return the records of tickets that count, with those that are proved."""
    found = Known({}, set(), set())
    if not hashes:
        return found
    for row in await tx.conn.fetch(RECORDS, ref, list(hashes)):
        proved = row["proof"] is not None
        found.add(row["ticket"], row["record_id"], row["raw"], proved=proved)
        if row["online"]:
            found.workers.add(row["raw"][4:20])
    return found


async def standing(tx: TenantTx, ref: bytes, hashes: Sequence[bytes]) -> dict[bytes, bool]:
    """Return of each ticket whether an entry of it stands."""
    stands = dict.fromkeys(hashes, False)
    doubtful = []
    for row in await tx.conn.fetch(ENTERED, ref, list(hashes)):
        stands[row["ticket"]] = row["entered"]
        if row["annulled"]:
            doubtful.append(row["ticket"])
    found = await known(tx, ref, doubtful)
    return stands | {ticket: found.stands(ticket) for ticket in doubtful}


async def overrides(tx: TenantTx, ref: bytes, device: bytes) -> int:
    """Return how many overrides a device wrote at an event."""
    count: int = await tx.conn.fetchval(OVERRIDES, ref, device)
    return count
