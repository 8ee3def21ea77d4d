"""How many have to say the same where the lie of one would cost a ticket."""

from typing import Final

AGREEING: Final = 2


def enough(several: int) -> int:
    """Return how many of so many: the only one alone is believed."""
    return min(AGREEING, several)
