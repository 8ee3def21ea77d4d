"""A cloud worker's own log in one tenant: a device like any gate, with a chain of its own.

Whoever appends gets records back as part of a transaction: the tail moves only once that is
committed. Each append names the record that it follows, and the database takes it only if that
is still the last one of a log that nobody has closed. So two processes never write at one
place, whatever became of the lock that keeps them apart.
"""

from collections.abc import Callable, Sequence
from typing import Final, LiteralString, NamedTuple
from uuid import UUID

from cloud.checkins.slots import Held
from cloud.db.tenancy import TenantTx
from cloud.http.kernel import Sealer
from cloud.tickets.lifecycle import Move, target
from shared import hashing, keys
from shared.devices.proof import countersign
from shared.log import writer
from shared.log.record import EMPTY, Record, record_hash, record_id, seal
from shared.log.writer import Tail

LARGEST: Final = 2**63 - 1  # of a bigint; no honest stamp comes near it

WORKER: Final[LiteralString] = """
    SELECT device_id, sealed FROM device
     WHERE tenant_id = current_tenant() AND slot = $1 FOR UPDATE
"""
ADD: Final[LiteralString] = """
    INSERT INTO device (device_id, public, kind, name, slot, badge, sealed)
    VALUES ($1, $2, 'worker', $3, $4, $5, $6)
"""
CLOSE: Final[LiteralString] = """
    UPDATE log_head SET closed = true
     WHERE tenant_id = current_tenant() AND device_id = $1 AND NOT closed
    RETURNING incarnation, seq, hash, hlc
"""
OPEN: Final[LiteralString] = """
    INSERT INTO log_head (device_id, incarnation, seq, hash, hlc) VALUES ($1, $2, $3, $4, $5)
"""
APPEND: Final[LiteralString] = """
    SELECT append_scans($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
                        $17, $18, $19, $20, $21, $22, $23)
"""
PROVE: Final[LiteralString] = """
    INSERT INTO proof (record_id, body) SELECT * FROM unnest($1::bytea[], $2::bytea[])
"""
ATTACH: Final[LiteralString] = """
    INSERT INTO attachment (record_id, ticket, body)
    SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bytea[])
"""

Clock = Callable[[], tuple[int, int]]  # unix ms, monotonic ms since the process began


class LogLost(Exception):
    """Another process has taken this log over, or what was committed is not what we think."""


class Line(NamedTuple):
    """One record to be: unplaced, and what vouches for it."""

    record: Record
    blob: bytes = b""  # the proof; the record's evidence is its hash
    signed: bool = False  # the desk's badge countersigns the record, which is then its evidence
    code: bytes = b""  # what was scanned, for the countersignature
    of: int | None = None  # an earlier line of the same scan, whose id is this one's `ref`
    attached: bytes = b""  # a guest's answers or a supervisor's words, kept beside the record


class Written(NamedTuple):
    """A record that the transaction is to store."""

    raw: bytes
    id: bytes
    proof: bytes = b""
    attached: bytes = b""
    ticket: bytes = b""  # that it is attached to


class Log(NamedTuple):
    """Where the log ends, and the keys that go on with it."""

    held: Held
    tail: Tail
    secret: bytes  # the device's
    badge: bytes  # the desk's: it signs for callers who may do what a supervisor may


class Moves(NamedTuple):
    """Tickets, locked, that move with what is stored."""

    event_id: UUID
    tickets: Sequence[UUID]
    move: Move


class Read(NamedTuple):
    """What was decided by, without a lock."""

    actor: str  # in whose name it is stored
    event_id: UUID
    tickets: Sequence[UUID]  # of this event
    versions: Sequence[str]
    ref: bytes
    hashes: Sequence[bytes]  # whose records were read
    written: int  # how many there were


