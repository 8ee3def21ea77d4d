"""Merges an event, and keeps its incidents and counts as the merged view has them.

One transaction at a time merges an event, and none waits: what comes in meanwhile is noted, and
merged by the next one. Uploads wait for none of it. A worker keeps the views that it made, and its
next merge of the event reads what came in since, unless more than that has changed.
"""

import asyncio
from collections.abc import Iterable
from typing import Final, LiteralString, NamedTuple
from uuid import UUID

from cloud.checkins import counts, tallies
from cloud.checkins.view import Merged, merged
from cloud.db.tenancy import TenantTx
from cloud.incidents import evidence, repository
from cloud.incidents.kept import Kept, Known
from cloud.incidents.model import Found, changes

LOCK: Final[LiteralString] = """
    SELECT pg_try_advisory_xact_lock(
        hashtextextended('usher/merge/' || current_tenant()::text || encode($1, 'hex'), 0))
"""
# Read after: what commits in between is in both.
TAKE: Final[LiteralString] = """
    DELETE FROM merge_due WHERE tenant_id = current_tenant() AND event_ref = $1 RETURNING anew
"""
LOGS: Final[LiteralString] = """
    SELECT device_id, incarnation FROM log_event
     WHERE tenant_id = current_tenant() AND event_ref = $1
"""


EVENT: Final[LiteralString] = """
    SELECT event_id FROM event WHERE tenant_id = current_tenant() AND ref = $1
"""


class Outcome(NamedTuple):
    """What a merge came to."""

    records: int
    changed: int  # incidents


async def merge(tx: TenantTx, ref: bytes, kept: Kept) -> Outcome | None:
    """Merge an event if something came in since, and nobody else does; else return None."""
    if not await tx.conn.fetchval(LOCK, ref):
        return None
    due = await tx.conn.fetch(TAKE, ref)
    if not due:
        return None
    rows = await tx.conn.fetch(LOGS, ref)
    logs = {(row["device_id"], row["incarnation"]) for row in rows}
    anew = any(row["anew"] for row in due)
    whole = await merged(tx, ref, await _known(tx, ref, kept, anew=anew))
    found, tally = await asyncio.to_thread(_judge, whole)
    base = await tallies.store(tx, ref, tally, anew=anew)
    number = await repository.lock(tx)
    held = await repository.held(tx, ref, logs)
    # Of another event's nothing is said here: its own merge has its words and all its records.
    ours = [each for each in found if each.subject.event in (ref, bytes(8))]
    known = {each.id for each in held}
    elsewhere = [each.subject.id for each in ours if each.subject.id not in known]
    held += await repository.named(tx, elsewhere)
    what = changes(ours, held)
    changed = await repository.write(tx, what, number)
    await _tell(tx, what.new)
    kept.keep((tx.tenant, ref), Known(whole, base))
    return Outcome(len(whole.raws), changed)


async def _known(tx: TenantTx, ref: bytes, kept: Kept, *, anew: bool) -> Merged | None:
    """Return the view to go on from, None where all is to be read. No other merge has read all
    since it was made, or it is not of the newest base."""
    known = kept.take((tx.tenant, ref))
    if known is None or anew or known.base != await tallies.base(tx, ref):
        return None
    return known.whole


async def _tell(tx: TenantTx, new: Iterable[Found]) -> None:
    """Tell of incidents that no merge had found before."""
    events: dict[bytes, UUID | None] = {}  # the one that is merged, and none
    for each in new:
        name, ref = each.subject.id.hex(), each.subject.event
        if ref not in events:
            events[ref] = await tx.conn.fetchval(EVENT, ref)
        await tx.publish(
            "incident.opened", f"incident:{name}", incident_id=name,
            kind=each.subject.kind, event_ref=ref.hex(), event_id=events[ref],
        )  # fmt: skip


def _judge(whole: Merged) -> tuple[list[Found], counts.Tally]:
    summary = whole.view.summary()
    found = evidence.found(summary, whole.raws)
    return found, counts.tally(whole.counting, whole.view, summary)
