"""Online redemption: one lane a tenant in each process, which commits in groups.

While one batch is in its transaction, whoever comes next waits for the one after; all of an
event that wait then go together. So a redemption costs a part of a transaction, and none waits
for more than one batch. A lane writes one log, so its batches follow one another.

A batch that fails fails all its redemptions, with the log's tail where it was. If it was
committed all the same and the answer lost, the next append doesn't follow the log's end: the
database refuses it, and the process goes on with a new incarnation.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
import structlog

from cloud.checkins import batches
from cloud.checkins.asking import Answer, Job, Key, check_key
from cloud.checkins.gathering import Parts
from cloud.checkins.model import Redeem, Undo
from cloud.checkins.slots import Slots
from cloud.checkins.worker import Log, LogLost
from cloud.db.connect import Pool
from cloud.db.tenancy import Origin, TenantTx
from cloud.errors import Refusal
from cloud.http.access import Principal
from cloud.http.problems import AWAY, RETRIABLE

LOG = structlog.get_logger("usher.checkins")
MOST: Final = 256  # redemptions in a batch
ATTEMPTS: Final = 4
WAIT: Final = 5.0  # seconds for a free connection
# Two that both make a worker's first key, or open one incarnation: one of them begins again.
AGAIN: Final = (*RETRIABLE, asyncpg.UniqueViolationError, LogLost)


class Redeemer:
    """Takes redemptions from every request of this process."""

    def __init__(self, pool: Pool, slots: Slots, parts: Parts, now: Callable[[], datetime]) -> None:
        self._pool = pool
        self.slots = slots
        self._parts = parts
        self._now = now
        self._lanes: dict[UUID, _Lane] = {}
        self._closing = False

    async def ask(
        self,
        tenant: UUID,
        event_id: UUID,
        who: tuple[Principal, Origin],
        asked: Redeem | Undo,
        key: Key | None = None,
    ) -> Answer:
        """Return what comes of it once that is committed, or raise the refusal."""
        if self._closing:
            raise Refusal("shutting_down")
        check_key(key.name if key else None)
        done: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        lane = self._lanes.setdefault(tenant, _Lane())
        lane.waiting.append(Job(event_id, *who, asked, key, done))
        if lane.task is None:
            lane.task = asyncio.create_task(self._serve(tenant, lane))
        return await done

    async def close(self) -> None:
        """Finish what was begun, and give the slot up."""
        self._closing = True
        await asyncio.gather(*(lane.task for lane in self._lanes.values() if lane.task))
        await self.slots.close()

    async def _serve(self, tenant: UUID, lane: "_Lane") -> None:
        while jobs := lane.next():
            await self._batch(tenant, lane, jobs)
            for job in jobs:
                job.settle()
        lane.task = None
        if lane.log is None:  # nothing was written there: perhaps no such tenant
            del self._lanes[tenant]

    async def _batch(self, tenant: UUID, lane: "_Lane", jobs: list[Job]) -> None:
        """Give each job its outcome, whatever happens."""
        failed: Refusal | None = None
        for _ in range(ATTEMPTS):
            try:
                await self._transact(tenant, lane, jobs)
            except AGAIN as error:
                failed = Refusal("busy")
                if isinstance(error, LogLost):
                    await self._lose(lane)
                continue
            except Refusal as error:
                failed = error
            except Exception as error:  # noqa: BLE001 - whoever waits is answered
                LOG.error("batch_failed", tenant=str(tenant), fault=type(error).__name__)
                failed = Refusal("unavailable" if isinstance(error, AWAY) else "internal")
            else:
                failed = None
            break
        if failed is not None:
            for job in jobs:
                job.outcome = failed

    async def _transact(self, tenant: UUID, lane: "_Lane", jobs: list[Job]) -> None:
        held = await self.slots.hold()
        log = lane.log if lane.log is not None and lane.log.held == held else None
        async with AsyncExitStack() as lent:
            async with asyncio.timeout(WAIT):  # asyncpg's own would be one more task
                conn = await lent.enter_async_context(self._pool.acquire())
            tx = TenantTx(conn, tenant, Origin(""), self._now())
            if log and (after := await batches.run_lightly(tx, jobs, self._parts, log)):
                lane.log = after
                return
            async with conn.transaction():
                log = await batches.run(tx, jobs, self._parts, held, log)
            lane.log = log

    async def _lose(self, lane: "_Lane") -> None:
        log, lane.log = lane.log, None
        if log is not None:
            await self.slots.give_up(log.held)


class _Lane:
    """Who waits in a tenant, and where this process's log there ends."""

    def __init__(self) -> None:
        self.waiting: deque[Job] = deque()
        self.task: asyncio.Task[None] | None = None
        self.log: Log | None = None

    def next(self) -> list[Job]:
        """Take the next batch: those of the event that has waited longest.

        One that repeats the idempotency key of another in it waits for that one's answer.
        """
        taken: list[Job] = []
        rest: deque[Job] = deque()
        keys: set[tuple[str, str, str]] = set()
        for job in self.waiting:
            # A key is its caller's, whichever of their sessions sends it (cloud/http/unit.py).
            who = job.principal
            key = (who.actor, who.secret, job.key.name) if job.key else None
            fits = len(taken) < MOST and (not taken or job.event_id == taken[0].event_id)
            if job.done.done():
                continue  # hung up
            if not fits or key in keys:
                rest.append(job)
                continue
            if key is not None:
                keys.add(key)
            taken.append(job)
        self.waiting = rest
        return taken
