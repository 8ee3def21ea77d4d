"""How an event goes, for whoever asks.

Every merge keeps its tally, so asking costs a look at a row. What came in since is counted when
somebody asks, and kept by this process until more comes in.
"""

import asyncio
import time
from collections import OrderedDict, defaultdict
from datetime import datetime
from typing import Final, LiteralString, NamedTuple
from uuid import UUID

import msgspec

from cloud import unsent
from cloud.checkins.counts import NOTHING, Tally, tally
from cloud.checkins.view import Merged, merged
from cloud.db.connect import Row
from cloud.db.tenancy import TenantTx

KEPT: Final = 256  # events
LARGE: Final = 0.5  # seconds of counting
SHARE: Final = 10.0
Due = tuple[int | None, int]  # the newest change that no merge has taken in, and how many are
NONE_DUE: Final[Due] = (None, 0)

STORE: Final[LiteralString] = """
    INSERT INTO event_count AS c (event_ref, at, body) VALUES ($1, $2, $3)
        ON CONFLICT (tenant_id, event_ref) DO UPDATE
       SET at = excluded.at, body = excluded.body,
           base = CASE WHEN $4 THEN excluded.base ELSE c.base END
 RETURNING base
"""
BASE: Final[LiteralString] = """
    SELECT base FROM event_count WHERE tenant_id = current_tenant() AND event_ref = $1
"""
KNOWN: Final[LiteralString] = """
    SELECT (SELECT ARRAY[max(change_id), count(*)] FROM merge_due
             WHERE tenant_id = current_tenant() AND event_ref = $1) AS due,
           c.at, c.body
      FROM (SELECT) AS one
      LEFT JOIN event_count c ON c.tenant_id = current_tenant() AND c.event_ref = $1
"""
SOLD: Final[LiteralString] = """
    SELECT count(*) FROM ticket
     WHERE tenant_id = current_tenant() AND event_id = $1
       AND state IN ('purchased', 'minted', 'active', 'listed', 'used', 'expired')
"""
# A zone within another one holds nobody whom that one doesn't.
OUTER: Final[LiteralString] = """
    SELECT z.zone_id FROM event e
      JOIN zone z ON z.tenant_id = e.tenant_id AND z.venue_id = e.venue_id
     WHERE e.tenant_id = current_tenant() AND e.event_id = $1 AND z.parent IS NULL
"""


async def store(tx: TenantTx, ref: bytes, counted: Tally, *, anew: bool) -> UUID:
    """Keep what a merge came to; return its base: another one where it had to read all anew."""
    base: UUID = await tx.conn.fetchval(STORE, ref, tx.now, msgspec.to_builtins(counted), anew)
    return base


async def base(tx: TenantTx, ref: bytes) -> UUID | None:
    """Return the base of the newest merge."""
    found: UUID | None = await tx.conn.fetchval(BASE, ref)
    return found


class Counts(Tally, frozen=True, kw_only=True):
    """How an event goes. `entered`, `left` and `refused` are of all gates together."""

    at: datetime  # everything that had come in by then is counted
    sold: int  # tickets that are somebody's, and neither refunded nor revoked
    inside: int  # people, in the outermost zones
    waiting: int  # records that the gates had not sent when they last reported
    heard_at: datetime | None  # when the gate did that has been silent for longest


class Counted(NamedTuple):
    """A tally, when it was made, and of what. `took`: seconds."""

    at: datetime
    tally: Tally
    due: Due = NONE_DUE
    took: float = 0.0


class Tallies:
    """What this process has counted of records that no merge has taken in yet.

    A small event is counted at every change that somebody asks after; a large one no more often
    than `SHARE` times as long as that takes, and its answer says how old it is. While somebody
    counts, the others are told what was counted before.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[UUID, bytes], Counted] = OrderedDict()
        self._counting: defaultdict[tuple[UUID, bytes], asyncio.Lock] = defaultdict(asyncio.Lock)

    async def read(self, tx: TenantTx, event_id: UUID, ref: bytes) -> Counts:
        """Return how an event goes."""
        newest = await self._newest(tx, ref)
        left = await unsent.read(tx, event_id)
        outer = {row["zone_id"] for row in await tx.conn.fetch(OUTER, event_id)}
        return Counts(
            **{name: getattr(newest.tally, name) for name in Tally.__struct_fields__},
            at=newest.at,
            sold=await tx.conn.fetchval(SOLD, event_id),
            inside=sum(zone.inside for zone in newest.tally.zones if zone.zone in outer),
            waiting=left.waiting,
            heard_at=left.heard_at,
        )

    async def _newest(self, tx: TenantTx, ref: bytes) -> Counted:
        row = await tx.conn.fetchrow(KNOWN, ref)
        if row is None:  # a left join of one row always returns it
            raise RuntimeError("no counts")
        due: Due = tuple(row["due"])  # a lower number may be committed after a higher one
        stored = _stored(row)
        if due == NONE_DUE:
            return Counted(tx.now, stored.tally if stored else NOTHING)
        key = tx.tenant, ref
        known = [each for each in (stored, self._kept.get(key)) if each]
        if (
            known and self._counting[key].locked()
        ):  # a connection that waits is one that uploads lack
            return max(known, key=lambda each: each.at)
        async with self._counting[key]:  # whoever asks first at the same time gets the same
            kept = self._kept.get(key)
            if kept is not None and (kept.due == due or _soon(kept, tx.now)):
                return max((each for each in (stored, kept) if each), key=lambda each: each.at)
            began = time.monotonic()
            whole = await merged(tx, ref)
            counted = await asyncio.to_thread(_tally, whole)
            kept = Counted(tx.now, counted, due, time.monotonic() - began)
            self._keep(key, kept)
        return kept

    def _keep(self, key: tuple[UUID, bytes], kept: Counted) -> None:
        self._kept[key] = kept
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT:
            self._counting.pop(self._kept.popitem(last=False)[0], None)


def _soon(kept: Counted, now: datetime) -> bool:
    """Whether it is too soon to count a large event again."""
    return kept.took > LARGE and (now - kept.at).total_seconds() < SHARE * kept.took


def _stored(row: Row) -> Counted | None:
    if row["body"] is None:
        return None
    return Counted(row["at"], msgspec.convert(row["body"], Tally))


def _tally(whole: Merged) -> Tally:
    return tally(whole.counting, whole.view, whole.view.summary())
