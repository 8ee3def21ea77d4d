"""What others are told of records that count: who went in or out, who was denied, what was undone.

An upload of ten thousand records is told in some twenty messages, each of one event, one topic and
`MOST` records at the most. Others alone listen: where no webhook does, nothing is written.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final, LiteralString
from uuid import UUID

from cloud.db.tenancy import TenantTx
from cloud.topics.doors import MOST, Passage, Scan, TakenBack
from shared.log.record import Kind
from shared.outcomes import BY_NUMBER, Outcome

TOPIC: Final[Mapping[int, str]] = {
    Kind.IN: "entries.recorded",
    Kind.OVERRIDE: "entries.recorded",
    Kind.OUT: "exits.recorded",
    Kind.DENY: "denials.recorded",
    Kind.ANNUL: "entries.undone",
}
TOPICS: Final = sorted(set(TOPIC.values()))
PLAIN: Final = {int(Kind.IN): Outcome.ADMITTED, int(Kind.OUT): Outcome.EXIT}  # with reason 0
UNKNOWN: Final = "unknown"  # the outcome of a newer device
LATEST: Final = 253_402_300_799  # a datetime's last second; a stamp may say more

HEARD: Final[LiteralString] = "SELECT is_heard($1)"
TICKETS: Final[LiteralString] = """
    SELECT e.event_id, t.hash, t.ticket_id
      FROM event e
      LEFT JOIN ticket t ON t.tenant_id = e.tenant_id AND t.event_id = e.event_id
                        AND t.hash = ANY($2)
     WHERE e.tenant_id = current_tenant() AND e.ref = $1
"""


async def is_heard(tx: TenantTx) -> bool:
    """Whether somebody is told of any of this."""
    return await tx.conn.fetchval(HEARD, TOPICS) is True


async def tell(tx: TenantTx, raws: Iterable[bytes]) -> None:
    """Publish what these records say. Those of other tenants' events are passed over."""
    events: dict[bytes, dict[str, list[bytes]]] = {}
    for raw in raws:
        if (topic := TOPIC.get(raw[1])) is not None:
            events.setdefault(raw[80:88], {}).setdefault(topic, []).append(raw)
    for ref, told in sorted(events.items()):
        hashes = {raw[96:112] for some in told.values() for raw in some}
        rows = await tx.conn.fetch(TICKETS, ref, list(hashes))
        if rows:
            ids = {row["hash"]: row["ticket_id"] for row in rows}
            await _publish(tx, rows[0]["event_id"], told, ids)


async def _publish(
    tx: TenantTx, event_id: UUID, told: Mapping[str, Sequence[bytes]], ids: Mapping[bytes, UUID]
) -> None:
    for topic, raws in sorted(told.items()):
        for at in range(0, len(raws), MOST):
            records = [passage(raw, ids.get(raw[96:112])) for raw in raws[at : at + MOST]]
            await tx.publish(topic, f"doors:{event_id}", event_id=event_id, records=records)


def passage(raw: bytes, ticket_id: UUID | None) -> Passage:
    """Return what is told of a record (shared/spec/log.md §1)."""
    told = (
        sha256(raw).digest()[:16].hex(), raw[4:20].hex(), ticket_id, _moment(raw),
        int.from_bytes(raw[88:90], "big"), int.from_bytes(raw[90:92], "big"),
        int.from_bytes(raw[92:94], "big"),
    )  # fmt: skip
    if raw[1] == Kind.ANNUL:
        return TakenBack(*told, raw[140:156].hex())
    return Scan(*told, _outcome(raw), raw[1] == Kind.OVERRIDE)


def _outcome(raw: bytes) -> str:
    outcome = BY_NUMBER.get(int.from_bytes(raw[190:192], "big"), PLAIN.get(raw[1]))
    return outcome.code if outcome else UNKNOWN


def _moment(raw: bytes) -> datetime:
    milliseconds = int.from_bytes(raw[64:70], "big")
    return datetime.fromtimestamp(min(milliseconds / 1000, LATEST), UTC)
