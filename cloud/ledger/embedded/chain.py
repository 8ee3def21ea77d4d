"""The ledger inside the service, as a `Chain`.

    chain = await EmbeddedChain.open(pool, clock=time.time, secret=os.urandom(32))

Any number of processes may have it open on one database: whoever writes holds one row until the
end and has first caught up with what others wrote. A transaction is executed, and written with
all that it changed in one transaction of PostgreSQL, before its sender hears of it: what was
acknowledged survives whatever dies, and what was not is not there. What waits is written together.
"""

import asyncio
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Final, LiteralString

import structlog
from msgspec import Struct
from solders.pubkey import Pubkey
from solders.signature import Signature

from cloud.db.connect import LENT, Connection, Pool, Row
from cloud.ledger.bubblegum.leaf import leaf_hash
from cloud.ledger.bubblegum.programs import SYSTEM
from cloud.ledger.bubblegum.transaction import Parsed, parse
from cloud.ledger.embedded import rows
from cloud.ledger.embedded.accounts import Held, rent
from cloud.ledger.embedded.state import Ran, State, Witness, nobody, units
from cloud.ledger.embedded.window import LIVES, Window
from cloud.ledger.faults import LedgerAway, LedgerRefused
from cloud.ledger.tree.hashing import EMPTY_LEAF
from cloud.ledger.tree.nodes import Nodes
from cloud.ledger.values import (
    Account,
    Asset,
    Blockhash,
    Commitment,
    Error,
    Landed,
    Proof,
    Simulated,
    Status,
)

LOG = structlog.get_logger("usher.ledger")
BATCH: Final = 64  # transactions that are written together
BACK: Final = LIVES // 2  # slots by which clocks of several processes may differ
PAGE: Final = 1000  # the most that one call lists


class Waiting(Struct):
    """A transaction whose sender waits."""

    transaction: Parsed
    told: asyncio.Future[Error | None]


