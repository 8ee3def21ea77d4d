"""A worker's part that sends what is due: tenant by tenant, beside one another, so that a flood
of one holds up no other.

A mail is taken, found and written, handed over outside any transaction, and noted. A sender that
dies in between leaves a mail that another sends after a while, under the same Message-ID: what
the server took before it died is sent twice then. Nothing else sends one twice.
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final

import structlog

from cloud.db.connect import LENT, Pool
from cloud.db.tenancy import WORKER, PlatformTx, TenantTx, platform_tx, tenant_tx
from cloud.http.kernel import Sealer
from cloud.notify import message, platform_rows, repository
from cloud.notify.answers import Answer, Verdict
from cloud.notify.courier import Courier
from cloud.notify.facts import Found
from cloud.notify.letter import Envelope, Mail
from cloud.notify.model import AWAY, Outcome, State, after_fault, is_stale
from cloud.notify.rows import House, Lane, Row, look, note, return_address, take, unsubscribe
from cloud.notify.writing import write
from cloud.pacing import Paced
from cloud.spans import joining

LOG = structlog.get_logger("usher.notify")
CHANNEL: Final = "usher_mail"
LANES: Final = 4  # tenants at once
ABREAST: Final = 8  # mails of one
FEW: Final = 4  # mails that are ready, beneath which more are taken
TURN: Final = 100  # mails of one, before other tenants have their turn
PACE: Final = 0.02  # seconds
STUBBORN: Final = 60.0  # seconds that a note is tried, since a mail without one is sent again


class Turn:
    """A lane's turn of so many mails, which are taken and noted several at a time."""

    def __init__(self, lane: Lane, most: int) -> None:
        self.lane = lane
        self.left = most
        self.ready: deque[tuple[Row, Found]] = deque()
        self.ended: list[tuple[Row, Outcome]] = []
        self.taking, self.noting = asyncio.Lock(), asyncio.Lock()