class Draft:
    """What one transaction adds to a log."""

    def __init__(self, log: Log, clock: Clock) -> None:
        self._log = log
        self._clock = clock
        self.tail = log.tail
        self.written: list[Written] = []

    def hear(self, stamp: int) -> None:
        """Let the clock follow another device's stamp."""
        self.tail = writer.hear(self.tail, stamp, self._clock()[0])

    def write(self, lines: Sequence[Line], ticket: bytes) -> list[Written]:
        """Place and sign the records of one scan."""
        added: list[Written] = []
        wall, monotonic = self._clock()
        for line in lines:
            record = writer.place(self.tail, line.record, wall, monotonic)
            if line.of is not None:
                record = record._replace(ref=added[line.of].id)
            proof = countersign(record, self._log.badge, line.code) if line.signed else line.blob
            if proof or line.attached:
                record = record._replace(evidence=hashing.evidence(proof or line.attached))
            raw = seal(record, self._log.secret)
            digest = record_hash(raw)
            self.tail = self.tail._replace(seq=record.seq, hash=digest, hlc=record.hlc)
            added.append(Written(raw, digest[:16], proof, line.attached, ticket))
        self.written += added
        return added

    @property
    def has_blobs(self) -> bool:
        """Whether something is to be stored beside the records."""
        return any(each.proof or each.attached for each in self.written)

    async def store(self, tx: TenantTx, moves: Moves | None = None) -> Log:
        """Store what was written, and move tickets; return the log as it is once the transaction
        is committed."""
        if not self.written:
            return self._log._replace(tail=self.tail)
        event_id = moves.event_id if moves else None
        await self._append(tx, moves, None, event_id, [], [], None, [], 0)
        await self._store_blobs(tx)
        return self._log._replace(tail=self.tail)

    async def commit(self, tx: TenantTx, moves: Moves | None, read: Read) -> Log | None:
        """Do the same in a transaction of its own, if what was read is still so; else None, and
        nothing is stored."""
        if not self.written:
            return self._log._replace(tail=self.tail)
        if await self._append(tx, moves, *read) == "stale":
            return None
        return self._log._replace(tail=self.tail)

    async def _append(self, tx: TenantTx, moves: Moves | None, *read: object) -> str:
        before, after = self._log.tail, self.tail
        raws = [each.raw for each in self.written]
        done: str = await tx.conn.fetchval(
            APPEND, tx.tenant, *read,
            before.device, before.incarnation, before.seq, before.hash,
            after.seq, after.hash, min(after.hlc, LARGEST),
            [raw[80:88] for raw in raws],
            [each.id for each in self.written],
            [raw[1] for raw in raws],
            [raw[96:112] for raw in raws],
            raws,
            moves.tickets if moves else [],
            moves.move.value if moves else "",
            target(moves.move).state.value if moves else "",
        )  # fmt: skip
        if done == "lost":
            raise LogLost
        return done

    async def _store_blobs(self, tx: TenantTx) -> None:
        proved = [each for each in self.written if each.proof]
        if proved:
            await tx.conn.execute(PROVE, [w.id for w in proved], [w.proof for w in proved])
        attached = [each for each in self.written if each.attached]
        if attached:
            await tx.conn.execute(
                ATTACH,
                [w.id for w in attached], [w.ticket for w in attached],
                [w.attached for w in attached],
            )  # fmt: skip


class Opener:
    """Opens this process's log in a tenant: the next incarnation of its worker there."""

    def __init__(
        self, sealer: Sealer, random: Callable[[int], bytes], clock: Clock, software: str
    ) -> None:
        self._sealer = sealer
        self._random = random
        self._clock = clock
        self._software = software

    async def open(self, tx: TenantTx, held: Held) -> Log:
        """Close what the worker wrote before, and write the BOOT that follows it."""
        secret, badge = await self._keys(tx, held.slot)
        device = hashing.device_id(keys.public_key(secret))
        heads = await tx.conn.fetch(CLOSE, device)
        last = max(heads, key=lambda head: int(head["incarnation"]), default=None)
        tail = Tail(device)
        if last is not None:
            tail = Tail(device, last["incarnation"], last["seq"], last["hash"], last["hlc"])
        draft = EMPTY._replace(evidence=hashing.evidence(self._software.encode()))
        raw = seal(writer.boot(tail, draft, *self._clock()), secret)
        begun = writer.advance(tail, raw)
        await tx.conn.execute(OPEN, device, begun.incarnation, 0, bytes(32), 0)
        before = begun._replace(seq=0, hash=bytes(32))
        boot = Draft(Log(held, before, secret, badge), self._clock)
        boot.tail, boot.written = begun, [Written(raw, record_id(raw))]
        return await boot.store(tx)

    async def _keys(self, tx: TenantTx, slot: int) -> tuple[bytes, bytes]:
        row = await tx.conn.fetchrow(WORKER, slot)
        if row is not None:
            both = self._sealer.unseal(row["sealed"], context(tx, row["device_id"]))
        else:
            both = self._random(2 * keys.SEED_SIZE)
            await self._add(tx, slot, both)
        secret, badge = both[: keys.SEED_SIZE], both[keys.SEED_SIZE :]
        return keys.secret_key(secret), keys.secret_key(badge)

    async def _add(self, tx: TenantTx, slot: int, both: bytes) -> None:
        public = keys.public_key(both[: keys.SEED_SIZE])
        badge = keys.public_key(both[keys.SEED_SIZE :])
        device = hashing.device_id(public)
        sealed = self._sealer.seal(both, context(tx, device))
        await tx.conn.execute(ADD, device, public, f"worker {slot}", slot, badge, sealed)
        await tx.audit("device.made", f"device:{device.hex()}", slot=slot)


def context(tx: TenantTx, device: bytes) -> str:
    """Return what a worker's keys are sealed with: they open in their own row alone."""
    return f"worker/{tx.tenant}/{device.hex()}"