class EmbeddedChain:
    """A `Chain` over PostgreSQL. What it says is final at once, at every commitment."""

    def __init__(
        self,
        pool: Pool,
        clock: Callable[[], float],
        window: Window,
        witness: Witness = nobody,
        *,
        last: int = 0,
    ) -> None:
        self._pool = pool
        self._clock = clock  # Unix seconds
        self._window = window
        self._last = last  # slot that was written to, as far as we know
        self._ahead = 0  # slots that we are before the clock, which was set back
        self._witness = witness
        self._state = State(window, witness)
        self._waiting: list[Waiting] = []
        self._turn = asyncio.Lock()  # of whoever uses or changes the state
        self._writer: asyncio.Task[None] | None = None
        self._asked: dict[Signature, Landed] = {}  # whose status was asked for last

    @classmethod
    async def open(
        cls, pool: Pool, clock: Callable[[], float], secret: bytes, witness: Witness = nobody
    ) -> "EmbeddedChain":
        """Open the ledger, or begin it: *secret*, 32 random bytes, counts only then. *witness*
        sees what is about to be written, and may stop it (`rehearsal/`)."""
        async with pool.acquire(timeout=LENT) as conn:
            await conn.execute(rows.BEGIN, secret, int(clock() * 1000))
            row = await conn.fetchrow(rows.GENESIS)
        if row is None:
            raise LedgerAway("ledger_head", "the ledger's first row is not there")
        window = Window(row["secret"], row["started_ms"])
        return cls(pool, clock, window, witness, last=row["slot"])

    async def aclose(self) -> None:
        """Wait until what was sent is written."""
        if self._writer is not None:
            await asyncio.wait([self._writer])

    async def fund(self, address: Pubkey, lamports: int) -> None:
        """Give an account lamports, which only an operator of this ledger can."""
        async with self._turn, self._pool.acquire(timeout=LENT) as conn, conn.transaction():
            position, slot = await self._lock(conn)
            held = self._state.bank.accounts.get(address) or Held(SYSTEM, 0, bytearray())
            if lamports <= 0 or held.owner != SYSTEM:
                raise LedgerRefused("ledger_fund", "only a positive sum, only to a plain account")
            richer = Held(SYSTEM, held.lamports + lamports, held.data)
            await rows.keep(conn, {address: richer}, position + 1)
            await conn.execute(rows.ADVANCE, position + 1, slot)

    async def blockhash(self, commitment: Commitment) -> Blockhash:  # noqa: ARG002 -- all are final
        """Return this slot's."""
        slot = self._slot()
        return Blockhash(self._window.blockhash(slot), slot + LIVES)

    async def height(self, commitment: Commitment) -> int:  # noqa: ARG002 -- as above
        """Return the slot, for every one has a block."""
        return self._slot()

    async def rent(self, size: int) -> int:
        """Return the deposit for *size* bytes."""
        return rent(size)

    async def priority_fee(self, writable: Sequence[Pubkey]) -> int:  # noqa: ARG002
        """Return nothing: nobody competes."""
        return 0

    async def simulate(self, transaction: bytes) -> Simulated:
        """Execute it and keep nothing. The units are an upper estimate."""
        parsed = parse(transaction)
        if isinstance(parsed, Error):
            return Simulated(parsed, 0)
        async with self._turn, self._pool.acquire(timeout=LENT) as conn:
            await self._refresh(conn)
            seen = await rows.seen(conn, [parsed.signature])
            executed = self._state.simulate(parsed, self._slot(), seen)
        return Simulated(executed.error, units(parsed))

    async def estimate(self, draft: bytes) -> Simulated:
        """Execute it and keep nothing. The units are an upper estimate, and limit nothing here."""
        parsed = parse(draft, draft=True)
        if isinstance(parsed, Error):
            return Simulated(parsed, 0)
        async with self._turn, self._pool.acquire(timeout=LENT) as conn:
            await self._refresh(conn)
            executed = self._state.tried(parsed, self._slot())
        return Simulated(executed.error, units(parsed))

    async def send(self, transaction: bytes) -> Error | None:
        """Execute and write it. None: it has landed, though it may have failed there."""
        parsed = parse(transaction)
        if isinstance(parsed, Error):
            return parsed
        told: asyncio.Future[Error | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(Waiting(parsed, told))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_all())
        return await told

    async def _write_all(self) -> None:
        """Write what waits, until nothing does. A batch fails as one."""
        while self._waiting:
            batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
            try:
                errors = await self._write([held.transaction for held in batch])
            except Exception as fault:  # noqa: BLE001 -- each sender is told
                away = _away(fault)
                for held in batch:
                    if not held.told.done():
                        held.told.set_exception(away)
                continue
            for held, error in zip(batch, errors, strict=True):
                if not held.told.done():
                    held.told.set_result(error)

    async def _write(self, batch: Sequence[Parsed]) -> tuple[Error | None, ...]:
        async with self._turn:
            try:
                ran, position = await self._commit(batch)
            except BaseException:
                # What of it was committed, the rows know.
                self._state = State(self._window, self._witness)
                raise
            self._state.adopt(ran, position)
        return ran.errors

    async def _commit(self, batch: Sequence[Parsed]) -> tuple[Ran, int]:
        async with self._pool.acquire(timeout=LENT) as conn, conn.transaction():
            position, last = await self._lock(conn)
            slot = max(self._slot(), last)
            seen = await rows.seen(conn, [held.signature for held in batch])
            ran = self._state.run(batch, slot, int(self._clock()), seen)
            if ran.entries:
                position = await rows.write(conn, position, ran.entries, ran.changed)
                await conn.execute(rows.ADVANCE, position, slot)
                self._last = max(self._last, slot)
        return ran, position

    async def statuses(
        self,
        signatures: Sequence[Signature],
        *,
        surely: bool = False,  # noqa: ARG002 -- what isn't in the rows has not landed
    ) -> list[Status | None]:
        """Return what became of each."""
        async with self._pool.acquire(timeout=LENT) as conn:
            found = await conn.fetch(rows.STATUSES, [bytes(one) for one in signatures])
        landed = {one.signature: one for one in map(rows.landed_of, found)}
        self._asked = dict(islice(landed.items(), BATCH))
        return [
            Status(landed[one].slot, Commitment.FINALIZED, landed[one].error)
            if one in landed
            else None
            for one in signatures
        ]

    async def landed(self, signature: Signature) -> Landed | None:
        """Return a transaction with its events. One in a block never changes."""
        if signature in self._asked:
            return self._asked[signature]
        async with self._pool.acquire(timeout=LENT) as conn:
            row = await conn.fetchrow(rows.STATUSES, [bytes(signature)])
        return None if row is None else rows.landed_of(row)

    async def history(
        self, address: Pubkey, until: Signature | None, before: Signature | None, limit: int
    ) -> list[Landed]:
        """Return what changed a tree or a collection, newest first."""
        async with self._pool.acquire(timeout=LENT) as conn:
            found = await conn.fetch(
                rows.HISTORY,
                bytes(address),
                until and bytes(until),
                before and bytes(before),
                min(limit, PAGE),
            )
        return [rows.landed_of(row) for row in found]

    async def account(
        self,
        address: Pubkey,
        commitment: Commitment,  # noqa: ARG002
    ) -> Account | None:
        """Return an account."""
        async with self._turn, self._pool.acquire(timeout=LENT) as conn:
            await self._refresh(conn)
            held = self._state.bank.accounts.get(address)
        if held is None or not held.lamports:
            return None
        return Account(held.owner, held.lamports, bytes(held.data), self._slot())

    async def accounts(
        self,
        address: Pubkey,
        commitment: Commitment,
        *,
        surely: bool = False,  # noqa: ARG002
    ) -> list[Account | None]:
        """Return an account: there is nobody else to ask."""
        return [await self.account(address, commitment)]

    async def asset(self, asset: Pubkey) -> Asset | None:
        """Return an asset."""
        async with self._pool.acquire(timeout=LENT) as conn:
            row = await conn.fetchrow(rows.ASSET, bytes(asset))
        return None if row is None else rows.asset_from(row)

    async def proof(self, asset: Pubkey) -> Proof | None:
        """Return an asset's proof, of the tree's newest root."""
        async with self._turn, self._pool.acquire(timeout=LENT) as conn:
            row = await conn.fetchrow(rows.ASSET, bytes(asset))
            if row is None:
                return None
            if (nodes := self._state.held(Pubkey.from_bytes(row["tree"]), row["head"])) is None:
                row, nodes = await self._grown(conn, asset)
        found = rows.asset_from(row)
        hashed = EMPTY_LEAF if found.burnt else leaf_hash(found.leaf)
        return Proof(found.tree, nodes.root, hashed, found.index, nodes.proof(found.index))

    async def _grown(self, conn: Connection, asset: Pubkey) -> tuple[Row, Nodes]:
        """Return an asset's row and its whole tree, caught up to the same moment."""
        async with conn.transaction():
            await conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            await self._refresh(conn)
            (row,) = await conn.fetch(rows.ASSET, bytes(asset))
            return row, await self._state.nodes(conn, Pubkey.from_bytes(row["tree"]))

    async def assets_by_owner(self, owner: Pubkey, after: Pubkey | None, limit: int) -> list[Asset]:
        """Return an owner's assets, by id."""
        return await self._listed(rows.OWNED, owner, after, limit)

    async def assets_by_collection(
        self, collection: Pubkey, after: Pubkey | None, limit: int
    ) -> list[Asset]:
        """Return a collection's assets, by id."""
        return await self._listed(rows.COLLECTED, collection, after, limit)

    async def _listed(
        self, query: LiteralString, key: Pubkey, after: Pubkey | None, limit: int
    ) -> list[Asset]:
        since = b"" if after is None else bytes(after)
        async with self._pool.acquire(timeout=LENT) as conn:
            found = await conn.fetch(query, bytes(key), since, min(limit, PAGE))
        return [rows.asset_from(row) for row in found]

    def _slot(self) -> int:
        """Return the slot of now. Of a clock that was set back by more than clocks differ, slots go
        on from the last that was written to: a blockhash of before would be too old for it."""
        slot = self._window.slot(self._clock()) + self._ahead
        if slot < self._last - BACK:
            self._ahead += self._last + 1 - slot
            return self._last + 1
        return slot

    async def _lock(self, conn: Connection) -> tuple[int, int]:
        """Hold the head until the transaction's end, and catch up. Returns position and slot."""
        row = await conn.fetchrow(rows.LOCK)
        return await self._caught_up(conn, row)

    async def _refresh(self, conn: Connection) -> None:
        await self._caught_up(conn, await conn.fetchrow(rows.HEAD))

    async def _caught_up(self, conn: Connection, row: Row | None) -> tuple[int, int]:
        if row is None:
            raise LedgerAway("ledger_head", "the ledger's first row is not there")
        await self._state.catch_up(conn, row["position"])
        self._last = max(self._last, row["slot"])
        return row["position"], row["slot"]


def _away(fault: Exception) -> LedgerAway:
    """Return what senders are told of a batch that was not written. Why, they are not: it is for
    who reads the log."""
    if isinstance(fault, LedgerAway):
        return fault
    kind = type(fault).__name__
    LOG.error("ledger_write", fault=kind)
    return LedgerAway("ledger_write", kind)
