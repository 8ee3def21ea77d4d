"""What gates have not sent, for answers that no query may hold up: scans, and single tickets.

It is asked of the database for an event at most every few seconds, and the age that an answer
says goes on from there. A scan that was written down is answered whatever becomes of this.
"""

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

import structlog

from cloud import unsent
from cloud.db.connect import Pool
from cloud.db.tenancy import WORKER, tenant_tx
from cloud.unsent import Unsent

LOG = structlog.get_logger("usher.checkins")
FRESH: Final = 3.0  # seconds
PATIENCE: Final = 1.0  # seconds that a scan's answer waits for it
KEPT: Final = 256  # events
Name = tuple[UUID, UUID]  # tenant, event


class Read(NamedTuple):
    """What was read last, and when that was tried. None: it never was."""

    tried: float
    found: Unsent | None


class Lately:
    """Of one process; used by its event loop alone."""

    def __init__(
        self, pool: Pool, now: Callable[[], datetime], monotonic: Callable[[], float]
    ) -> None:
        self._pool = pool
        self._now = now
        self._monotonic = monotonic
        self._kept: OrderedDict[Name, Read] = OrderedDict()
        self._reading: defaultdict[Name, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def head(self, tenant: UUID, event_id: UUID) -> dict[str, str]:
        """Return headers of an answer that is given now; none where nothing could be read."""
        name = tenant, event_id
        if self._is_due(name):
            async with self._reading[name]:  # whoever comes meanwhile gets the same
                if self._is_due(name):
                    self._keep(name, Read(self._monotonic(), await self._read(name)))
        found = self._kept[name].found
        return unsent.headers(found, self._now()) if found else {}

    def _is_due(self, name: Name) -> bool:
        kept = self._kept.get(name)
        return kept is None or self._monotonic() - kept.tried >= FRESH

    async def _read(self, name: Name) -> Unsent | None:
        """Return what the database says, or what it said before where it does not answer."""
        tenant, event_id = name
        try:
            async with (
                asyncio.timeout(PATIENCE),
                tenant_tx(self._pool, tenant, WORKER, self._now()) as tx,
            ):
                return await unsent.read(tx, event_id)
        except Exception as error:  # noqa: BLE001 - the scan that is answered is committed
            LOG.warning("age_unknown", tenant=str(tenant), fault=type(error).__name__)
            kept = self._kept.get(name)
            return kept.found if kept else None

    def _keep(self, name: Name, read: Read) -> None:
        self._kept[name] = read
        self._kept.move_to_end(name)
        while len(self._kept) > KEPT:
            self._reading.pop(self._kept.popitem(last=False)[0], None)
