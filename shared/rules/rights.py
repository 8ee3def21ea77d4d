"""Which rights of a pool an entry may claim, and why none is left (spec/rules.md §6)."""

from typing import Final, NamedTuple

from shared.hashing import root_right
from shared.history import PoolHistory
from shared.outcomes import Outcome
from shared.rules.case import Case
from shared.rules.compiled import ClassRule
from shared.rules.decision import Deny

UNTOUCHED: Final = PoolHistory(0, (), frozenset(), ())
AHEAD_MS: Final = 60_000  # how far another gate's clock may honestly be ahead


class Claim(NamedTuple):
    """What an entry would use up."""

    rights: tuple[bytes, ...]  # at most as many as people are to enter
    returning: int  # of these, opened by exits of entries that are known
    left: int  # once they are all in: how many more may enter


def claim(case: Case, rule: ClassRule) -> Claim:
    """Return the rights for the people of `case`: those that exits opened, then root rights.

    At most `allowance` people are inside (re-entry), or at most `allowance` entries stand (no
    re-entry), even where copies admitted elsewhere left rights unnamed.
    """
    day = case.day or 0
    pool = case.history.pools.get((case.post.zone, day), UNTOUCHED)
    room = rule.allowance - (len(pool.inside) if rule.re_entry else pool.entries)
    wanted = min(case.people, room)
    rights = list(pool.opened[: max(0, wanted)]) if rule.re_entry else []
    # An exit whose entry nobody knows opens a right, and makes nobody known who comes back.
    returning = min(len(rights), pool.entries - len(pool.inside))
    event, ticket = case.post.event, case.scan.ticket_hash
    for index in range(rule.allowance):
        if len(rights) >= wanted:
            break
        right = root_right(event, ticket, case.post.zone, day, index)
        if right not in pool.claimed:
            rights.append(right)
    return Claim(tuple(rights), returning, room - wanted)


def lacking(case: Case, rule: ClassRule, found: Claim) -> Deny | None:
    """Return the refusal of people for whom there is no right."""
    if len(found.rights) >= case.people:
        return None
    pool = case.history.pools.get((case.post.zone, case.day or 0), UNTOUCHED)
    inside = pool.inside[-1] if pool.inside else None
    if rule.allowance > 1 or (rule.re_entry and inside is None):
        left = len(found.rights)
        return case.deny(Outcome.NO_ENTRIES_LEFT, prior=inside or pool.last, left=left)
    if inside is not None:
        return case.deny(Outcome.ALREADY_ADMITTED, prior=inside)
    return case.deny(Outcome.REENTRY_NOT_ALLOWED, prior=pool.last)


def too_soon(case: Case, rule: ClassRule, found: Claim, *, moved: bool) -> Deny | None:
    """Return the refusal of an entry too short after the pool's last, or a move after any.

    The people of a group who come on root rights are other people than those before them. An
    entry further ahead than clocks may honestly differ says nothing about the time since it.
    """
    if not rule.min_gap_ms or (rule.group and not found.returning and not moved):
        return None
    pool = case.history.pools.get((case.post.zone, case.day or 0), UNTOUCHED)
    last = case.history.last if moved else pool.last
    if last is None or not -AHEAD_MS <= case.now.ms - last.ms < rule.min_gap_ms:
        return None
    when = -((last.ms + rule.min_gap_ms) // -1000)  # the first full second
    return case.deny(Outcome.TOO_SOON, prior=last, when=when)
