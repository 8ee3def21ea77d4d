"""One event's turn: what is open is pursued, what is due is signed, stored, sent and settled.

    await Writer(pool, url, house, clock).work(place)

Each round is: read in one transaction; sign; store in a second; send; settle in a third. Between
any two of them the process may die: what is stored is pursued by the next, and what is not was
never sent.
"""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Final

import structlog
from msgspec import Struct

from cloud.db.connect import LENT, Pool
from cloud.db.tenancy import WORKER, TenantTx, tenant_tx
from cloud.ledger.faults import LedgerFault
from cloud.ledger.values import Schema
from cloud.ledger.work import asset_rows, event_rows, job_rows, places, watching
from cloud.ledger.work.alone import alone
from cloud.ledger.work.asset_rows import Due, Keepers
from cloud.ledger.work.event_rows import OnLedger, Place, TreeRow
from cloud.ledger.work.house import House
from cloud.ledger.work.job_rows import Job, Open
from cloud.ledger.work.lifecycle import MOST_ATTEMPTS
from cloud.ledger.work.pursuing import FIRST_REST, Overtaken, pursue, settle
from cloud.ledger.work.signing import NOTHING, Made, Step, changes, compared, mints
from cloud.ledger.work.steps import Kind

LOG = structlog.get_logger("usher.ledger")
BATCH: Final = 300  # tickets of a round: about as many as transactions that are open take
OPEN: Final = 64  # transactions of an event on their way at once
CHANGES: Final = 16  # of them changes: their proofs must outlive one another
LONGEST: Final = 20.0  # seconds of a turn, before others have theirs
WATCH: Final = timedelta(seconds=300)  # between two looks at what others did
EACH: Final = 8  # rounds, after which it is looked at anyhow
STANDING: Final = timedelta(seconds=60)  # until what stands still is looked at again


class View(Struct, frozen=True):
    """What is known of an event at the beginning of a round."""

    about: OnLedger
    trees: Sequence[TreeRow]
    jobs: Sequence[Job]
    open: Open
    due: Sequence[Due]