class Sender:
    """Sends what is due. `courier` None: all is kept here, for the mailbox."""

    def __init__(
        self,
        pool: Pool,
        sealer: Sealer,
        house: House,
        courier: Courier | None,
        clock: Callable[[], datetime],
    ) -> None:
        self._pool = pool
        self._sealer = sealer
        self._house = house
        self._courier = courier
        self._clock = clock
        self._press = asyncio.Lock()  # writing takes a processor: two at once would be no faster

    async def due(self) -> list[Lane]:
        """Return whose mail is due."""
        if self._courier is not None and self._courier.rests:
            return []
        now = self._clock()
        async with self._pool.acquire(timeout=LENT) as conn:
            lanes: list[Lane] = [None] if await platform_rows.due(conn, now) else []
            return [*lanes, *await repository.due(conn, now)]

    async def send(self, lane: Lane) -> bool:
        """Send what is due in a lane, for a turn; False: the server or the database is away."""
        turn = Turn(lane, TURN)
        went = await asyncio.gather(*(self._send(turn) for _ in range(ABREAST)))
        return all(went)

    async def _send(self, turn: Turn) -> bool:
        went = True
        try:
            while (each := await self._next(turn)) is not None:
                outcome = await self._one(turn, *each)
                if outcome.state is State.WAITING and not outcome.counts:
                    turn.left, went = 0, False  # those that are taken are given back
        except Exception as error:  # noqa: BLE001 - a fault of ours or the database's
            LOG.warning("mail_broke", tenant=str(turn.lane), fault=type(error).__name__)
            return False
        return went

    async def _one(self, turn: Turn, row: Row, found: Found) -> Outcome:
        """Send one mail; return what it came to."""
        with joining("mail", row.trace):
            outcome = await self._hand_over(turn.lane, row, found)
        turn.ended.append((row, outcome))
        async with turn.noting:
            await self._note(turn)
        LOG.info("mail", kind=row.kind, state=outcome.state, fault=outcome.fault)
        return outcome

    async def _next(self, turn: Turn) -> tuple[Row, Found] | None:
        """Return what is handed over next; whoever finds few left takes more meanwhile."""
        if turn.ready and (len(turn.ready) > FEW or turn.taking.locked()):
            return turn.ready.popleft()
        async with turn.taking:
            while len(turn.ready) <= FEW and turn.left > 0:
                async with self._tx(turn.lane) as tx:
                    await self._take(tx, turn)
            return turn.ready.popleft() if turn.ready else None

    async def _take(self, tx: TenantTx | PlatformTx, turn: Turn) -> None:
        """Take as many as are sent beside one another, with what they say."""
        rows = await take(tx, min(ABREAST, turn.left))
        turn.left = turn.left - len(rows) if len(rows) == ABREAST else 0
        for row in rows:
            found = await self._found(tx, row)
            if isinstance(found, Outcome):
                await note(tx, row, found)
            else:
                turn.ready.append((row, found))

    async def _found(self, tx: TenantTx | PlatformTx, row: Row) -> Found | Outcome:
        """Return what a mail says, or why it is not sent."""
        if self._courier is None:
            return Outcome(State.KEPT)
        if is_stale(row.kind, row.created_at, tx.now):
            return Outcome(State.DROPPED, "stale")
        try:
            async with tx.conn.transaction():
                found = await look(tx, self._sealer, row)
        except Exception as error:  # noqa: BLE001 - one that can't be found holds up no other
            return self._broken(row, error)
        return Outcome(State.DROPPED, found) if isinstance(found, str) else found

    async def _hand_over(self, lane: Lane, row: Row, found: Found) -> Outcome:
        if self._courier is None:
            raise RuntimeError("nothing is handed over from a mailbox")
        try:
            async with self._press:
                made = await asyncio.to_thread(self._written, lane, row, found)
        except Exception as error:  # noqa: BLE001 - nor one that can't be written
            return self._broken(row, error)
        if made is None:
            return Outcome(State.BOUNCED, "address_unusable")
        return self._outcome(row, await self._courier.hand_over(made))

    def _written(self, lane: Lane, row: Row, found: Found) -> message.Ready | None:
        now = self._clock()
        link = unsubscribe(self._sealer, self._house.url, lane, found)
        back = return_address(self._sealer, self._house, lane, row)
        around = Envelope(self._house.sender, found.to, row.name, link, back)
        return message.ready(Mail(write(found, now), around), now)

    def _outcome(self, row: Row, verdict: Verdict) -> Outcome:
        now = self._clock()
        match verdict.answer:
            case Answer.TAKEN:
                return Outcome(State.SENT)
            case Answer.NEVER:
                return Outcome(State.BOUNCED, verdict.fault)
            case Answer.AWAY:
                return Outcome(State.WAITING, verdict.fault, now + AWAY, counts=False)
            case Answer.LATER:
                return after_fault(row.attempts, verdict.fault, now, random.random())

    def _broken(self, row: Row, error: Exception) -> Outcome:
        fault = type(error).__name__
        LOG.error("mail_unwritten", kind=row.kind, fault=fault)
        return after_fault(row.attempts, fault, self._clock(), random.random())

    async def _note(self, turn: Turn) -> None:
        """Note what the server has answered, if need be again and again."""
        ended, turn.ended = turn.ended, []
        end = time.monotonic() + STUBBORN
        while ended:
            try:
                async with self._tx(turn.lane) as tx:
                    for row, outcome in ended:
                        await note(tx, row, outcome)
                return
            except Exception:
                if time.monotonic() > end:
                    raise
                await asyncio.sleep(1)

    @asynccontextmanager
    async def _tx(self, lane: Lane) -> AsyncIterator[TenantTx | PlatformTx]:
        now = self._clock()
        if lane is None:
            async with platform_tx(self._pool, WORKER, now) as ptx:
                yield ptx
        else:
            async with tenant_tx(self._pool, lane, WORKER, now, suspended_too=True) as tx:
                yield tx


def sending(
    listen_url: str, courier: Courier | None, sender: Sender
) -> Callable[[asyncio.Event], Awaitable[None]]:
    """Return what sends, as part of a worker."""

    async def run(stop: asyncio.Event) -> None:
        paced = Paced(
            listen_url, CHANNEL, sender.due, sender.send, pace=PACE, share=0.0, at_once=LANES
        )
        try:
            await paced.run(stop)
        finally:
            if courier is not None:
                await courier.aclose()

    return run


async def sweep(tx: TenantTx) -> int:
    """Forget what is old."""
    await repository.forget(tx)
    return 0
