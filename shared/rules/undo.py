"""Taking an admission back (spec/rules.md §10)."""

from typing import Final

from shared.history import History, Visit
from shared.instant import Instant
from shared.log.record import Kind
from shared.outcomes import Outcome
from shared.rules.decision import Draft, Hold
from shared.rules.rights import AHEAD_MS, UNTOUCHED

UNDO_MS: Final = 120_000


def undo(
    visit: Visit, history: History, now: Instant, *, same_device: bool, supervisor: bool
) -> Draft | Hold | None:
    """Return the ANNUL of `visit`, or that a supervisor must sign it. None: it can't be undone.

    Whoever has left did come in: taking that entry back would free its right a second time.
    The device that wrote the entry may take it back for two minutes by itself. An entry from
    beyond what clocks may honestly differ has no known age, so it needs the supervisor too.
    """
    pool = history.pools.get((visit.zone, visit.day), UNTOUCHED)
    if all(visit.id != inside.id for inside in pool.inside):
        return None
    recent = same_device and -AHEAD_MS <= now.ms - visit.ms <= UNDO_MS
    if not recent and not supervisor:
        return Hold(Outcome.SUPERVISOR_REQUIRED)
    return Draft(Kind.ANNUL, visit.zone, visit.day, 0, 0, visit.id)
