"""What gates write and hear in tests: entries by the thousand, uploads, and both sides' views."""

import asyncio
from hashlib import sha256

from cloud.checkins.view import view_of
from cloud.db.tenancy import Origin, tenant_tx
from edge.gate.gate import Gate
from edge.gate.ledger import Line
from edge.sync.client import Cloud, Limits
from edge.sync.logs import Gossip, Got
from edge.sync.push import Pushing, Sent
from shared.hashing import root_right
from shared.log.record import EMPTY, NO_DAY_CAP, RE_ENTRY, Kind, Record
from shared.merge.view import Summary
from tests.cloud.service import Event
from tests.together.gates import Joined

AT_ONCE = 1000


def ticket(number: int) -> bytes:
    """Return the id hash of a ticket that nobody sold."""
    return sha256(b"ticket %d" % number).digest()[:16]


def entry(event: bytes, who: bytes, *, kind: Kind = Kind.IN, gate: int = 1) -> Record:
    """Return an entry on a ticket's first right, or an exit of nobody in particular."""
    return EMPTY._replace(
        kind=kind,
        event=event,
        gate=gate,
        zone=1,
        allowance=1,
        terms=RE_ENTRY | NO_DAY_CAP,
        ticket=who,
        ref=root_right(event, who, 1, 0, 0) if kind is Kind.IN else bytes(16),
        evidence=sha256(who).digest(),
        reason=1,
    )


def admit(gate: Gate, event: bytes, numbers: range) -> None:
    """Write an entry for each ticket."""
    for start in range(numbers.start, numbers.stop, AT_ONCE):
        some = range(start, min(start + AT_ONCE, numbers.stop))
        gate.ledger.append([Line(entry(event, ticket(number))) for number in some])


class Linked:
    """One gate and its connection to the cloud, or to whoever says to be it."""

    def __init__(self, joined: Joined, origin: str = "", limits: Limits | None = None) -> None:
        self._joined = joined
        self._loop = asyncio.new_event_loop()
        gate, house = joined.gate, joined.house
        self._cloud = Cloud(
            origin or house.service.address,
            house.tenant.tenant_id.bytes,
            gate.me,
            gate.clock.stamp_ms,
            limits=limits or Limits(),
        )
        self.relayed: list[bytes] = []  # receipts, to neighbours
        self.now = 0.0  # seconds
        passed = self.relayed.append
        self.pushing = Pushing(self._cloud, gate, relay=passed, seconds=lambda: self.now)
        self._gossip = Gossip(self._cloud, gate, self.pushing.heard)

    def push(self) -> Sent:
        """Send what is lacking; raise what went wrong."""
        return self._loop.run_until_complete(self.pushing.step())

    def ask(self) -> Got:
        """Take in what others wrote; raise what went wrong."""
        return self._loop.run_until_complete(self._gossip.step())

    def waiting(self) -> int:
        """Return how many own records the cloud has not confirmed."""
        return self._joined.gate.stores.log.waiting(self._joined.me.device)

    def close(self) -> None:
        """Let go of the connections."""
        self._loop.run_until_complete(self._cloud.close())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()


def cloud_view(joined: Joined, event: Event) -> Summary:
    """Return what the cloud makes of an event's records."""
    house = joined.house
    ref = house.ref(event)

    async def merged() -> Summary:
        pool, now = await house.service.database.pool(1), house.service.clock()
        try:
            async with tenant_tx(pool, house.tenant.tenant_id, Origin("test"), now) as tx:
                return (await view_of(tx, ref)).summary()
        finally:
            await pool.close()

    return asyncio.run(merged())


def cloud_records(joined: Joined) -> list[bytes]:
    """Return every record of the gate's log that the cloud has."""
    query = "SELECT raw FROM record WHERE device_id = $1 ORDER BY incarnation, seq, record_id"
    return [row["raw"] for row in joined.house.service.database.rows(query, joined.me.device)]
