"""What is decided between gates, as functions of their arguments."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.lan.rules import (
    LONGEST_PAUSE,
    LONGEST_UNPROVED,
    Budget,
    Opened,
    Standing,
    neighbours,
    outlives,
    pause,
    standing,
)
from shared import hashing
from shared.devices.roster import Cutoff, Member, TrustedRoster
from tests.edge.lans import somebody

ME, OTHER, NOBODY = somebody("me"), somebody("other"), somebody("nobody")


def roster(own: Member | None, other: Member | None) -> TrustedRoster:
    listed = {ME.device: own, OTHER.device: other}
    return TrustedRoster(bytes(16), devices={k: m for k, m in listed.items() if m is not None})


@pytest.mark.parametrize(
    ("own", "other", "pk", "says"),
    [
        (Member(ME.pk, None), Member(OTHER.pk, None), OTHER.pk, Standing.PEER),
        (Member(ME.pk, None), Member(OTHER.pk, None, "handheld"), OTHER.pk, Standing.PEER),
        (Member(ME.pk, None), Member(OTHER.pk, None, "cloud"), OTHER.pk, Standing.STRANGER),
        (Member(ME.pk, None, site=1), Member(OTHER.pk, None, site=2), OTHER.pk, Standing.STRANGER),
        (Member(ME.pk, None), Member(OTHER.pk, Cutoff(0, 0)), OTHER.pk, Standing.REVOKED),
        (Member(ME.pk, None), Member(OTHER.pk, Cutoff(9, 9)), OTHER.pk, Standing.REVOKED),
        (Member(ME.pk, None), Member(OTHER.pk, None), NOBODY.pk, Standing.STRANGER),
        (Member(ME.pk, None), Member(OTHER.pk, None), ME.pk, Standing.SELF),
        (Member(ME.pk, Cutoff(1, 1)), Member(OTHER.pk, None), OTHER.pk, Standing.STRANGER),
        (None, Member(OTHER.pk, None), OTHER.pk, Standing.STRANGER),
        (Member(ME.pk, None), None, OTHER.pk, Standing.STRANGER),
    ],
)
def test_the_roster_says_who_is_a_peer(
    own: Member | None, other: Member | None, pk: bytes, says: Standing
) -> None:
    """In force, of our site, no worker of the cloud, and we in force ourselves."""
    found = roster(own, other)
    assert standing(found, ME.device, pk) is says
    beside = neighbours(found, ME.device)
    assert (says is Standing.PEER) == (hashing.device_id(pk) in beside)


OPENED = st.builds(Opened, st.integers(2, 5), st.booleans(), st.integers(1, 3))


@given(st.lists(OPENED, min_size=1, max_size=5, unique=True), st.randoms(use_true_random=False))
def test_both_ends_keep_the_same_connection(opened: list[Opened], chance: random.Random) -> None:
    """In whichever order their hellos come through."""
    kept = set()
    for _ in range(3):
        chance.shuffle(opened)
        current = opened[0]
        for new in opened[1:]:
            current = new if outlives(new, current) else current
        kept.add(current)
    assert len(kept) == 1


def test_a_new_boot_outlives_what_its_old_one_left() -> None:
    """Whoever dialled."""
    assert outlives(Opened(6, by_lower=False, number=1), Opened(5, by_lower=True, number=9))
    assert outlives(Opened(5, by_lower=True, number=1), Opened(5, by_lower=False, number=9))
    assert outlives(Opened(5, by_lower=True, number=2), Opened(5, by_lower=True, number=1))


@given(st.integers(0, 10**6), st.floats(0, 1, exclude_max=True), st.booleans())
def test_a_pause_is_bounded(failures: int, chance: float, unproved: bool) -> None:
    """And never nothing: nobody is dialled in a tight loop."""
    longest = LONGEST_UNPROVED if unproved else LONGEST_PAUSE
    assert 0.1 < pause(failures, chance, unproved=unproved) <= longest


def test_a_budget_is_spent_and_fills_up() -> None:
    """A burst at once, then its rate."""
    budget = Budget(rate=10, burst=100, now=0)
    assert budget.spend(100, 0)
    assert not budget.spend(1, 0)
    assert budget.spend(9, 1)
    assert not budget.spend(2, 1)
    assert budget.spend(100, 1000)
    assert not budget.spend(1, 1000)


def test_a_budget_is_not_in_debt_for_ever() -> None:
    """Who asked for far too much waits as long as for two bursts, and no longer."""
    budget = Budget(rate=10, burst=100, now=0)
    assert not budget.spend(10**9, 0)
    assert not budget.spend(1, 9)
    assert budget.spend(1, 12)