class Stands(Exception):
    """Nothing can be done for an event until something else happens: its `reason`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Writer:
    """Writes to the ledger what events want. `url`: of the database, for locks."""

    def __init__(self, pool: Pool, url: str, house: House, clock: Callable[[], datetime]) -> None:
        self._pool = pool
        self._url = url
        self._house = house
        self._clock = clock
        self._watched: dict[Place, float] = {}  # when trees were looked at, within `WATCH`

    async def due(self) -> list[Place]:
        """Return events that have work."""
        async with self._pool.acquire(timeout=LENT) as conn:
            return await event_rows.due(conn, self._clock())

    async def work(self, place: Place) -> bool:
        """Do what is due for an event, for a while. False: it stands still, or somebody has it."""
        async with alone(self._url, place.event_id) as held:
            if held is None:
                return False
            reason = ""
            try:
                await self._house.begin()
                end, rounds = time.monotonic() + LONGEST, 0
                while await self._round(place):
                    rounds += 1
                    if rounds % EACH == 0:  # piece by piece: a whole event's history is large
                        await self._watch(place)
                    if time.monotonic() > end:
                        return True
                    await held()
                if self._is_time(place):
                    await self._watch(place)
            except Overtaken:
                return False
            except (Stands, LedgerFault) as fault:
                reason = fault.reason if isinstance(fault, Stands) else fault.code
                LOG.warning("ledger_stands", event_id=str(place.event_id), fault=reason)
            await self._rest(place, reason)
            return not reason

    async def _round(self, place: Place) -> bool:
        """Do one thing after another; return whether there was any."""
        view = await self._view(place)
        if view is None:
            return False
        if view.jobs:
            await self._pursue(place, view.trees, view.jobs)
            return True
        agreed, steps = compared(self._house, place.tenant, view.about, view.trees, view.due)
        steps = steps if view.open.jobs < OPEN else []
        made = [await self._changes(place, steps), await self._mints(place, view, steps)]
        async with self._tx(place) as tx:
            await self._store(tx, place, agreed, made)
        jobs = [job for each in made for job in each.jobs]
        if jobs:
            await self._pursue(place, view.trees, jobs)
        return bool(agreed or jobs or any(each.failed for each in made))

    async def _view(self, place: Place) -> View | None:
        async with self._tx(place) as tx:
            about = await event_rows.read(tx, place.event_id)
            if about is None or about.paused or about.stopped:
                return None
            return View(
                about,
                await event_rows.trees(tx, place.event_id),
                await job_rows.due(tx, place.event_id, OPEN),
                await job_rows.count(tx, place.event_id),
                await asset_rows.due(tx, place.event_id, BATCH),
            )

    async def _changes(self, place: Place, steps: Sequence[Step]) -> Made:
        wanted = [each for each in steps if each.kind is not Kind.MINT][:CHANGES]
        old = [each.due.ticket_id for each in wanted if each.schema is Schema.V1]
        had: Keepers = {}
        if old:
            async with self._tx(place) as tx:
                had = await asset_rows.keepers(tx, place.event_id, old)
        return await changes(self._house, place.tenant, wanted, had)

    async def _mints(self, place: Place, view: View, steps: Sequence[Step]) -> Made:
        """Sign mints; or, before the first, the collection or the tree that they need."""
        wanted = [each for each in steps if each.kind is Kind.MINT]
        if not wanted:
            return NOTHING
        trees = await self._planned(place, view)
        coming, failed = places.awaited(trees), ""
        if coming is not None and coming.state == "approved" and not view.open.founding:
            failed = await self._failed(place)
            if not failed:
                return Made((await self._founded(place, view.about, coming),), ())
        room = places.room(trees, view.open.leaves)
        if room is None:
            if view.open.jobs:
                return NOTHING
            raise Stands(failed or places.UNAPPROVED)
        async with self._tx(place) as tx:
            texts = await event_rows.texts(tx, place.event_id, view.about, self._house.base)
        return await mints(self._house, view.about, room.tree, wanted[: room.left], texts)

    async def _founded(self, place: Place, about: OnLedger, tree: TreeRow) -> Job:
        """Sign an approved tree; before it, the collection that its leaves are to be in."""
        if tree.schema is Schema.V2 and about.collection is None:
            return await places.collection(self._house, place, about)
        return await places.tree(self._house, tree)

    async def _failed(self, place: Place) -> str:
        """Return what became of a collection or a tree that failed just now, or "": each try costs
        a fee, and no ticket rests meanwhile."""
        async with self._tx(place) as tx:
            return await job_rows.founding_failed(tx, place.event_id, STANDING)

    async def _planned(self, place: Place, view: View) -> Sequence[TreeRow]:
        """Plan the next tree if it is time, with what it will cost; return all. Most of the time
        there is room for however many wait, and nobody has to count."""
        trees = view.trees
        if not places.is_next_due(trees, asset_rows.MANY):
            return trees
        async with self._tx(place) as tx:
            waiting = await asset_rows.waiting(tx, place.event_id)
            if not places.is_next_due(trees, waiting):
                return trees
            size = await event_rows.size(tx, place.event_id)
        plan = await places.planned(self._house, view.about, len(trees), size, waiting)
        async with self._tx(place) as tx:
            await event_rows.plan(tx, place.event_id, plan)
            return await event_rows.trees(tx, place.event_id)

    async def _store(
        self, tx: TenantTx, place: Place, agreed: Sequence[Due], made: Sequence[Made]
    ) -> None:
        """Store what was signed with its claims, or, all or nothing, raise `Overtaken`."""
        if agreed:
            await asset_rows.rest(tx, place.event_id, agreed)
        for each in made:
            if each.jobs:
                await job_rows.store(tx, place.event_id, each.jobs)
            if each.claims and not await asset_rows.claim(tx, place.event_id, each.claims):
                raise Overtaken
            for ticket, fault in each.failed:
                wait = timedelta(seconds=FIRST_REST)
                await asset_rows.failed(tx, place.event_id, [ticket], fault, wait, MOST_ATTEMPTS)

    async def _pursue(self, place: Place, trees: Sequence[TreeRow], jobs: Sequence[Job]) -> None:
        found = await pursue(self._house, trees, jobs)
        async with self._tx(place) as tx:
            await settle(tx, place.event_id, found)

    def _is_time(self, place: Place) -> bool:
        """Whether nobody has looked for a while."""
        at = self._watched.get(place)
        return at is None or time.monotonic() > at + WATCH.total_seconds()

    async def _watch(self, place: Place) -> None:
        """Look for what others did to the event's trees since we looked last."""
        async with self._tx(place) as tx:
            trees = await event_rows.trees(tx, place.event_id)
        for tree in trees:
            told = await watching.news(self._house.ledger, tree)
            async with self._tx(place) as tx:
                strange = await watching.keep(tx, place.event_id, tree, told)
            if strange:
                LOG.warning("ledger_strange", event_id=str(place.event_id), count=strange)
        now = time.monotonic()
        since = now - WATCH.total_seconds()  # an earlier look says no more than none
        self._watched = {each: at for each, at in self._watched.items() if at > since}
        self._watched[place] = now

    async def _rest(self, place: Place, reason: str) -> None:
        """Say when to look again: whoever wishes from now on says so after us."""
        async with self._tx(place) as tx:
            await event_rows.stands(tx, place.event_id, reason)
            await event_rows.lock(tx, place.event_id)
            due = await asset_rows.next_due(tx, place.event_id)
            if reason and due is not None:
                due = max(due, tx.now + STANDING)
            if await event_rows.is_watched(tx, place.event_id):
                due = min(due or tx.now + WATCH, tx.now + WATCH)
            await event_rows.look_next(tx, place.event_id, due)

    @asynccontextmanager
    async def _tx(self, place: Place) -> AsyncIterator[TenantTx]:
        async with tenant_tx(
            self._pool, place.tenant, WORKER, self._clock(), suspended_too=True
        ) as tx:
            yield tx
