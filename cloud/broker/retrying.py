"""When a delivery that failed is tried again, and when it is given up. Seconds, and counts."""

from enum import StrEnum
from typing import Final

from cloud.pacing import doubling

MAX_ATTEMPTS: Final = 12
FIRST_WAIT: Final = 1.0  # doubles up to MAX_WAIT: about eleven minutes in all
MAX_WAIT: Final = 120.0
# The broker closes the channel of a consumer that holds a delivery for half an hour.
HELD_AT_MOST: Final = 1200.0


class Next(StrEnum):
    """What is done with a delivery that failed."""

    WAIT = "wait"
    GIVE_UP = "give up"  # to the dead letters
    GIVE_BACK = "give back"  # to its queue, to come again


def after_failure(failures: int, held: float, *, away: bool) -> Next:
    """Return what to do after `failures` in a row, of a delivery that was held for `held`.

    `away`: it was nobody's fault here, and the message is not to die of it.
    """
    if not away and failures >= MAX_ATTEMPTS:
        return Next.GIVE_UP
    return Next.GIVE_BACK if held + wait(failures) > HELD_AT_MOST else Next.WAIT


def wait(failures: int) -> float:
    """Return how long to wait after `failures` in a row."""
    return doubling(FIRST_WAIT, MAX_WAIT, failures)
