"""A process's redeemer, put together."""

import secrets
from collections.abc import Callable
from datetime import datetime
from typing import cast

from cloud.checkins.gathering import Parts
from cloud.checkins.opening import Shelf
from cloud.checkins.redeemer import Redeemer
from cloud.checkins.slots import Session, Slots
from cloud.checkins.worker import Opener
from cloud.db.connect import Pool, connect
from cloud.http.kernel import Gatekeeper, Sealer


def make_redeemer(
    pool: Pool,
    database_url: str,
    gatekeeper: Gatekeeper,
    sealer: Sealer,
    *,
    now: Callable[[], datetime],
    monotonic: Callable[[], float],
    software: str,
    random: Callable[[int], bytes] = secrets.token_bytes,
) -> Redeemer:
    """Return a redeemer. Its batches take connections of `pool`, one a tenant at a time.

    `database_url`: where the slot's lock is held, past any pooler: it lasts with its session.
    """
    began = monotonic()

    def clock() -> tuple[int, int]:
        return int(now().timestamp() * 1000), int((monotonic() - began) * 1000)

    async def session() -> Session:
        return cast("Session", await connect(database_url))

    opener = Opener(sealer, random, clock, software)
    parts = Parts(Shelf(), gatekeeper, sealer, opener, clock)
    return Redeemer(pool, Slots(session), parts, now)
